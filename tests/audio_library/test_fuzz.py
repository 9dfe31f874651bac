"""The fuzzer: no crash, no hang, no stray file or process, and the store holds only whole clips."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from audio_library.errors import AudioError
from audio_library.ingest import ingest
from audio_library.sentences import REFUSALS
from audio_library.settings import Limits
from audio_library.store import Store
from tests.audio_library.conftest import amr, ffmpeg, held
from tests.audio_library.fuzzing import mutated

# CPU time bounds the work; the wall clock is wide, because others may use the machine too.
_LIMITS = Limits(wall_s=100, cpu_s=20, max_duration_s=600)
_HANG_S = 110
# What only a fault of ours or of the machine could bring about.
_UNEXPECTED = {"sandbox", "timeout", "disk_full", "cancelled", "store_corrupt"}
_FORMATS = ("mp3", "m4a", "wav", "flac", "ogg", "webm", "wma", "aac", "opus", "mov", "aiff", "mkv")


@pytest.fixture(scope="module")
def seeds(short_speech, recordings) -> list[bytes]:
    """One short recording in each format."""
    made = []
    for name in _FORMATS:
        path = recordings / f"seed.{name}"
        rate = ("-ar", "48000") if name in ("opus", "webm", "mkv") else ("-ar", "16000")
        ffmpeg("-ss", "0.3", "-i", short_speech, "-t", "0.7", *rate, path)
        made.append(path.read_bytes())
    for name in ("seed.amr", "seed.3gp", "seed.awb"):
        amr(recordings / name, seconds=1)
        made.append((recordings / name).read_bytes())
    return made


def fuzz(numbers: range, seeds: list[bytes], folder: Path) -> dict[str, int]:
    """Feed the numbered inputs in; returns how often each end was met."""
    store = Store(folder / "store")
    before = children()

    def one(number: int) -> str:
        path = folder / f"{number}.mp3"
        path.write_bytes(mutated(number, seeds))
        started = time.monotonic()
        try:
            ingest(path, store, limits=_LIMITS)
            end = "accepted"
        except AudioError as error:
            assert error.code in REFUSALS, number
            assert error.code not in _UNEXPECTED, (number, error.code, error.en)
            end = error.code
        assert time.monotonic() - started < _HANG_S, number
        path.unlink()
        return end

    with ThreadPoolExecutor(4) as pool:
        ends = list(pool.map(one, numbers))
    assert children() == before
    assert sorted(found.name for found in held(store)) == store.hashes()
    for sha256 in store.hashes():
        store.open(sha256).close()
    assert [found.name for found in folder.iterdir()] == ["store"]
    return {end: ends.count(end) for end in set(ends)}


def children() -> set[str]:
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())


@pytest.mark.timeout(300)
def test_two_hundred_broken_files_do_no_harm(seeds, tmp_path):
    ends = fuzz(range(200), seeds, tmp_path)

    # The damage must be real, and not so heavy that nothing gets past the first check.
    assert ends["accepted"] > 20
    assert sum(ends.values()) - ends["accepted"] > 40


@pytest.mark.faults
@pytest.mark.timeout(7200)
def test_ten_thousand_broken_files_do_no_harm(seeds, tmp_path):
    for start in range(1000, 11_000, 500):
        folder = tmp_path / str(start)
        folder.mkdir()
        fuzz(range(start, start + 500), seeds, folder)
