"""Recordings made on the spot by ffmpeg and espeak-ng, and meters that are not ours."""

import subprocess
from pathlib import Path

import av
import pytest

from audio_library.store import Store

SPEECH = (
    "Kính thưa bà con nhân dân. Hôm nay tổ công nghệ số cộng đồng đến từng nhà, hướng dẫn bà con "
    "cài đặt ứng dụng. Bà con nhớ mang theo giấy tờ và điện thoại. Xin cảm ơn bà con."
)


def ffmpeg(*arguments: object) -> None:
    command = ["ffmpeg", "-v", "error", "-nostdin", "-y", *map(str, arguments)]
    subprocess.run(command, check=True, timeout=60)


def amr(source: Path, target: Path, container: str) -> None:
    """Debian's ffmpeg cannot write AMR; PyAV's can."""
    with av.open(source) as given, av.open(target, "w", format=container) as made:
        stream = made.add_stream("libopencore_amrnb", rate=8000, layout="mono")
        stream.bit_rate = 12_200
        resampler = av.AudioResampler("s16", "mono", 8000)
        for frame in given.decode(audio=0):
            for piece in resampler.resample(frame):
                made.mux(stream.encode(piece))
        made.mux(stream.encode(None))


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
