"""Changing a schedule that exists, so that its airings keep their ids.

An occurrence's id rests on the wall time the bare rule first gave it. A new time of day is
therefore kept beside the rule, and a moved occurrence as an override: what has begun keeps its
row, and nothing is heard twice because somebody edited after it.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from controller import airings, commands
from controller.access import Action, Actor
from controller.calendar.wall import as_local, parse_local, to_local, to_utc, zone
from controller.commands import CommandKind
from controller.drafts import Draft, Subject, judge
from controller.due import resolved
from controller.errors import BadInput, Conflict, NotFound
from controller.models import Airing, Approval, ProgrammeItem, Schedule, ScheduleArea
from controller.places import Tree
from controller.schedule_input import ScheduleInput, rule_json, subject_of
from controller.schedules import create, get, judge_again, put_on_air, refuse_blocked, told

_FARTHEST_MOVE = timedelta(days=30)


def update(
    session: Session, actor: Actor, schedule_id: str, data: ScheduleInput, now: datetime
) -> tuple[Schedule, Draft]:
    """The schedule as entered anew; it waits for approval again where policy wants one.

    Raises Conflict for a clash, a broken rule, and a one-off that has already begun.
    """
    schedule = get(session, actor, schedule_id, Action.SCHEDULE)
    _refuse_begun(session, schedule, now)
    tree = Tree.load(session)
    entered = subject_of(session, actor, data, now, tree)
    rule, starts_local = _same_ids(schedule, rule_json(data), entered)
    subject = replace(
        entered,
        rule=resolved(rule, entered.timezone, entered.area_ids, tree),
        starts_local=starts_local,
        schedule_id=schedule.id,
    )
    found = judge(session, subject, now, tree)
    refuse_blocked(found)
    left = airings.areas_touched(schedule, tree)
    _write(session, schedule, data, subject, rule)
    approval = any(tree.effective(a).policy.approval.schedule for a in subject.area_ids)
    schedule.status = Approval.PENDING if approval else Approval.APPROVED
    schedule.decided_by = schedule.decided_at = schedule.decision_note = None
    schedule.created_by = actor.user_id  # who changed it is its author for the next decision
    session.flush()
    told(session, actor, "update", schedule, now, {"rule": rule, "title": schedule.title})
    put_on_air(session, actor, schedule, now)
    body = {"area_ids": sorted(left - airings.areas_touched(schedule, tree))}
    if body["area_ids"]:
        commands.ask(session, CommandKind.SCHEDULES_CHANGED, body, actor, now)
    return schedule, found


def move(
    session: Session, actor: Actor, airing_id: str, starts_at: datetime | str, now: datetime
) -> Airing:
    """Give one airing another start, up to 30 days off; it keeps its id.

    Who may approve may move where policy wants approvals; elsewhere who may schedule.
    """
    airing, schedule = _ahead(session, actor, airing_id, now)
    tz = zone(schedule.timezone)
    local = as_local(starts_at, tz, "starts_at")
    if to_utc(local, tz) <= now or abs(to_utc(local, tz) - airing.original_at) > _FARTHEST_MOVE:
        raise BadInput(
            {
                "starts_at": (
                    "Giờ mới phải sau bây giờ và cách giờ cũ không quá 30 ngày.",
                    "The new start must lie ahead and within 30 days of the first one.",
                )
            }
        )
    original = to_local(airing.original_at, tz).isoformat()
    overrides = {**schedule.rule.get("overrides", {}), original: local.isoformat()}
    return _with_rule(session, actor, schedule, airing, {"overrides": overrides}, "move", now)


def leave_out(session: Session, actor: Actor, airing_id: str, now: datetime) -> Airing:
    """Take one airing off; the others stay."""
    airing, schedule = _ahead(session, actor, airing_id, now)
    original = to_local(airing.original_at, zone(schedule.timezone)).isoformat()
    exceptions = dict(schedule.rule.get("exceptions") or {})
    exceptions["exdates"] = [*exceptions.get("exdates", []), original]
    return _with_rule(
        session, actor, schedule, airing, {"exceptions": exceptions}, "leave_out", now
    )


def from_here_on(
    session: Session, actor: Actor, airing_id: str, data: ScheduleInput, now: datetime
) -> tuple[Schedule, Draft]:
    """This airing and all after it as entered: the old schedule ends before, a new one begins."""
    airing, schedule = _ahead(session, actor, airing_id, now)
    last = to_local(airing.original_at, zone(schedule.timezone)) - timedelta(seconds=1)
    schedule.rule = {**schedule.rule, "until": last.isoformat()}
    session.flush()
    told(session, actor, "end", schedule, now, {"until": last.isoformat()})
    put_on_air(session, actor, schedule, now)
    return create(session, actor, data, now)


def _same_ids(
    schedule: Schedule, rule: dict[str, Any], entered: Subject
) -> tuple[dict[str, Any], datetime]:
    """The rule to keep and its first wall time: the old one wherever only times changed."""
    first = parse_local(schedule.starts_local, "starts_at")
    moved = schedule.rule.get("overrides")
    if entered.timezone != schedule.timezone or not _repeats_alike(schedule.rule, rule):
        return rule, entered.starts_local
    if not rule.get("recurrence") and not rule.get("day_set"):
        if entered.starts_local == first:
            return rule, first
        return {**rule, "overrides": {first.isoformat(): entered.starts_local.isoformat()}}, first
    if entered.starts_local.date() != first.date():
        return rule, entered.starts_local
    kept = {**rule, **({"overrides": moved} if moved else {})}
    if entered.starts_local.time() != first.time():
        kept["time"] = entered.starts_local.time().isoformat()
    return kept, first


def _repeats_alike(old: dict[str, Any], new: dict[str, Any]) -> bool:
    return all(old.get(key) == new.get(key) for key in ("recurrence", "day_set"))


def _write(
    session: Session,
    schedule: Schedule,
    data: ScheduleInput,
    subject: Subject,
    rule: dict[str, Any],
) -> None:
    programme = schedule.programme
    programme.tune, programme.outro = data.tune, data.outro
    programme.items.clear()
    session.flush()  # the old items leave before the new ones take their positions
    programme.items = [
        ProgrammeItem(position=i, clip_id=item.clip_id, times=item.times, gap_s=item.gap_s)
        for i, item in enumerate(data.items)
    ]
    if {area.area_id for area in schedule.areas} != set(subject.area_ids):
        schedule.areas.clear()
        session.flush()
        schedule.areas = [ScheduleArea(area_id=area_id) for area_id in subject.area_ids]
    schedule.title = data.title.strip()
    schedule.class_ = data.class_
    schedule.timezone = subject.timezone
    schedule.starts_local = subject.starts_local.isoformat()
    schedule.rule = rule
    schedule.late_s = data.late_s


def _with_rule(
    session: Session,
    actor: Actor,
    schedule: Schedule,
    airing: Airing,
    changed: dict[str, Any],
    verb: str,
    now: datetime,
) -> Airing:
    schedule.rule = {**schedule.rule, **changed}
    session.flush()
    found = judge_again(session, schedule, now)
    if found.blocking:
        refuse_blocked(found)
    told(session, actor, verb, schedule, now, {"airing_id": airing.id, **changed})
    put_on_air(session, actor, schedule, now)
    return airing


def _ahead(
    session: Session, actor: Actor, airing_id: str, now: datetime
) -> tuple[Airing, Schedule]:
    airing = session.get(Airing, airing_id)
    if airing is None or airing.schedule_id is None:
        raise NotFound("airing")
    schedule = get(session, actor, airing.schedule_id)
    tree = Tree.load(session)
    wants = any(tree.effective(a.area_id).policy.approval.schedule for a in schedule.areas)
    get(session, actor, airing.schedule_id, Action.APPROVE if wants else Action.SCHEDULE)
    if airing.starts_at <= now or airing.cancelled_at is not None:
        raise _begun()
    return airing, schedule


def _refuse_begun(session: Session, schedule: Schedule, now: datetime) -> None:
    rule = schedule.rule
    if rule.get("recurrence") or rule.get("day_set"):
        return
    begun = select(Airing.id).where(
        Airing.schedule_id == schedule.id, Airing.starts_at <= now, Airing.cancelled_at.is_(None)
    )
    if session.scalar(begun.limit(1)):
        raise _begun()


def _begun() -> Conflict:
    return Conflict(
        "begun",
        "Lượt này đã phát hoặc đang phát nên không sửa được: hãy lập lịch mới.",
        "This airing has begun or is over and cannot be changed: make a new schedule.",
    )
