"""Clips: decoded on arrival by a child, hashed before first use, damage never sounds."""

import hashlib
from pathlib import Path

import pytest

from device.blobs import BlobStore
from device.clip_cache import DecodedClips
from device.loop import Loop
from protocol.chunks import chunk_count, chunk_span
from tests.device.conftest import make_clip


class Bench:
    def __init__(self, folder):
        self.folder = folder
        self.loop = Loop()
        self.damaged = []
        self.blobs = BlobStore(folder)
        self.clips = self.make()

    def make(self):
        return DecodedClips(
            self.loop,
            self.folder,
            self.blobs,
            on_change=lambda: None,
            on_damaged=self.damaged.append,
        )

    def deliver(self, content):
        sha256 = hashlib.sha256(content).hexdigest()
        download = self.blobs.begin(sha256, len(content))
        for index in range(chunk_count(len(content))):
            offset, length = chunk_span(len(content), index)
            download.write(index, content[offset : offset + length])
        assert download.finish()
        return sha256

    def until(self, condition, seconds=20.0):
        deadline = self.loop.monotonic() + seconds
        while not condition():
            assert self.loop.monotonic() < deadline, "what was waited for did not happen"
            self.loop.turn(0.05)


@pytest.fixture
def bench(tmp_path):
    bench = Bench(tmp_path)
    yield bench
    bench.loop.close()


def ready(bench, sha256):
    bench.clips.prepare(sha256)
    bench.until(lambda: bench.clips.ready(sha256))
    return bench.clips.ready(sha256)


def test_a_clip_is_decoded_to_the_very_frames(bench):
    content, frames = make_clip(1.0)
    sha256 = bench.deliver(content)
    assert not bench.clips.holds(sha256)
    sound = ready(bench, sha256)
    assert sound.frames == len(frames)
    assert (bench.folder / "pcm" / f"{sha256}.pcm").read_bytes() == frames.tobytes()


def test_after_a_restart_it_is_hashed_before_it_counts_as_ready(bench):
    sha256 = bench.deliver(make_clip(0.5)[0])
    ready(bench, sha256)
    bench.clips = bench.make()
    assert bench.clips.holds(sha256)
    assert bench.clips.ready(sha256) is None
    assert ready(bench, sha256)


def test_damaged_sound_is_decoded_again(bench):
    content, frames = make_clip(0.5)
    sha256 = bench.deliver(content)
    sound = ready(bench, sha256)
    with Path(sound.path).open("r+b") as file:
        file.seek(1000)
        file.write(b"\x55")
    bench.clips = bench.make()
    ready(bench, sha256)
    assert (bench.folder / "pcm" / f"{sha256}.pcm").read_bytes() == frames.tobytes()


def test_a_damaged_delivery_is_fetched_again(bench):
    sha256 = bench.deliver(make_clip(0.5)[0])
    path = bench.blobs.path(sha256)
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    bench.clips.prepare(sha256)
    bench.until(lambda: bench.damaged)
    assert bench.damaged == [sha256]
    assert not bench.blobs.holds(sha256)


def test_what_is_no_sound_is_unusable_and_said_so(bench):
    sha256 = bench.deliver(b"no sound at all" * 100)
    bench.clips.prepare(sha256)
    bench.until(lambda: bench.clips.unusable)
    assert not bench.clips.holds(sha256)


def test_a_dropped_clip_leaves_nothing(bench):
    sha256 = bench.deliver(make_clip(0.5)[0])
    ready(bench, sha256)
    bench.clips.drop(sha256)
    assert not bench.clips.holds(sha256)
    assert [path for path in bench.folder.rglob("*") if path.is_file()] == []
