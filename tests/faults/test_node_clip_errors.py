"""EIO and ENOSPC while clips come and are decoded: at any call, once or for a while, then they are
there, whole; nothing is called held that is not on the disk, and the trouble is told meanwhile.
"""

import errno
import os
from datetime import UTC, datetime

import pytest

from device.blobs import BlobStore
from tests.device import test_clip_cache, test_fetcher
from tests.device.conftest import make_clip
from tests.device.test_story import AREA, airing_of, bound, device_of, in_s
from tests.faults.failing_disk import ERRORS

BOTH = pytest.mark.parametrize("error", ["EIO", "ENOSPC"])
CALLS = (
    "open pwrite pread fsync fdatasync posix_fallocate ftruncate replace mkdir unlink stat scandir"
)


class RefusedCalls:
    """While patched in, the calls of `os` from the n-th on are refused, `length` of them."""

    def __init__(self, patch, nth, length, number):
        self.made = 0
        self.refused = range(nth, nth + length)
        for name in CALLS.split():
            patch.setattr(os, name, self._wrapped(getattr(os, name), number))

    @property
    def reached(self):
        return self.made >= self.refused.start

    def _wrapped(self, call, number):
        def run(*args, **more):
            self.made += 1
            if self.made in self.refused:
                raise OSError(number, os.strerror(number))
            return call(*args, **more)

        return run


def fetch_refused(folder, content, nth, length, number):
    """Whether it came to a refusal. The blob comes in the end, and was never said to be there."""
    bench = test_fetcher.Bench(folder)
    sha256 = bench.retain(content)
    with pytest.MonkeyPatch.context() as patch:
        calls = RefusedCalls(patch, nth, length, number)
        bench.fetcher.aim([(sha256, len(content))])
        bench.run(3)
        reached = calls.reached
    if bench.whole:
        assert BlobStore(folder).load(sha256) == content
    elif reached:
        assert bench.fetcher.refusal.errno == number
        assert bench.fetcher.full == (number == errno.ENOSPC)
    bench.run(60)
    assert bench.whole == [sha256]
    assert BlobStore(folder).load(sha256) == content
    assert bench.fetcher.refusal is None
    assert bench.loop.failures == 0
    bench.fetcher.aim([])
    bench.loop.close()
    return reached


@BOTH
@pytest.mark.parametrize("length", [1, 25], ids=["once", "for a while"])
def test_a_blob_comes_whole_whatever_call_is_refused(tmp_path, error, length):
    content, nth = os.urandom(100_000), 1
    while fetch_refused(tmp_path / str(nth), content, nth, length, ERRORS[error]):
        nth += 1
    assert nth > 15


@BOTH
def test_a_download_that_was_refused_its_sync_begins_again(tmp_path, error):
    """After a sync that failed nobody knows what is on the disk, though it can be read back."""
    bench = test_fetcher.Bench(tmp_path)
    content = os.urandom(100_000)
    sha256 = bench.retain(content)
    download = bench.store.begin(sha256, len(content))
    for index in range(download.bitmap.count):
        download.write(index, bench.broker.retained[bench.topics.chunk(sha256, index)])
    download.save()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(ERRORS[error], "no")))
        with pytest.raises(OSError):
            download.finish()
    assert not bench.store.holds(sha256)
    again = bench.store.begin(sha256, len(content))
    assert len(list(again.bitmap.missing())) == again.bitmap.count
    again.close()


class Decoding:
    """A clip that is delivered, and a decoder whose calls can be refused."""

    def __init__(self, folder, shim, monkeypatch):
        self.bench = test_clip_cache.Bench(folder)
        self.content, self.frames = make_clip(1.0)
        self.sha256 = self.bench.deliver(self.content)
        self.shim = shim
        shim.guard(folder)
        for name, value in shim.environment.items():
            monkeypatch.setenv(name, value)

    def refused(self, number, nth, *, reads):
        """Decode with the n-th call refused; whether there was one. It is right in the end."""
        clips = self.bench.clips
        self.shim.refuse(number, first=nth, last=nth, reads=reads)
        clips.prepare(self.sha256)
        self.bench.until(lambda: clips.ready(self.sha256) or clips.refusal)
        refused = bool(self.shim.get("refused"))
        if clips.refusal:
            assert clips.refusal.errno == number
            assert not clips.holds(self.sha256)
        assert not clips.unusable
        self.shim.refuse(0)
        clips.retry()
        self.bench.until(lambda: clips.ready(self.sha256))
        sound = self.bench.folder / "pcm" / f"{self.sha256}.pcm"
        assert sound.read_bytes() == self.frames.tobytes()
        assert clips.refusal is None
        clips.drop(self.sha256)
        self.bench.deliver(self.content)
        return refused


def decode_refused(folder, shim, monkeypatch, error, *, reads, step):
    decoding = Decoding(folder, shim, monkeypatch)
    nth = 1
    while decoding.refused(ERRORS[error], nth, reads=reads):
        nth += step
    assert nth > 4
    decoding.bench.loop.close()


def test_a_clip_is_decoded_whole_though_calls_are_refused(tmp_path, shim, monkeypatch):
    decode_refused(tmp_path / "data", shim, monkeypatch, "EIO", reads=True, step=3)


@pytest.mark.faults
@pytest.mark.parametrize(("error", "reads"), [("EIO", True), ("ENOSPC", False)])
def test_a_clip_is_decoded_whole_whatever_call_is_refused(
    tmp_path, shim, monkeypatch, error, reads
):
    decode_refused(tmp_path / "data", shim, monkeypatch, error, reads=reads, step=1)


def test_a_decoder_that_cannot_be_started_is_started_later(tmp_path, monkeypatch):
    bench = test_clip_cache.Bench(tmp_path)
    content, _ = make_clip(0.5)
    sha256 = bench.deliver(content)
    with pytest.MonkeyPatch.context() as patch:
        refusal = OSError(errno.EMFILE, "Too many open files")
        patch.setattr("subprocess.Popen", lambda *_, **__: (_ for _ in ()).throw(refusal))
        bench.clips.prepare(sha256)
        bench.until(lambda: bench.clips.refusal)
    bench.clips.retry()
    bench.until(lambda: bench.clips.ready(sha256))
    assert bench.loop.failures == 0
    bench.loop.close()


def live_with_refusals(controller, node, shim, tmp_path, number, every, airings, spare_s=0.0):
    """A node that is refused one call in `every` for most of the airings; its outcomes."""
    controller.config = bound
    shim.guard(tmp_path / "node" / "data")
    player = node(environment=shim.environment)
    device_id = device_of(controller)
    controller.wait(lambda: (found := controller.status(device_id)).version and not found.problems)
    shim.refuse(number, every=every)
    content, frames = make_clip(0.6)
    sha256 = controller.seed(content)
    starts = [in_s(10 + 4 * n) for n in range(airings - 1)]
    starts.append(in_s(6 + 4 * airings + spare_s))
    planned = [airing_of(content, frames, at, f"e{n}", late_s=2) for n, at in enumerate(starts)]
    later = airing_of(content, frames, in_s(3000), "later")  # the clip stays wanted
    controller.schedule(AREA, [*planned, later])
    before_last = starts[-2].timestamp() + 1 - datetime.now(UTC).timestamp()
    told = set()

    def passed():
        told.update(controller.status(device_id).problems)
        return datetime.now(UTC) > starts[-2]

    controller.wait(passed, before_last + 5)
    refused = shim.get("refused")
    shim.refuse(0)
    controller.wait(lambda: len(controller.outcomes(device_id)) == airings, 60 + spare_s)
    controller.wait(lambda: sha256 in controller.status(device_id).holds, 75)
    controller.wait(lambda: not controller.status(device_id).problems, 30)
    reports = controller.all_reports(device_id)
    for airing in planned:
        ends = [r for r in reports if (r.airing_id, r.kind) == (airing.airing_id, "finished")]
        assert len(ends) == 1
    for path in (player.evidence / "sound").glob("*.json"):
        assert "stretches" not in path.read_text()
    assert player.process.poll() is None
    assert refused
    assert every > 2 or told & {"storage_fault", "storage_full"}
    return [controller.outcomes(device_id)[a.airing_id].outcome for a in planned]


def test_a_node_outlives_a_disk_that_refuses_now_and_then(controller, node, shim, tmp_path):
    outcomes = live_with_refusals(controller, node, shim, tmp_path, errno.EIO, 2, airings=2)
    assert set(outcomes) <= {"played", "missed"}


@pytest.mark.faults
@pytest.mark.timeout(300)
@pytest.mark.parametrize("every", [1, 2, 5, 15])
@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC], ids=["EIO", "ENOSPC"])
def test_a_node_outlives_a_disk_that_refuses(controller, node, shim, tmp_path, number, every):
    outcomes = live_with_refusals(controller, node, shim, tmp_path, number, every, 5, spare_s=75.0)
    assert outcomes[-1] == "played"
