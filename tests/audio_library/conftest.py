"""Recordings made on the spot by ffmpeg and espeak-ng, and meters that are not ours."""

import random
import subprocess
from pathlib import Path

import pytest

from audio_library.store import Store

SPEECH = (
    "Kính thưa bà con nhân dân. Hôm nay tổ công nghệ số cộng đồng đến từng nhà, hướng dẫn bà con "
    "cài đặt ứng dụng. Bà con nhớ mang theo giấy tờ và điện thoại. Xin cảm ơn bà con."
)


def ffmpeg(*arguments: object) -> None:
    command = ["ffmpeg", "-v", "error", "-nostdin", "-y", *map(str, arguments)]
    subprocess.run(command, check=True, timeout=60)


def amr(target: Path, seconds: float = 3.0) -> None:
    """No AMR encoder is at hand; frames of random bits decode to noise, which is sound enough.

    `target` is .amr, .awb (wideband) or .3gp.
    """
    wide = target.suffix == ".awb"
    # A frame's first byte: mode 7 (12.2 kbit/s) or, wideband, mode 2 (12.65), good quality.
    mark, first, payload = (b"#!AMR-WB\n", 0x14, 32) if wide else (b"#!AMR\n", 0x3C, 31)
    bits = random.Random(7)
    frames = [bytes([first]) + bits.randbytes(payload) for _ in range(round(seconds * 50))]
    note = target.with_suffix(".awb" if wide else ".amr")
    note.write_bytes(mark + b"".join(frames))
    if target != note:
        ffmpeg("-i", note, "-c", "copy", target)


@pytest.fixture(scope="session")
def recordings(tmp_path_factory) -> Path:
    """A folder for inputs that tests only read."""
    return tmp_path_factory.mktemp("recordings")


@pytest.fixture(scope="session")
def speech(recordings) -> Path:
    """Ten seconds of Vietnamese speech, 22.05 kHz WAV."""
    path = recordings / "speech.wav"
    subprocess.run(["espeak-ng", "-v", "vi", "-w", path, SPEECH], check=True, timeout=30)
    return path


@pytest.fixture(scope="session")
def short_speech(speech, recordings) -> Path:
    """Three seconds of it."""
    path = recordings / "short.wav"
    ffmpeg("-i", speech, "-t", "3", path)
    return path


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(tmp_path / "store")


def held(store: Store) -> list[Path]:
    """Everything under the store's root, hidden files included."""
    return sorted(path for path in store.root.rglob("*") if path.is_file())


def content(store: Store, sha256: str) -> bytes:
    with store.open(sha256) as file:
        return file.read()
