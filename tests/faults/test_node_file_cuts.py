"""Power cuts while small files are written: counters, config and schedules are whole after."""

import contextlib
import random
from datetime import UTC, datetime, timedelta

import pytest

from device.durable import TwoCopies, write_whole
from device.schedule_store import ScheduleStore
from protocol.messages import ScheduleHead
from tests.faults.failing_disk import FailingCalls

SECTOR = 512
NOW = datetime(2026, 11, 22, 5, 0, tzinfo=UTC)


class PowerCut(BaseException):
    """Nobody catches it: no clean-up runs, as when the power goes."""


class CuttingCalls(FailingCalls):
    """The power goes just before, or right after, the n-th call."""

    def _wrapped(self, call, number):
        def run(*args, **more):
            self.left -= 1
            if self.left == 0:
                self.failed = True
                if number:
                    call(*args, **more)
                raise PowerCut
            return call(*args, **more)

        return run


def torn(before, after, chance):
    """What a cut leaves of a file that was being overwritten: each sector is old or new."""
    size = max(len(before), len(after))
    old, new = before.ljust(size, b"\0"), after.ljust(size, b"\0")
    kept = [
        (new if chance.random() < 0.5 else old)[at : at + SECTOR] for at in range(0, size, SECTOR)
    ]
    return b"".join(kept)


def cut_within_writes(tmp_path, cuts):
    chance = random.Random(6)
    content = {"n": 0, "streams": {}}
    for cut in range(cuts):
        file = TwoCopies(tmp_path / "counters")
        file.load()
        file.save(content)
        paths = [tmp_path / "counters.a", tmp_path / "counters.b"]
        before = [path.read_bytes() if path.exists() else b"" for path in paths]
        grown = {"n": cut + 1, "streams": {f"s{n}": cut for n in range(chance.randrange(300))}}
        file.save(grown)
        for path, old in zip(paths, before, strict=True):
            if path.read_bytes() != old:
                path.write_bytes(torn(old, path.read_bytes(), chance))
        found = TwoCopies(tmp_path / "counters").load()
        assert found in (content, grown)
        content = found


def test_cuts_within_a_write_leave_the_counters_readable(tmp_path):
    cut_within_writes(tmp_path, 200)


@pytest.mark.faults
def test_a_thousand_cuts_within_a_write_leave_the_counters_readable(tmp_path):
    cut_within_writes(tmp_path, 1000)


def cut_at_every_call(prepare, work, check):
    """Do `work` anew with the power going at the n-th call, n = 1, 2, …; how many there were."""
    nth = 1
    while True:
        for after in (0, 1):
            prepare()
            with pytest.MonkeyPatch.context() as patch:
                calls = CuttingCalls(patch, nth, after)
                with contextlib.suppress(PowerCut):
                    work()
            check()
        if not calls.failed:
            return nth
        nth += 1


def test_a_document_is_the_old_or_the_new_one_after_a_cut_at_any_call(tmp_path):
    path = tmp_path / "config"

    def check():
        assert path.read_bytes() in (b"old", b"new and longer")

    calls = cut_at_every_call(
        lambda: write_whole(path, b"old"), lambda: write_whole(path, b"new and longer"), check
    )
    assert calls > 3


def test_a_schedule_is_in_force_after_a_cut_at_any_call(tmp_path):
    def head(revision):
        return ScheduleHead("a", revision, NOW + timedelta(days=1))

    def opened():
        store = ScheduleStore(tmp_path / "schedules", lambda _: b"")
        store.restore("a", lambda raw: head(int(raw)))
        return store

    def put(store, revision):
        store.take(head(revision), str(revision).encode(), NOW)
        store.activate(NOW)

    def check():
        store = opened()
        store.activate(NOW)
        assert store.held()[0].revision in (1, 2)

    calls = cut_at_every_call(lambda: put(opened(), 1), lambda: put(opened(), 2), check)
    assert calls > 3
