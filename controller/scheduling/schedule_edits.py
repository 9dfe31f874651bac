"""Changing a schedule that exists, so that its airings keep their ids.

An occurrence's id rests on the wall time the bare rule first gave it. A new time of day is
therefore kept beside the rule, and a moved occurrence as an override: what has begun keeps its
row, and nothing is heard twice because somebody edited after it. Single airings are changed in
`controller.scheduling.airing_edits`.
"""

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from controller import commands
from controller.accounts.access import Action, Actor
from controller.calendar.wall import parse_local
from controller.commands import CommandKind
from controller.models import Airing, Approval, ProgrammeItem, Schedule, ScheduleArea
from controller.planning import airings
from controller.planning.due import resolved
from controller.scheduling import proposals
from controller.scheduling.airing_edits import begun, leave_out, move, put_back
from controller.scheduling.drafts import Draft, Subject, judge
from controller.scheduling.schedule_input import ScheduleInput, rule_json, subject_of
from controller.scheduling.schedules import get, put_on_air, refuse_blocked, told, wants_approval
from controller.territory.places import Tree

__all__ = ["accept", "draft", "leave_out", "move", "put_back", "update"]

_KEPT = ("follows", "catch_up_of")  # what a rule remembers through an edit


def update(
    session: Session, actor: Actor, schedule_id: str, data: ScheduleInput, now: datetime
) -> tuple[Schedule, Draft]:
    """The schedule as entered anew; it waits for approval again where policy wants one.

    What is on the air then goes on until the change is approved. Raises Conflict for a clash, a
    broken rule, and a one-off that has already begun.
    """
    schedule = get(session, actor, schedule_id, Action.SCHEDULE)
    tree = Tree.load(session)
    subject, rule, found = _judged(session, actor, schedule, data, now, tree)
    refuse_blocked(found)
    approval = wants_approval(tree, subject.area_ids, data.class_)
    if approval and schedule.status == Approval.APPROVED:
        proposals.keep(schedule, data, actor, now)
        told(session, actor, "propose", schedule, now, {"title": data.title})
        return schedule, found
    schedule.status = Approval.PENDING if approval else Approval.APPROVED
    schedule.created_by = actor.user_id  # who changed it is its author for the next decision
    schedule.decided_by = schedule.decided_at = schedule.decision_note = None
    _apply(session, actor, schedule, data, subject, rule, now, tree)
    return schedule, found


def accept(session: Session, actor: Actor, schedule: Schedule, now: datetime) -> None:
    """Put the change that waits in the place of what airs. Raises Conflict as `update`."""
    data = proposals.wanted(schedule)
    assert data is not None and schedule.proposal is not None
    tree = Tree.load(session)
    subject, rule, found = _judged(session, actor, schedule, data, now, tree)
    refuse_blocked(found)
    schedule.created_by, schedule.proposal = schedule.proposal["by"], None
    _apply(session, actor, schedule, data, subject, rule, now, tree)


def draft(
    session: Session, actor: Actor, schedule_id: str, data: ScheduleInput, now: datetime
) -> Draft:
    """What the change would do; saves nothing and raises no Conflict for what it meets."""
    schedule = get(session, actor, schedule_id, Action.SCHEDULE)
    return _judged(session, actor, schedule, data, now, Tree.load(session))[2]


def _judged(
    session: Session,
    actor: Actor,
    schedule: Schedule,
    data: ScheduleInput,
    now: datetime,
    tree: Tree,
) -> tuple[Subject, dict[str, Any], Draft]:
    """The change as it would be kept, and what it would do."""
    _refuse_begun(session, schedule, now)
    entered = subject_of(session, actor, data, now, tree)
    rule, starts_local = _same_ids(schedule, rule_json(data), entered)
    rule |= {key: schedule.rule[key] for key in _KEPT if key in schedule.rule}
    subject = replace(
        entered,
        rule=resolved(rule, entered.timezone, entered.area_ids, tree),
        starts_local=starts_local,
        schedule_id=schedule.id,
    )
    return subject, rule, judge(session, subject, now, tree)


def _apply(
    session: Session,
    actor: Actor,
    schedule: Schedule,
    data: ScheduleInput,
    subject: Subject,
    rule: dict[str, Any],
    now: datetime,
    tree: Tree,
) -> None:
    left = airings.areas_touched(session, schedule, tree)
    _write(session, schedule, data, subject, rule)
    session.flush()
    told(session, actor, "update", schedule, now, {"rule": rule, "title": schedule.title})
    put_on_air(session, actor, schedule, now, tree)
    left -= airings.areas_touched(session, schedule, tree)
    if left:
        body = {"area_ids": sorted(left)}
        commands.ask(session, CommandKind.SCHEDULES_CHANGED, body, actor, now)


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


def _refuse_begun(session: Session, schedule: Schedule, now: datetime) -> None:
    rule = schedule.rule
    if rule.get("recurrence") or rule.get("day_set"):
        return
    sounded = select(Airing.id).where(
        Airing.schedule_id == schedule.id, Airing.starts_at <= now, Airing.cancelled_at.is_(None)
    )
    if session.scalar(sounded.limit(1)):
        raise begun()
