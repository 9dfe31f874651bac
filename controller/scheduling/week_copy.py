"""Copying a week: what aired or will air in one week, once more in another, each as a one-off.

What stands in the target week already, by a repeating schedule or by an earlier copy, is left as
it is: copying twice changes nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from controller.accounts.access import Actor, visible_areas
from controller.calendar.wall import to_local, to_utc, zone
from controller.errors import BadInput, Conflict
from controller.models import Airing, Approval, Schedule
from controller.planning import airings
from controller.scheduling import schedules
from controller.scheduling.schedules import ItemInput, ScheduleInput
from protocol.outcomes import AiringClass

_MOST = 500
_WEEK = timedelta(days=7)
_FARTHEST = timedelta(days=28)  # beyond it repeating schedules have no airings yet to be seen
Key = tuple[datetime, tuple[tuple[str, int], ...], frozenset[str]]


@dataclass(frozen=True, slots=True)
class Copied:
    """One airing of the old week as it would stand in the new one.

    `state`: new, there (stands already), past, or refused (`why`: sentences in both languages).
    """

    data: ScheduleInput
    starts_at: datetime
    state: str
    why: list[dict[str, Any]] = field(default_factory=list)


def plan(
    session: Session, actor: Actor, source: date, target: date, timezone: str, now: datetime
) -> list[Copied]:
    """What copying the week of Monday `source` to that of `target` would do; saves nothing."""
    if not now - _WEEK < to_utc(datetime.combine(target, time()), zone(timezone)) < now + _FARTHEST:
        raise BadInput(
            {
                "to": (
                    "Chỉ chép được sang tuần này hoặc ba tuần tới: hãy chọn lại tuần.",
                    "A week can be copied to this week or the next three: choose another.",
                )
            }
        )
    there = _standing(session, actor, target, timezone, now)
    return [
        _judged(session, actor, data, starts_at, key in there, now)
        for key, data, starts_at in _wanted(session, actor, source, target, timezone, now)
    ]


def create(
    session: Session, actor: Actor, source: date, target: date, timezone: str, now: datetime
) -> list[Schedule]:
    """Create what `plan` calls new; what clashes meanwhile is left out."""
    made = []
    for each in plan(session, actor, source, target, timezone, now):
        if each.state == "new":
            try:
                with session.begin_nested():
                    made.append(schedules.create(session, actor, each.data, now)[0])
            except Conflict:
                continue
    return made


def _wanted(
    session: Session, actor: Actor, source: date, target: date, timezone: str, now: datetime
) -> Iterable[tuple[Key, ScheduleInput, datetime]]:
    """The airings of the source week, moved by whole weeks on the wall clock."""
    tz = zone(timezone)
    own = visible_areas(session, actor)
    for airing, schedule in _aired(session, actor, source, timezone, now):
        if schedule.deleted_at is not None:
            continue
        area_ids = frozenset(area.area_id for area in schedule.areas)
        if own is not None and not own.issuperset(area_ids):
            continue
        starts = to_local(airing.starts_at, tz) + (target - source)
        data = _once_more(schedule, starts, sorted(area_ids))
        yield (starts, _items(schedule), area_ids), data, to_utc(starts, tz)


def _judged(
    session: Session,
    actor: Actor,
    data: ScheduleInput,
    starts_at: datetime,
    there: bool,
    now: datetime,
) -> Copied:
    if there or starts_at <= now:
        return Copied(data, starts_at, "there" if there else "past")
    try:
        blocking = schedules.draft(session, actor, data, now).blocking
    except BadInput as error:
        pairs = [{"vi": vi, "en": en} for vi, en in error.errors.values()]
        return Copied(data, starts_at, "refused", pairs)
    return Copied(data, starts_at, "refused" if blocking else "new", blocking)


def _standing(
    session: Session, actor: Actor, monday: date, timezone: str, now: datetime
) -> set[Key]:
    """What stands in a week: its airings, and one-offs that wait for approval."""
    start, tz = datetime.combine(monday, time()), zone(timezone)
    waiting = select(Schedule).where(
        Schedule.status == Approval.PENDING,
        Schedule.deleted_at.is_(None),
        Schedule.starts_local >= start.isoformat(),
        Schedule.starts_local < (start + _WEEK).isoformat(),
    )
    return {
        *(
            _key(schedule, to_local(airing.starts_at, tz))
            for airing, schedule in _aired(session, actor, monday, timezone, now)
        ),
        *(
            _key(schedule, datetime.fromisoformat(schedule.starts_local))
            for schedule in session.scalars(waiting)
        ),
    }


def _aired(
    session: Session, actor: Actor, monday: date, timezone: str, now: datetime
) -> list[tuple[Airing, Schedule]]:
    start, tz = datetime.combine(monday, time()), zone(timezone)
    from_, until = to_utc(start, tz), to_utc(start + _WEEK, tz)
    found = airings.page(session, actor, now=now, from_=from_, until=until, limit=_MOST).items
    return [
        (view.airing, session.get_one(Schedule, view.airing.schedule_id))
        for view in found
        if view.airing.schedule_id and view.airing.class_ != AiringClass.EMERGENCY
    ]


def _key(schedule: Schedule, starts: datetime) -> Key:
    return starts, _items(schedule), frozenset(area.area_id for area in schedule.areas)


def _items(schedule: Schedule) -> tuple[tuple[str, int], ...]:
    return tuple((item.clip_id, item.times) for item in schedule.programme.items)


def _once_more(schedule: Schedule, starts: datetime, area_ids: list[str]) -> ScheduleInput:
    programme = schedule.programme
    return ScheduleInput(
        title=schedule.title,
        items=[ItemInput(item.clip_id, item.times, item.gap_s) for item in programme.items],
        area_ids=area_ids,
        starts_at=starts.isoformat(),
        class_=schedule.class_,
        late_s=schedule.late_s,
        tune=programme.tune,
        outro=programme.outro,
    )
