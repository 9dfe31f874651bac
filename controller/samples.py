"""Sample content: six guidance clips, one per content area, and a schedule that airs them daily.

`python -m controller.samples AREA_ID AUTHOR APPROVER` (user names) makes what is missing. Clips are
recognised by title, so a second run adds nothing. Speech takes a while: run it in the background.
"""

import logging
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from audio_library.samples import SAMPLES, Sample
from audio_library.store import Store
from controller import commands, database
from controller import settings as configuration
from controller.accounts import people
from controller.accounts.access import SYSTEM, Actor
from controller.calendar.wall import zone
from controller.library import clips, tunes
from controller.models import Clip, Schedule
from controller.scheduling import approvals, schedules
from controller.scheduling.schedules import ItemInput, ScheduleInput
from controller.services import open_services

_log = logging.getLogger(__name__)

# Local times of day; the first broadcast is far enough away not to surprise anybody.
_TIMES = ("05:30", "17:00")
_FIRST_IN = timedelta(hours=2)
_TITLE = "Bản tin chuyển đổi số"
_TUNE = "lang_que"


def make_clips(engine: Engine, store: Store, author: Actor, approver: Actor, area_id: str) -> int:
    """Speak and approve the samples that are not there yet; how many."""
    with database.reading(engine) as session:
        there = set(session.scalars(select(Clip.title).where(Clip.area_id == area_id)))
    missing = [sample for sample in SAMPLES if sample.title not in there]
    for sample in missing:
        _make(engine, store, author, approver, area_id, sample)
    return len(missing)


def make_schedule(
    engine: Engine, author: Actor, approver: Actor, area_id: str, now: datetime
) -> Schedule | None:
    """A daily schedule of two samples in the morning and in the afternoon; None if there is one."""
    with database.transaction(engine) as session:
        if session.scalar(select(Schedule.id).where(Schedule.title.startswith(_TITLE))):
            return None
        items = [ItemInput(clip.id) for clip in _clips(session, area_id)[:2]]
        made: Schedule | None = None
        for time_of_day in _TIMES if items else ():
            made = _scheduled(session, author, approver, area_id, items, time_of_day, now)
    return made


def _make(
    engine: Engine,
    store: Store,
    author: Actor,
    approver: Actor,
    area_id: str,
    sample: Sample,
) -> None:
    now = datetime.now(UTC)
    clip, _version = clips.speak(
        engine, store, author, sample.text, "vi", None, sample.title, sample.topic, area_id, now
    )
    with database.transaction(engine) as session:
        session.get_one(Clip, clip.id).app = sample.app or None
        clips.approve(session, approver, clip.id, now)


def _clips(session: Session, area_id: str) -> Sequence[Clip]:
    titles = [sample.title for sample in SAMPLES]
    query = select(Clip).where(Clip.area_id == area_id, Clip.title.in_(titles))
    return session.scalars(query.order_by(Clip.topic)).all()


def _scheduled(
    session: Session,
    author: Actor,
    approver: Actor,
    area_id: str,
    items: list[ItemInput],
    time_of_day: str,
    now: datetime,
) -> Schedule:
    local = (now + _FIRST_IN).astimezone(zone("Asia/Ho_Chi_Minh"))
    first = local if local.strftime("%H:%M") <= time_of_day else local + timedelta(days=1)
    data = ScheduleInput(
        title=f"{_TITLE} {time_of_day}",
        items=items,
        area_ids=[area_id],
        starts_at=f"{first:%Y-%m-%d}T{time_of_day}:00",
        recurrence={"rrule": "FREQ=DAILY"},
        tune=_TUNE,
    )
    schedule, _draft = schedules.create(session, author, data, now)
    return approvals.approve_schedule(session, approver, schedule.id, now)


def main(arguments: list[str]) -> int:
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    area_id, *names = arguments
    services = open_services(configuration.load(os.environ))
    with database.reading(services.engine) as session:
        author, approver = (people.actor_of(people.find(session, SYSTEM, n)) for n in names)
    tunes.make(services.engine, services.store, _TUNE)
    made = make_clips(services.engine, services.store, author, approver, area_id)
    make_schedule(services.engine, author, approver, area_id, services.clock())
    commands.wake(services.settings.wake_path)
    _log.info("%d sample clips made", made)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
