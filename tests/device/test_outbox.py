"""The ledger: what is noted stays, what is acknowledged goes, what is damaged is set aside."""

import json
import os
import sqlite3
from dataclasses import replace
from datetime import timedelta

import pytest

from device.outbox import MOST_REPORTS, Outbox, prepared
from device.settings import Settings
from protocol.codec import to_json
from protocol.messages import EPOCH, ClockReading, Report
from protocol.outcomes import Outcome, ReportKind
from tests.device.fakes import START, FakeClock
from tests.device.living import Living


def started(airing_id="a1"):
    return Report(kind=ReportKind.STARTED, airing_id=airing_id, planned_at=START, at=START)


def finished(airing_id="a1"):
    return Report(
        kind=ReportKind.FINISHED, airing_id=airing_id, planned_at=START, outcome=Outcome.PLAYED
    )


@pytest.fixture
def path(tmp_path):
    return tmp_path / "outbox.sqlite3"


def test_reports_are_owed_oldest_first_until_acknowledged(path, open_box):
    box = open_box(path)
    for number in range(3):
        box.note(finished(f"a{number}"))
    assert [r.seq for r in box.owed(2)] == [1, 2]
    assert box.acknowledge(box.store_epoch, 1, [3]) == 2
    assert [r.airing_id for r in box.owed(9)] == ["a1"]


def test_another_stores_acknowledgement_means_nothing(path, open_box):
    box = open_box(path)
    box.note(finished())
    assert box.acknowledge("another", 99, []) == 0
    assert len(box) == 1


def test_numbers_are_never_used_again(path, open_box):
    box = open_box(path)
    box.note(finished("a1"))
    box.acknowledge(box.store_epoch, 1, [])
    box.close()
    box = open_box(path)
    box.note(finished("a2"))
    assert box.owed(1)[0].seq == 2


def test_what_was_begun_is_known_after_a_restart(path, open_box):
    box = open_box(path)
    box.note(started())
    box.close()
    box = open_box(path)
    assert box.knows("a1")
    assert [r.airing_id for r in box.orphans()] == ["a1"]
    box.note(finished())
    assert box.orphans() == []


@pytest.mark.parametrize("size", [0, 100, 100_000])
def test_random_bytes_are_set_aside_and_a_new_epoch_begins(path, open_box, size):
    box = open_box(path)
    box.note(started())
    epoch = box.store_epoch
    box.close()
    path.write_bytes(os.urandom(max(size, 1)))
    box = open_box(path)
    assert box.quarantined and box.store_epoch != epoch
    assert list(path.parent.glob("*.corrupt.*"))
    box.note(finished("a2"))
    assert len(box) == 1


def test_only_the_last_two_damaged_stores_are_kept(path, open_box):
    for _ in range(4):
        open_box(path).close()
        path.write_bytes(os.urandom(5000))
    open_box(path).close()
    assert len(list(path.parent.glob("*.corrupt.*"))) == 2


def test_damage_under_way_keeps_what_is_known_and_goes_on(path, open_box):
    box = open_box(path)
    box.created(START)
    for number in range(50):
        box.note(finished(f"a{number}"))
    raw = sqlite3.connect(path)
    raw.execute("PRAGMA writable_schema=ON")
    raw.execute("DELETE FROM sqlite_schema WHERE name = 'outbox'")
    raw.execute("PRAGMA schema_version = 99")
    raw.commit()
    raw.close()
    box.note(started("b1"))
    assert box.quarantined and box.knows("a7") and box.knows("b1")
    assert box.created_at is not None and box.created_at > START
    box.retry()
    assert len(box) == 1


def test_a_disk_that_refuses_keeps_reports_in_memory(path, open_box):
    box = open_box(path)
    blocker = sqlite3.connect(path, isolation_level=None)
    box._db.execute("PRAGMA busy_timeout=10")
    blocker.execute("BEGIN IMMEDIATE")
    box.note(started())
    assert box.full and box.knows("a1") and len(box) == 1
    blocker.execute("ROLLBACK")
    blocker.close()
    assert box.retry()
    assert (box.full, [r.airing_id for r in box.owed(9)]) == (False, ["a1"])


class Refusing(sqlite3.Connection):
    """A disk that reads and takes nothing, while `card.read_only`."""

    def execute(self, query, *values):
        if card.read_only and not query.startswith(("SELECT", "PRAGMA", "BEGIN")):
            error = sqlite3.OperationalError("attempt to write a readonly database")
            error.sqlite_errorcode = sqlite3.SQLITE_READONLY
            raise error
        return super().execute(query, *values)


class card:
    read_only = False


@pytest.fixture
def box_on_card(path):
    card.read_only = False
    box = Outbox(path, lambda name: prepared(sqlite3.connect(name, factory=Refusing)))
    yield box
    box.close()


def test_what_was_acknowledged_is_not_told_again_though_it_cannot_be_deleted(box_on_card):
    box = box_on_card
    for number in range(5):
        box.note(finished(f"a{number}"))
    card.read_only = True
    assert box.acknowledge(box.store_epoch, 2, [4]) == 3
    assert [r.seq for r in box.owed(9)] == [3, 5]
    assert box.acknowledge(box.store_epoch, 2, [4]) == 0
    assert len(box) == 2 and box.full
    assert not box.retry()
    card.read_only = False
    assert box.retry() and not box.full
    assert [r.seq for r in box.owed(9)] == [3, 5]
    assert box._db.execute("SELECT count(*) FROM outbox").fetchone()[0] == 2


def test_a_disk_that_can_be_read_is_not_taken_for_one_that_writes(box_on_card):
    card.read_only = True
    box_on_card.note(finished())
    assert len(box_on_card) == 1 and box_on_card.full
    card.read_only = False
    assert box_on_card.retry() and not box_on_card.full


def test_what_was_told_elsewhere_is_written_down_as_dealt_with_only(box_on_card, path, open_box):
    card.read_only = True
    box_on_card.note(finished("a1"))
    box_on_card.note(started("a2"))
    assert [r.airing_id for r in box_on_card.hand_over()] == ["a1", "a2"]
    assert len(box_on_card) == 0
    card.read_only = False
    assert box_on_card.retry()
    again = open_box(path)
    assert len(again) == 0
    assert again.knows("a1")
    assert [r.airing_id for r in again.orphans()] == ["a2"]


def test_old_airings_are_forgotten_but_open_ones_are_not(path, open_box):
    box = open_box(path)
    box.note(finished("a1"))
    box.note(started("a2"))
    box.forget_before(START + timedelta(days=1))
    assert not box.knows("a1") and box.knows("a2")


def test_the_store_is_born_once(path, open_box):
    box = open_box(path)
    box.created(START)
    box.created(START + timedelta(days=1))
    box.close()
    again = open_box(path)
    assert again.created_at == START
    again.close()


def fill(box, count, at=START, *, trusted=True):
    for number in range(count):
        report = replace(finished(f"b{number}"), at=at, clock=ClockReading(trusted, "rtc"))
        box.note(report)


def test_too_many_reports_are_summed_up_and_none_is_dropped_silently(open_box):
    box = open_box(None)
    fill(box, 2500)
    assert box.shrink(START - timedelta(days=1), most=600) == 2000
    owed = box.owed(9999)
    sums = [report for report in owed if report.kind is ReportKind.SUMMARY]
    assert len(owed) == 502
    assert [json.loads(report.detail) for report in sums] == [{"played": 1000}] * 2
    assert sums[0].airing_id == "summary-1-1000"
    assert sums[0].seq == 2501
    assert box.knows("b0")


def test_summaries_are_summed_up_in_their_turn(path, open_box):
    box = open_box(path)
    fill(box, 30)
    assert box.shrink(START - timedelta(days=1), most=10) == 30
    fill(box, 30)
    assert box.shrink(START - timedelta(days=1), most=10) == 31
    (only,) = box.owed(99)
    assert json.loads(only.detail) == {"played": 60}


def test_too_many_reports_are_summed_up_though_no_clock_was_ever_trusted(open_box):
    box = open_box(None)
    fill(box, 1500, EPOCH, trusted=False)
    assert box.shrink(EPOCH, most=600) == 1000
    owed = box.owed(9999)
    assert len(owed) == 501
    assert json.loads(owed[-1].detail) == {"played": 1000}
    assert box.knows("b0")


def test_a_node_that_never_knew_the_time_keeps_its_ledger_within_bounds(tmp_path, broker):
    """Ten years of reports and no link: those above the bound become sums at the next start."""
    body = json.dumps(to_json(replace(finished("x"), at=EPOCH)))
    box = Outbox(tmp_path / "outbox.sqlite3")
    with box._db:
        rows = [(body,)] * (MOST_REPORTS + 1500)
        box._db.executemany("INSERT INTO outbox (body) VALUES (?)", rows)
    box.close()
    clock = FakeClock(at=EPOCH)
    clock.believed = False
    url = f"mqtt://127.0.0.1:{broker.port}"
    living = Living(Settings(data_dir=tmp_path, sink="null", broker_url=url), clock=clock)
    assert not living.node.clock.trusted
    assert len(living.node.outbox) == MOST_REPORTS + 1500 - 2 * 1000 + 2
    assert living.end() == 0


def test_what_waits_in_memory_for_years_is_summed_up_too(box_on_card):
    card.read_only = True
    for number in range(5010):
        box_on_card.note(finished(f"c{number}"))
    assert len(box_on_card) == 4011
    first, *rest = box_on_card.hand_over()
    assert json.loads(first.detail) == {"played": 1000}
    assert rest[0].airing_id == "c1000"


def test_what_is_too_old_is_summed_up_unless_its_clock_was_wrong(path, open_box):
    box = open_box(path)
    fill(box, 5, START - timedelta(days=500), trusted=False)
    assert box.shrink(START - timedelta(days=400)) == 0
    other = open_box(None)
    fill(other, 5, START - timedelta(days=500))
    fill(other, 3, START)
    assert other.shrink(START - timedelta(days=400)) == 5
    assert len(other) == 4
