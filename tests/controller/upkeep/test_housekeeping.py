"""The job table: every job may run twice, late or never, and a failing one comes again."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from audio_library.store import Store
from controller.accounts.access import SYSTEM
from controller.area_changes import area_edits
from controller.database import reading, transaction
from controller.models import (
    Airing,
    Approval,
    Change,
    Device,
    NodeReport,
    Playback,
    Schedule,
    ServiceCommand,
)
from controller.mqtt.clip_seeder import ClipSeeder
from controller.mqtt.ledger import FileLedger
from controller.mqtt.publisher import Publisher
from controller.publishing.desk import BlobSource, Desk
from controller.publishing.orders import Orders
from controller.publishing.readiness import Watch
from controller.scheduling import approvals, schedules
from controller.upkeep import housekeeping
from controller.upkeep.housekeeping import Job, Keeping
from protocol.keys import SigningKey
from protocol.topics import Topics
from tests.controller.factories import (
    DAY,
    HOUR,
    NOW,
    make_clip,
    make_node,
    schedule_input,
    serve,
)
from tests.fakes.link import FakeLink
from tests.support.waiting import wait_until


class Bench:
    def __init__(self, engine, folder):
        self.engine = engine
        self.now = NOW
        self.link = FakeLink()
        topics = Topics("main")
        publisher = Publisher(engine, self.link, SigningKey.generate(), topics, self.clock)
        pages = Store(folder / "pages")
        ledger = FileLedger(folder / "seeded.json")
        seeder = ClipSeeder(self.link.publish, topics, BlobSource(pages), ledger, lambda: 0.0)
        self.keeping = Keeping(
            engine,
            Desk(engine, publisher, seeder, pages, 30, self.clock),
            Orders(engine, publisher, seeder.offer, self.clock),
            self.clock,
            30,
            timedelta(minutes=30),
            timedelta(seconds=30),
            Store(folder / "store"),
        )

    def clock(self):
        return self.now

    def count(self, model):
        with reading(self.engine) as session:
            return session.scalar(select(func.count()).select_from(model))

    def heads(self):
        return [sent for sent in self.link.sent if sent.topic.endswith("schedule")]


@pytest.fixture
def bench(engine, tmp_path):
    return Bench(engine, tmp_path)


@pytest.fixture
def on_air(engine, cast):
    """A daily schedule for one served node."""
    with transaction(engine) as session:
        serve(session, make_node(session, cast.areas["upper"]))
        clip = make_clip(session, area_id=cast.areas["commune"])
        data = schedule_input(
            clip.id, cast.areas["commune"], recurrence={"rrule": "FREQ=DAILY"}, late_s=60
        )
        made, _ = schedules.create(session, cast.erin, data, NOW)
        approvals.approve_schedule(session, cast.bob, made.id, NOW)


def test_rolling_extends_the_airings_and_publishes_them(bench, on_air):
    before = bench.count(Airing)
    bench.now += 3 * DAY
    housekeeping.roll(bench.keeping)
    assert bench.count(Airing) == before + 3
    assert len(bench.heads()) == 2
    housekeeping.roll(bench.keeping)
    assert (bench.count(Airing), len(bench.heads())) == (before + 3, 2)


def test_silence_is_presumed_for_everything_that_is_over(bench, on_air):
    bench.now += 4 * DAY
    housekeeping.presume(bench.keeping)
    assert bench.count(Playback) == 3
    housekeeping.presume(bench.keeping)
    assert bench.count(Playback) == 3


def test_what_is_a_day_old_is_said_again(bench, on_air):
    housekeeping.say_again(bench.keeping)
    first = len(bench.link.sent)
    housekeeping.say_again(bench.keeping)
    assert len(bench.link.sent) == first
    bench.now += timedelta(hours=21)
    housekeeping.say_again(bench.keeping)
    assert len(bench.link.sent) == 2 * first


def test_old_changes_are_pruned_and_young_ones_kept(bench, on_air):
    assert bench.count(Change) > 0
    housekeeping.prune(bench.keeping)
    assert bench.count(Change) > 0
    bench.now += 4 * DAY
    housekeeping.prune(bench.keeping)
    assert bench.count(Change) == 0


def test_a_device_gone_silent_is_called_offline(bench, on_air):
    bench.now += timedelta(minutes=10)
    housekeeping.lose_silent(bench.keeping)
    with reading(bench.engine) as session:
        assert not session.scalars(select(Device)).one().online


def test_readiness_is_looked_at_before_air_time(bench, on_air):
    with reading(bench.engine) as session:
        first = session.scalar(select(func.min(Airing.starts_at)))
    bench.now = first - timedelta(seconds=5)
    watch = Watch()
    housekeeping.check_ready(bench.keeping, watch)
    assert sum(map(bool, watch.lacking.values())) == 1


def test_every_job_of_the_table_runs_on_an_empty_database(bench):
    for job in housekeeping.jobs(bench.keeping):
        job.run()


def test_jobs_run_at_start_and_again_and_a_failing_one_comes_back(caplog):
    runs, enough = [], threading.Event()

    def fails():
        runs.append(1)
        if len(runs) >= 3:
            enough.set()
        raise ValueError("broken job")

    scheduler = housekeeping.scheduler([Job("broken", fails, 0.1)], datetime.now(UTC))
    scheduler.start()
    try:
        assert enough.wait(10)
    finally:
        scheduler.shutdown()
    assert "housekeeping failed: broken" in caplog.text


def test_a_job_that_is_not_for_the_start_waits_its_turn():
    now = datetime.now(UTC)
    made = housekeeping.scheduler([Job("later", lambda: None, 3600, at_start=False)], now)
    made.start(paused=True)
    try:
        assert made.get_jobs()[0].next_run_time == now + timedelta(hours=1)
    finally:
        made.shutdown()


def test_reports_are_kept_for_a_season_and_the_playbacks_for_good(bench):
    with transaction(bench.engine) as session:
        device = Device(id="d" * 32, public_key="a" * 64, first_seen_at=NOW)
        session.add(device)
        session.flush()
        for seq, age in enumerate((timedelta(days=91), timedelta(days=89)), 1):
            session.add(
                NodeReport(
                    device_id=device.id,
                    store_epoch="e",
                    seq=seq,
                    airing_id="a",
                    received_at=NOW - age,
                    body={},
                )
            )
    housekeeping.forget_reports(bench.keeping)
    with reading(bench.engine) as session:
        assert session.scalars(select(NodeReport.seq)).all() == [2]


EVENINGS = {"permit": [{"from": "12:00", "to": "13:30"}, {"from": "19:00", "to": "20:00"}]}


@pytest.fixture
def to_catch_up(engine, cast):
    """At 13:00 for the commune, to be caught up by itself; nobody hears of it in two villages."""

    def made(**clip):
        commune = cast.areas["commune"]
        with transaction(engine) as session:
            area_edits.update(session, SYSTEM, commune, {"policy": EVENINGS}, NOW)
            make_node(session, cast.areas["upper"], "A")
            sound = make_clip(session, area_id=commune, **clip)
            data = schedule_input(
                sound.id, commune, "2026-11-22T13:00", exceptions={"catch_up": True}
            )
            found, _ = schedules.create(session, cast.erin, data, NOW)
            approvals.approve_schedule(session, cast.bob, found.id, NOW)
        return found.id

    return made


def caught_up(bench, original):
    with reading(bench.engine) as session:
        again = Schedule.rule["catch_up_of"].as_string().is_not(None)
        return session.scalars(select(Schedule).where(Schedule.id != original, again)).all()


def test_what_was_missed_is_replayed_by_itself_within_the_hours(bench, cast, to_catch_up):
    original = to_catch_up()
    bench.now = NOW + 2 * HOUR  # 14:00: no sound is permitted before 19:00
    running = housekeeping.scheduler(housekeeping.jobs(bench.keeping), datetime.now(UTC))
    running.start()
    try:
        wait_until(lambda: caught_up(bench, original))
    finally:
        running.shutdown()
    (again,) = caught_up(bench, original)
    assert (again.status, again.starts_local) == (Approval.APPROVED, "2026-11-22T19:00:00")
    with reading(bench.engine) as session:
        airing = session.scalars(select(Airing).where(Airing.schedule_id == again.id)).one()
        assert [area.area_id for area in airing.areas] == [cast.areas["upper"]]
        asked = session.scalars(select(ServiceCommand).order_by(ServiceCommand.id.desc())).first()
        assert asked.body["area_ids"] == [cast.areas["upper"]]
    for job in housekeeping.jobs(bench.keeping):
        job.run()
    assert len(caught_up(bench, original)) == 1


@pytest.mark.parametrize("paused", [False, True])
def test_nothing_expired_or_paused_is_replayed_by_itself(bench, cast, to_catch_up, paused):
    original = to_catch_up(valid_until=None if paused else NOW + 4 * HOUR)
    bench.now = NOW + 2 * HOUR
    if paused:
        with transaction(bench.engine) as session:
            schedules.pause(session, SYSTEM, original, bench.now)
    for _ in range(60):  # two days and a half, an hour at a time
        for job in housekeeping.jobs(bench.keeping):
            if "catch up" in job.name or "presume" in job.name:
                job.run()
        bench.now += HOUR
    assert bench.count(Playback) == 1
    assert caught_up(bench, original) == []
