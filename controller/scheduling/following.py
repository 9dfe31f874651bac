"""This airing and all after it: the old schedule ends before it, and a new one takes over there.

Where the new one waits for approval, the old one goes on until then. What has aired keeps the old
schedule's ids, so nothing is heard twice and the log keeps what was.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from controller.accounts.access import Action, Actor
from controller.calendar.recurrence import occurrences
from controller.calendar.rrule_text import RRule
from controller.calendar.wall import as_local, parse_local, to_local, zone
from controller.errors import Conflict
from controller.models import Airing, Approval, Schedule
from controller.planning.due import resolved
from controller.scheduling import schedules
from controller.scheduling.airing_edits import ahead
from controller.scheduling.drafts import Draft
from controller.scheduling.proposals import as_entered
from controller.scheduling.schedule_input import ScheduleInput
from controller.territory.places import Tree

_LONG = timedelta(days=366 * 100)


def draft(
    session: Session, actor: Actor, airing_id: str, data: ScheduleInput, now: datetime
) -> Draft:
    """What the change would do; saves nothing."""
    airing, schedule = ahead(session, actor, airing_id, now, Action.SCHEDULE)
    data = _from(session, airing, schedule, data)
    follows = (schedule.id, airing.original_at)
    return schedules.draft(session, actor, data, now, follows=follows)


def change(
    session: Session, actor: Actor, airing_id: str, data: ScheduleInput, now: datetime
) -> tuple[Schedule, Draft]:
    """This airing and all after it as entered. A start before this airing's day means its day.

    Raises Conflict as `schedules.create`, and for an airing that has begun.
    """
    airing, schedule = ahead(session, actor, airing_id, now, Action.SCHEDULE)
    data = _from(session, airing, schedule, data)
    followed = (schedule.id, airing.original_at)
    made, found = schedules.create(session, actor, data, now, follows=followed)
    last = to_local(airing.original_at, zone(schedule.timezone)) - timedelta(seconds=1)
    follows = {"schedule_id": schedule.id, "until": last.isoformat()}
    made.rule = {**made.rule, "follows": follows}
    session.flush()
    if made.status == Approval.APPROVED:
        end(session, actor, follows, now)
    return made, found


def end(session: Session, actor: Actor, follows: dict[str, str], now: datetime) -> None:
    """The schedule that another follows ends before it.

    Raises Conflict when it ends sooner by now: something else has taken its place since.
    """
    schedule = session.get(Schedule, follows["schedule_id"])
    if schedule is None or schedule.deleted_at is not None:
        return
    last = parse_local(follows["until"], "until")
    until = _rule(session, schedule).until
    if until is not None and until < last:
        raise Conflict(
            "superseded",
            "Lịch cũ đã được đổi hoặc kết thúc trước lượt này: hãy trả lại thay đổi này rồi sửa "
            "lịch đang phát.",
            "The old schedule was changed or ended before this airing by now: return this change "
            "and edit the schedule on the air.",
        )
    kept = schedule.rule.get("exceptions") or {}
    rdates = [each for each in kept.get("rdates", []) if _before(each, schedule, last)]
    changed = {"exceptions": {**kept, "rdates": rdates}} if kept.get("rdates") else {}
    schedule.rule = {**schedule.rule, **changed, "until": follows["until"]}
    session.flush()
    schedules.told(session, actor, "end", schedule, now, {"until": follows["until"]})
    schedules.put_on_air(session, actor, schedule, now)


def entered_from(session: Session, airing: Airing, schedule: Schedule) -> ScheduleInput:
    """The schedule as an official would enter it anew from this airing on."""
    return _from(session, airing, schedule, as_entered(schedule))


def _from(
    session: Session, airing: Airing, schedule: Schedule, data: ScheduleInput
) -> ScheduleInput:
    tz = zone(schedule.timezone)
    first = to_local(airing.original_at, tz)
    starts = as_local(data.starts_at, tz, "starts_at")
    if starts.date() < first.date():
        starts = datetime.combine(first.date(), starts.time())
        data = replace(data, starts_at=starts.isoformat())
    if data.recurrence and data.recurrence == schedule.rule.get("recurrence"):
        data = replace(data, recurrence=_rest(session, airing, schedule))
    if data.exceptions and data.exceptions.get("rdates"):
        kept = data.exceptions["rdates"]
        rdates = [each for each in kept if not _before(each, schedule, first)]
        data = replace(data, exceptions={**data.exceptions, "rdates": rdates})
    return data


def _rest(session: Session, airing: Airing, schedule: Schedule) -> dict[str, Any]:
    """The recurrence with what is left of its count."""
    recurrence: dict[str, Any] = schedule.rule["recurrence"]
    text = str(recurrence.get("rrule") or "")
    count = RRule.parse(text).count if text else None
    if count is None:
        return recurrence
    rule = replace(
        _rule(session, schedule),
        day_set=None, not_on=None, seasons=(), exdates=frozenset(), rdates=(), until=None,
        on_holidays="play", overrides=(), at_time=None,
    )  # fmt: skip
    starts = parse_local(schedule.starts_local, "starts_at")
    before = airing.original_at - _LONG
    past = sum(1 for _ in occurrences(rule, schedule.timezone, starts, before, airing.original_at))
    parts = [each for each in text.split(";") if "COUNT=" not in each.upper()]
    return {"rrule": ";".join([*parts, f"COUNT={max(count - past, 1)}"])}


def _rule(session: Session, schedule: Schedule) -> Any:
    area_ids = sorted(area.area_id for area in schedule.areas)
    return resolved(schedule.rule, schedule.timezone, area_ids, Tree.load(session))


def _before(text: str, schedule: Schedule, moment: datetime) -> bool:
    return as_local(text, zone(schedule.timezone), "exceptions") <= moment
