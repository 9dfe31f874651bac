"""EIO and ENOSPC on the n-th call, n = 1, 2, … until none fails: nothing is lost, nothing stops."""

import contextlib
import random
from datetime import UTC, datetime, timedelta

import pytest

from device.durable import TwoCopies, write_whole
from device.identity import Counters
from device.outbox import Outbox, prepared
from device.room import Ballast
from device.schedule_store import ScheduleStore
from protocol.messages import Report, ScheduleHead
from protocol.outcomes import Outcome, ReportKind
from tests.device.fakes import START
from tests.faults.failing_disk import ERRORS, SQLITE, FailingCalls, FailingConnection, FailingDisk

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
BOTH = pytest.mark.parametrize("error", ["EIO", "ENOSPC"])
NOW = datetime(2026, 11, 22, 5, 0, tzinfo=UTC)


def report(kind, number):
    outcome = Outcome.PLAYED if kind is ReportKind.FINISHED else None
    return Report(kind=kind, airing_id=f"a{number}", planned_at=START, outcome=outcome)


def told(ledger):
    return [(r.airing_id, r.kind) for r in ledger.owed(999)]


def note_all(ledger):
    """Five airings begin and end; what must be owed in the end, in order."""
    kinds = (ReportKind.STARTED, ReportKind.FINISHED)
    wanted = [(number, kind) for number in range(5) for kind in kinds]
    for number, kind in wanted:
        ledger.note(report(kind, number))
    return [(f"a{number}", kind) for number, kind in wanted]


def run_refused(tmp_path, error, first, length):
    """Whether a refusal happened; the ledger works on, and afterwards has every report once."""
    chance = random.Random(first)
    disk = FailingDisk(chance, 10**9, 10**9, SQLITE[error])
    ledger = Outbox(tmp_path / "none", connect=lambda _: prepared(FailingConnection(disk)))
    disk.first = disk.operations + first
    disk.last = disk.first + length - 1
    wanted = note_all(ledger)
    refused = disk.operations >= disk.first
    disk.first = disk.last = 10**9
    assert ledger.retry()
    assert not ledger.full
    assert told(ledger) == wanted
    assert all(ledger.knows(f"a{number}") for number in range(5))
    epoch = ledger.store_epoch
    ledger.close()
    again = Outbox(
        tmp_path / "none", connect=lambda _: prepared(FailingConnection(disk.after_the_cut()))
    )
    assert told(again) == wanted
    assert again.store_epoch == epoch
    again.close()
    return refused


@BOTH
@pytest.mark.parametrize("length", [1, 40], ids=["once", "for a while"])
def test_the_ledger_outlives_a_refusal_at_any_operation(tmp_path, error, length):
    first = 1
    while run_refused(tmp_path, error, first, length):
        first += 1
    assert first > 20


@BOTH
def test_a_file_is_the_old_or_the_new_one_whatever_call_fails(tmp_path, error):
    path = tmp_path / "config"
    nth = 1
    while True:
        write_whole(path, b"old")
        with pytest.MonkeyPatch.context() as patch:
            calls = FailingCalls(patch, nth, ERRORS[error])
            try:
                write_whole(path, b"new and longer")
            except OSError:
                pass
            else:
                assert not calls.failed
        assert path.read_bytes() in (b"old", b"new and longer")
        assert not path.with_name("config.tmp").exists()
        if not calls.failed:
            break
        nth += 1
    assert nth > 3


@BOTH
def test_counters_never_go_back_whatever_call_fails(tmp_path, error):
    highest, obeyed, nth = 0, 0, 1
    while True:
        counters = Counters(tmp_path)
        with pytest.MonkeyPatch.context() as patch:
            calls = FailingCalls(patch, nth, ERRORS[error])
            for _ in range(1200):  # over the end of a reserved block
                said = counters.next_seq()
            with contextlib.suppress(OSError):  # then it is not acted on
                counters.obeyed("command", nth)
                obeyed = nth
        assert said > highest
        highest = said if not counters.full else highest
        again = Counters(tmp_path)
        assert again.streams.get("command", 0) >= obeyed
        if not calls.failed:
            break
        nth += 1


@BOTH
def test_two_copies_keep_one_readable_whatever_call_fails(tmp_path, error):
    nth = 1
    while True:
        file = TwoCopies(tmp_path / "x")
        file.save({"n": nth - 1})
        with pytest.MonkeyPatch.context() as patch:
            calls = FailingCalls(patch, nth, ERRORS[error])
            for _ in range(3):
                try:
                    file.save({"n": nth})
                except OSError:
                    continue
        assert TwoCopies(tmp_path / "x").load()["n"] in (nth - 1, nth)
        if not calls.failed:
            break
        nth += 1


@BOTH
def test_a_schedule_stays_in_force_whatever_call_fails(tmp_path, error):
    def head(revision):
        return ScheduleHead("a", revision, NOW + timedelta(days=1))

    nth = 1
    while True:
        store = ScheduleStore(tmp_path / str(nth), lambda _: b"")
        store.take(head(1), b"1", NOW)
        store.activate(NOW)
        with pytest.MonkeyPatch.context() as patch:
            calls = FailingCalls(patch, nth, ERRORS[error])
            try:
                store.take(head(2), b"2", NOW)
                store.activate(NOW)
            except OSError:
                assert calls.failed
        again = ScheduleStore(tmp_path / str(nth), lambda _: b"")
        again.restore("a", lambda raw: head(int(raw)))
        again.activate(NOW)
        assert again.held()[0].revision in (1, 2)
        if not calls.failed:
            break
        nth += 1


@BOTH
def test_a_ballast_that_cannot_be_laid_in_is_no_error(tmp_path, error):
    with pytest.MonkeyPatch.context() as patch:
        FailingCalls(patch, 1, ERRORS[error])
        assert Ballast(tmp_path).fill() is False
