"""Reports in any order, twice or late, give the same playback; the node's own word comes once."""

import itertools
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from controller import schema
from controller.accounts.access import SYSTEM
from controller.area_changes import area_edits
from controller.area_changes.area_edits import AreaInput
from controller.database import open_engine, reading, transaction
from controller.fleet import nodes
from controller.fleet.nodes import NodeInput
from controller.models import (
    Airing,
    AiringArea,
    Change,
    Device,
    DeviceBinding,
    NodeReport,
    Playback,
)
from controller.mqtt import reports
from controller.mqtt.folding import COLUMNS, Row
from controller.mqtt.reports import Told
from controller.outcomes.silence import presume
from controller.upsert import insert_missing
from protocol.errors import Malformed
from protocol.keys import SigningKey
from protocol.messages import ClockReading, Report, ReportBatch
from protocol.outcomes import AiringClass, Outcome, ReportKind
from tests.controller.mqtt.conftest import NOW
from tests.support.postgres import running_postgres

STARTS = NOW + timedelta(minutes=5)
LATER = STARTS + timedelta(minutes=3)


def started(seq=1, airing_id="a1", **fields):
    known = {"at": STARTS, "planned_at": STARTS, "started_at": STARTS, "start_error_ms": 3.0}
    return Report(seq, ReportKind.STARTED, airing_id, **{**known, **fields})


def finished(seq=2, airing_id="a1", **fields):
    known = {
        "at": LATER,
        "planned_at": STARTS,
        "outcome": Outcome.PLAYED,
        "started_at": STARTS,
        "ended_at": STARTS + timedelta(seconds=40),
        "start_error_ms": 3.0,
        "played_ms": 40_000,
        "length_ms": 40_000,
        "clock": ClockReading(True, "ntp", 1),
    }
    return Report(seq, ReportKind.FINISHED, airing_id, **{**known, **fields})


@pytest.fixture
def airing(engine, commune):
    with transaction(engine) as session:
        session.add(
            Airing(
                id="a1",
                original_at=STARTS,
                starts_at=STARTS,
                ends_at=STARTS + timedelta(seconds=40),
                class_=AiringClass.NORMAL,
                title="Bản tin",
                late_s=60,
                areas=[AiringArea(area_id=commune.areas["commune"])],
            )
        )
    return "a1"


@pytest.fixture
def device(place, bind):
    node_id, _ = place()
    return bind(node_id, SigningKey.generate())


@pytest.fixture
def tell(engine, device):
    """Commit batches of one device; returns the acknowledgements."""

    def do(*batches, at=LATER, epoch="e1", by=None):
        told = [Told(by or device, ReportBatch(epoch, tuple(batch))) for batch in batches]
        with transaction(engine) as session:
            return [ack for _, ack in reports.commit(session, told, at, {})]

    return do


@pytest.fixture
def playbacks(engine):
    def read():
        with reading(engine) as session:
            return list(session.scalars(select(Playback)))

    return read


def facts(row):
    return (row.outcome, row.reason, row.started_at, row.ended_at, row.played_ms, row.clock)


def test_a_started_report_shows_the_airing_on_the_air(airing, tell, playbacks):
    tell([started()])
    (row,) = playbacks()
    assert (row.outcome, row.started_at, row.planned_day) == (None, STARTS, date(2026, 11, 22))


def test_a_finished_report_brings_the_outcome_and_its_figures(airing, tell, playbacks):
    tell([started(), finished(xruns=2, volume_pct=80)])
    (row,) = playbacks()
    assert (row.outcome, row.played_ms, row.start_error_ms) == (Outcome.PLAYED, 40_000, 3.0)
    assert (row.xruns, row.volume_pct, row.clock["source"]) == (2, 80, "ntp")


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_any_order_of_arrival_gives_the_same_row(airing, tell, playbacks, order):
    said = [started(1), Report(2, ReportKind.CHECKPOINT, "a1", planned_at=STARTS), finished(3)]
    for position in order:
        tell([said[position]])
    (row,) = playbacks()
    assert facts(row)[:5] == (
        Outcome.PLAYED,
        "",
        STARTS,
        STARTS + timedelta(seconds=40),
        40_000,
    )


def test_a_batch_told_twice_changes_nothing(airing, tell, playbacks, engine):
    first = tell([started(), finished()])
    before = facts(playbacks()[0])
    assert tell([started(), finished()], at=LATER + timedelta(days=1)) == first
    assert facts(playbacks()[0]) == before
    with reading(engine) as session:
        assert len(session.scalars(select(NodeReport)).all()) == 2


def test_the_first_word_of_a_node_stands(airing, tell, playbacks):
    tell([finished(2)])
    tell([finished(9, outcome=Outcome.MISSED, reason="too_late")])
    assert playbacks()[0].outcome == Outcome.PLAYED


def test_a_node_s_word_replaces_what_was_presumed_and_both_stay(engine, airing, tell, playbacks):
    long_after = STARTS + timedelta(hours=1)
    with transaction(engine) as session:
        presume(session, long_after, timedelta(seconds=30))
    assert playbacks()[0].outcome == Outcome.MISSED
    tell([started(), finished()], at=STARTS + timedelta(days=30))
    (row,) = playbacks()
    assert (row.outcome, row.reason) == (Outcome.PLAYED, "")
    assert (row.presumed_outcome, row.presumed_reason) == (Outcome.MISSED, "offline_unknown")
    assert row.presumed_at == long_after


def test_an_airing_the_database_does_not_know_is_kept_all_the_same(tell, playbacks):
    tell([finished(1, "unknown")])
    (row,) = playbacks()
    assert (row.airing_id, row.planned_at, row.outcome) == ("unknown", STARTS, Outcome.PLAYED)


def test_the_day_is_the_controller_s_even_if_the_node_thinks_otherwise(airing, tell, playbacks):
    tell([finished(1, planned_at=STARTS + timedelta(days=400))])
    assert playbacks()[0].planned_day == date(2026, 11, 22)


def test_a_report_counts_for_the_place_the_device_served_then(
    engine, airing, place, bind, tell, playbacks
):
    old, _ = place("loa-11")
    new, _ = place("loa-12", area="lower")
    key = SigningKey.generate()
    device = bind(old, key)
    with transaction(engine) as session:
        binding = session.scalars(
            select(DeviceBinding).where(DeviceBinding.device_id == device)
        ).one()
        binding.until_at = LATER
    bind(new, key, at=LATER)
    tell([finished()], at=LATER + timedelta(hours=1), by=device)
    assert [row.node_id for row in playbacks()] == [old]


def test_a_device_bound_to_no_place_is_heard_and_folded_nowhere(
    engine, place, bind, tell, playbacks
):
    with transaction(engine) as session:
        session.add(Device(id="d" * 32, public_key="0" * 64, first_seen_at=NOW))
    (ack,) = tell([finished(1)], by="d" * 32)
    assert ack.upto == 1
    assert playbacks() == []


def test_pages_are_told_once_for_a_batch(engine, airing, tell, commune):
    tell([started(), finished()])
    with reading(engine) as session:
        told = [c for c in session.scalars(select(Change)) if c.kind == "playback"]
    assert [(c.subject_id, c.area_id) for c in told] == [("a1", commune.areas["upper"])]


def test_an_unbroken_run_is_acknowledged_by_its_end(tell):
    (ack,) = tell([started(1), finished(2)])
    assert (ack.store_epoch, ack.upto, ack.also) == ("e1", 2, ())


def test_what_lies_behind_a_gap_is_acknowledged_one_by_one(tell):
    tell([started(1)])
    (ack,) = tell([finished(3), started(4, "a2")])
    assert (ack.upto, ack.also) == (1, (3, 4))
    (ack,) = tell([finished(2, "a0")])
    assert (ack.upto, ack.also) == (4, ())


def test_nothing_below_the_first_report_held_is_acknowledged(tell):
    (ack,) = tell([finished(7)])
    assert (ack.upto, ack.also) == (0, (7,))


def test_a_run_that_is_remembered_goes_on_without_looking(engine, device):
    with transaction(engine) as session:
        told = [Told(device, ReportBatch("e1", (started(8), finished(9))))]
        runs = {(device, "e1"): 7, ("another", "e1"): 90}
        ((_, ack),) = reports.commit(session, told, LATER, runs)
    assert (ack.upto, ack.also) == (9, ())


def test_a_gap_behind_a_remembered_run_is_seen(engine, device):
    with transaction(engine) as session:
        reports.commit(session, [Told(device, ReportBatch("e1", (started(7),)))], LATER, {})
        told = [Told(device, ReportBatch("e1", (finished(9),)))]
        ((_, ack),) = reports.commit(session, told, LATER, {(device, "e1"): 7})
    assert (ack.upto, ack.also) == (7, (9,))


def test_another_store_of_the_same_device_is_counted_by_itself(tell):
    tell([started(1), finished(2)])
    (ack,) = tell([finished(1)], epoch="e2")
    assert (ack.store_epoch, ack.upto) == ("e2", 1)


@pytest.mark.parametrize(
    "report",
    [
        finished(0),
        finished(2**63),
        finished(1, played_ms=2**31),
        finished(1, xruns=-1),
        finished(1, airing_id=""),
        finished(1, airing_id="x" * 65),
    ],
)
def test_what_no_column_can_hold_is_counted_and_keeps_nothing_else_back(report):
    told = reports.told("d", ReportBatch("e1", (report, finished(9))), ["bad", "good"])
    assert (told.unread, told.texts[-1]) == (1, "good")
    kept = dict(zip((each.seq for each in told.batch.reports), told.texts, strict=True))
    assert kept == ({1: "bad"} if 0 < report.seq < 2**63 else {}) | {9: "good"}
    assert told.batch.reports[-1] == finished(9)


def test_a_batch_without_an_epoch_or_of_too_many_reports_is_malformed():
    with pytest.raises(Malformed):
        reports.told("d", ReportBatch("", (finished(),)), [])
    with pytest.raises(Malformed):
        reports.told("d", ReportBatch("e1", tuple(finished(n) for n in range(1, 52))), [])


@pytest.mark.postgres
def test_on_postgresql_a_row_somebody_else_inserts_meanwhile_is_not_lost():
    """The controller presumes silence between our look and our insert: both stay."""
    with running_postgres() as server:
        engine = open_engine(server.database("fold"))
        schema.upgrade(engine)
        _race(engine)
        engine.dispose()


def _race(engine):
    key = SigningKey.generate().verify_key
    with transaction(engine) as session:
        area = area_edits.create(session, SYSTEM, AreaInput("Xã", "xã"), NOW - timedelta(days=1))
        data = NodeInput("n", "n", area.id)
        node, _ = nodes.create(session, SYSTEM, data, NOW - timedelta(days=1))
        session.add(Device(id=key.device_id, public_key=key.hex, first_seen_at=NOW))
        session.flush()
        session.add(DeviceBinding(node_id=node.id, device_id=key.device_id, from_at=NOW))
    with transaction(engine) as session:
        batch = ReportBatch("e1", tuple(finished(n, f"b{n}") for n in range(2, 7)))
        reports.commit(session, [Told(key.device_id, batch)], LATER, {})
    told = [Told(key.device_id, ReportBatch("e1", (finished(1),)))]
    with transaction(engine) as ours:
        looked = reports._locked_rows(ours, list(reports._placed(ours, told)))
        assert looked == {}
        with transaction(engine) as other:
            presumed = {
                "planned_day": STARTS.date(),
                "airing_id": "a1",
                "node_id": node.id,
                "planned_at": STARTS,
                "outcome": Outcome.MISSED,
                "reason": "offline_unknown",
                "detail": "",
                "presumed_outcome": Outcome.MISSED,
            }
            insert_missing(other, Playback, [presumed])
        row = Row(STARTS.date(), "a1", node.id, STARTS)
        assert not reports._insert_rows(ours, [row])
        reports.commit(ours, told, LATER, {})
    with reading(engine) as session:
        found = {row.airing_id: row for row in session.scalars(select(Playback))}
    assert {row.outcome for row in found.values()} == {Outcome.PLAYED}
    assert len(found) == 6
    assert found["a1"].presumed_outcome == Outcome.MISSED


def test_a_plain_row_has_every_column_of_the_table():
    assert set(COLUMNS) == set(Playback.__table__.columns.keys())


def test_a_summary_of_many_is_acknowledged_and_is_no_playback(tell, playbacks):
    summed_up = Report(5, ReportKind.SUMMARY, "summary-1-4", STARTS, LATER, detail="{}")
    (ack,) = tell([summed_up])
    assert (ack.also, playbacks()) == ((5,), [])
