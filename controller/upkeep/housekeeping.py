"""The service's recurring work, as one table of jobs for APScheduler.

Jobs live in memory and each is idempotent: a run missed, late or doubled does no harm, because
what is to be done is read from the database every time. Nothing that makes sound happen on time
is here; nodes do that by themselves.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy import Engine

from audio_library.store import Store
from controller import changes, database, sequence
from controller.accounts import browsers
from controller.emergency import emergencies
from controller.fleet import node_story
from controller.library import sounds
from controller.mqtt import presence, reports
from controller.outcomes import receipts, silence
from controller.planning import airings, spoken_lines
from controller.planning.spoken_lines import Speaking
from controller.publishing import readiness
from controller.publishing.desk import Desk
from controller.publishing.orders import Orders
from controller.publishing.readiness import Watch
from controller.scheduling import catch_up
from controller.upkeep import alerts

_log = logging.getLogger(__name__)

_CHANGES_KEPT = timedelta(days=2)
_REPORTS_KEPT = timedelta(days=90)  # nodes keep theirs for 60
_REPORTS_AT_ONCE = 2000
_AT_ONCE = 10  # schedules expanded in one transaction


@dataclass(frozen=True, slots=True)
class Job:
    """Something done every `every_s` seconds; `at_start` also when the service comes up."""

    name: str
    run: Callable[[], object]
    every_s: float
    at_start: bool = True


@dataclass(frozen=True, slots=True)
class Keeping:
    """What the jobs work with."""

    engine: Engine
    desk: Desk
    orders: Orders
    clock: Callable[[], datetime]
    horizon_days: int
    ready_check: timedelta
    missed_grace: timedelta
    store: Store
    temporary: Path | None = None  # where uploads wait; None: nothing is swept


def jobs(keeping: Keeping) -> list[Job]:
    """The table. Steps are named functions below, so that each can be called by itself."""
    watch, speaking = Watch(), Speaking()
    return [
        Job("roll the horizon", partial(roll, keeping), 3600),
        Job("look for clips that nodes lack", partial(check_ready, keeping, watch), 10),
        Job("presume what nobody reported", partial(presume, keeping), 5),
        Job("end emergencies", partial(end_emergencies, keeping), 15),
        Job("catch up what schedules want caught up", partial(catch_up_missed, keeping), 300),
        Job("speak outros", partial(speak_outros, keeping, speaking), 15),
        Job("notice devices gone silent", partial(lose_silent, keeping), 30),
        Job("say what grows old again", partial(say_again, keeping), 3600, at_start=False),
        Job("plan what the broker holds", keeping.desk.seed, 60, at_start=False),
        Job("try the broker's list again", keeping.desk.mend_fence, 60, at_start=False),
        Job("tell technicians", partial(alert, keeping), 60, at_start=False),
        Job("prune", partial(prune, keeping), 3600),
        Job("forget old reports", partial(forget_reports, keeping), 86_400, at_start=False),
    ]


def roll(keeping: Keeping) -> None:
    """Extend every schedule's airings to the horizon and publish what that changed.

    A few schedules a transaction: writers wait for none of it long, and a stop in the middle
    leaves whole schedules, which the next run takes up.
    """
    with database.reading(keeping.engine) as session:
        ids = airings.on_air(session)
    for i in range(0, len(ids), _AT_ONCE):
        with database.transaction(keeping.engine) as session:
            airings.expand_all(
                session, ids[i : i + _AT_ONCE], keeping.clock(), keeping.horizon_days
            )
    keeping.desk.refresh()


def check_ready(keeping: Keeping, watch: Watch) -> None:
    """Before air time: which nodes lack a clip."""
    with database.transaction(keeping.engine) as session:
        readiness.check(session, watch, keeping.clock(), keeping.ready_check)


def presume(keeping: Keeping) -> None:
    """After air time: a row for every node that did not report; what may be caught up then is."""
    settled, more = 0, 1
    while more:
        with database.transaction(keeping.engine) as session:
            more = silence.presume(session, keeping.clock(), keeping.missed_grace)
        settled += more
    if settled:
        catch_up_missed(keeping)


def end_emergencies(keeping: Keeping) -> None:
    """Those that are over, and those nobody confirmed, are no longer shown as under way."""
    with database.transaction(keeping.engine) as session:
        emergencies.expire(session, keeping.clock())


def catch_up_missed(keeping: Keeping) -> None:
    """What was missed and is to be caught up by itself gets another time."""
    with database.transaction(keeping.engine) as session:
        catch_up.run(session, keeping.clock())


def speak_outros(keeping: Keeping, speaking: Speaking) -> None:
    """The words of Groups that changed, or of schedules that ask for an outro since."""
    spoken_lines.speak_missing(keeping.engine, keeping.store, speaking, keeping.clock())


def lose_silent(keeping: Keeping) -> None:
    with database.transaction(keeping.engine) as session:
        presence.lose_silent(session, keeping.clock())


def say_again(keeping: Keeping) -> None:
    """Documents a day old get a fresh number and expiry."""
    with database.transaction(keeping.engine) as session:
        sequence.keep_above_the_past(session, keeping.clock())
    keeping.desk.configure()
    keeping.desk.refresh()
    keeping.orders.refresh()


def alert(keeping: Keeping) -> None:
    """E-mail and webhooks about silent clusters and failed airings, a digest now and then."""
    alerts.run(keeping.engine, keeping.clock())


def prune(keeping: Keeping) -> None:
    now = keeping.clock()
    with database.transaction(keeping.engine) as session:
        changes.prune(session, now - _CHANGES_KEPT)
        node_story.prune(session, now)
        receipts.prune(session, now)
        browsers.prune(session, now)
    keeping.desk.collect()
    sounds.collect(keeping.engine, keeping.store, keeping.clock())
    if keeping.temporary is not None:
        sounds.sweep(keeping.temporary, keeping.clock())


def forget_reports(keeping: Keeping) -> None:
    """Reports as they came are evidence for a season; the playbacks made of them stay.

    A few at a time, so that nobody waits for the database.
    """
    before = keeping.clock() - _REPORTS_KEPT
    while True:
        with database.reading(keeping.engine) as session:
            keys = reports.older_than(session, before, _REPORTS_AT_ONCE)
        if not keys:
            return
        with database.transaction(keeping.engine) as session:
            reports.forget(session, keys)


def scheduler(table: list[Job], now: datetime) -> BackgroundScheduler:
    """A scheduler over the table, not yet started."""
    made = BackgroundScheduler(
        timezone=UTC,
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
    )
    for job in table:
        first = now if job.at_start else now + timedelta(seconds=job.every_s)
        made.add_job(
            partial(_guarded, job),
            "interval",
            seconds=job.every_s,
            id=job.name,
            next_run_time=first,
        )
    return made


def _guarded(job: Job) -> None:
    # This is the head of a loop: a job that fails is logged and comes again.
    try:
        job.run()
    except Exception:
        _log.exception("housekeeping failed: %s", job.name)
