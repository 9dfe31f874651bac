"""Changing one airing of a schedule: move it, leave it out, put it back. The others stay.

Who may approve may do it where policy wants approvals; elsewhere who may schedule. A time that a
change of the clocks skips or doubles is told apart by its instant.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from controller.accounts.access import Action, Actor
from controller.calendar.wall import as_local, as_utc, is_date, to_local, to_utc, zone
from controller.errors import BadInput, Conflict, NotFound
from controller.library import clips
from controller.models import Airing, Schedule
from controller.scheduling.advising import rfc3339
from controller.scheduling.schedules import (
    get,
    judge_again,
    put_on_air,
    refuse_blocking,
    told,
    wants_approval,
)
from controller.territory.places import Tree

_FARTHEST_MOVE = timedelta(days=30)


def move(
    session: Session, actor: Actor, airing_id: str, starts_at: datetime | str, now: datetime
) -> Airing:
    """Give one airing another start, up to 30 days off; it keeps its id."""
    airing, schedule = ahead(session, actor, airing_id, now)
    _refuse_own(session, actor, schedule)
    tz = zone(schedule.timezone)
    instant = as_utc(starts_at, tz, "starts_at")
    if instant <= now or abs(instant - airing.original_at) > _FARTHEST_MOVE:
        raise BadInput(
            {
                "starts_at": (
                    "Giờ mới phải sau bây giờ và cách giờ cũ không quá 30 ngày.",
                    "The new start must lie ahead and within 30 days of the first one.",
                )
            }
        )
    local = to_local(instant, tz)
    # The second of two equal wall times can only be told by its offset.
    new = local if to_utc(local, tz) == instant else instant
    overrides = {**_overrides(schedule, airing), _original(schedule, airing): new.isoformat()}
    changed = {"overrides": overrides}
    return _with_rule(session, actor, schedule, airing, changed, "move", now, instant)


def leave_out(session: Session, actor: Actor, airing_id: str, now: datetime) -> Airing:
    """Take one airing off; the others stay."""
    airing, schedule = ahead(session, actor, airing_id, now)
    exceptions = dict(schedule.rule.get("exceptions") or {})
    exceptions["exdates"] = [*exceptions.get("exdates", []), _original(schedule, airing)]
    changed = {"exceptions": exceptions}
    return _with_rule(session, actor, schedule, airing, changed, "leave_out", now, None)


def put_back(session: Session, actor: Actor, airing_id: str, now: datetime) -> Airing:
    """Undo a move or a leaving out: it airs when the rule says. Raises Conflict once that passed,
    or when something else took its place."""
    airing, schedule = _own(session, actor, airing_id)
    _refuse_own(session, actor, schedule)
    if min(airing.original_at, airing.starts_at) <= now:
        raise begun()
    tz = zone(schedule.timezone)
    shown = {to_local(airing.original_at, tz), to_local(airing.starts_at, tz)}
    exceptions = dict(schedule.rule.get("exceptions") or {})

    def names_it(text: str) -> bool:
        local = as_local(text, tz, "exceptions")
        if is_date(text):
            return local.date() in {each.date() for each in shown}
        return not {local, to_local(to_utc(local, tz), tz)}.isdisjoint(shown)

    exceptions["exdates"] = [t for t in exceptions.get("exdates", []) if not names_it(t)]
    changed = {"exceptions": exceptions, "overrides": _overrides(schedule, airing)}
    at = airing.original_at
    return _with_rule(session, actor, schedule, airing, changed, "put_back", now, at)


def ahead(
    session: Session,
    actor: Actor,
    airing_id: str,
    now: datetime,
    action: Action | None = None,
) -> tuple[Airing, Schedule]:
    """An airing that has not begun, with its schedule. Raises NotFound, NotAllowed, Conflict."""
    airing, schedule = _own(session, actor, airing_id, action)
    if airing.starts_at <= now or airing.cancelled_at is not None:
        raise begun()
    return airing, schedule


def begun() -> Conflict:
    """The refusal of whoever would change what has sounded."""
    return Conflict(
        "begun",
        "Lượt này đã phát, đang phát hoặc đã bỏ nên không sửa được: hãy lập lịch mới.",
        "This airing has begun, is over or was left out and cannot be changed: make a new "
        "schedule.",
    )


def _own(
    session: Session, actor: Actor, airing_id: str, action: Action | None = None
) -> tuple[Airing, Schedule]:
    airing = session.get(Airing, airing_id)
    if airing is None or airing.schedule_id is None:
        raise NotFound("airing")
    schedule = get(session, actor, airing.schedule_id)
    tree = Tree.load(session)
    wants = wants_approval(tree, [area.area_id for area in schedule.areas], schedule.class_)
    get(session, actor, schedule.id, action or (Action.APPROVE if wants else Action.SCHEDULE))
    return airing, schedule


def _refuse_own(session: Session, actor: Actor, schedule: Schedule) -> None:
    """A new time is a decision: not by the author alone, where policy wants another's."""
    for area in schedule.areas:
        policy = clips.policy_of(session, area.area_id)
        if policy.approval.schedule:
            clips.refuse_author(actor, schedule.created_by, policy)


def _refuse_own_place(session: Session, airing: Airing, at: datetime) -> None:
    """Of two airings of one schedule at one time only one would be left."""
    ends_at = at + (airing.ends_at - airing.starts_at)
    other = select(Airing.id).where(
        Airing.schedule_id == airing.schedule_id,
        Airing.id != airing.id,
        Airing.cancelled_at.is_(None),
        Airing.starts_at < ends_at,
        Airing.ends_at > at,
    )
    if session.scalar(other.limit(1)):
        raise Conflict(
            "clash",
            "Giờ đó đã có một lượt khác của lịch này: hãy chọn giờ khác, hoặc bỏ một lượt.",
            "Another airing of this schedule is at that time: choose another time, or leave "
            "one out.",
        )


def _original(schedule: Schedule, airing: Airing) -> str:
    return to_local(airing.original_at, zone(schedule.timezone)).isoformat()


def _overrides(schedule: Schedule, airing: Airing) -> dict[str, str]:
    """The moves of the other airings."""
    tz = zone(schedule.timezone)
    known: dict[str, str] = schedule.rule.get("overrides") or {}
    return {
        old: new
        for old, new in known.items()
        if to_utc(as_local(old, tz, "overrides"), tz) != airing.original_at
    }


def _with_rule(
    session: Session,
    actor: Actor,
    schedule: Schedule,
    airing: Airing,
    changed: dict[str, Any],
    verb: str,
    now: datetime,
    at: datetime | None,
) -> Airing:
    """`at`: the new start to judge; what the schedule's other airings break already is not in
    question here."""
    # What would break only through this counts, also where a rule names another airing for it.
    if at is not None:
        _refuse_own_place(session, airing, at)
    before = judge_again(session, schedule, now).blocking if at is not None else ()
    broken = {(each["airing"], each["rule"]) for each in before}
    schedule.rule = {**schedule.rule, **changed}
    session.flush()
    if at is not None:
        found = judge_again(session, schedule, now).blocking
        refuse_blocking(
            [
                each
                for each in found
                if each["airing"] == rfc3339(at) or (each["airing"], each["rule"]) not in broken
            ]
        )
    told(session, actor, verb, schedule, now, {"airing_id": airing.id, **changed})
    put_on_air(session, actor, schedule, now)
    return airing
