"""Decisions on schedules, and everything that waits for one."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from controller.accounts.access import Action, Actor, require, require_role, visible_areas
from controller.errors import Conflict
from controller.library import clips
from controller.library.clips import ClipView
from controller.models import Approval, Clip, ClipVersion, Schedule, ScheduleArea
from controller.scheduling import following, proposals, schedule_edits
from controller.scheduling.schedules import (
    for_two,
    get,
    judge_again,
    put_on_air,
    refuse_blocked,
    told,
)
from protocol.outcomes import AiringClass


@dataclass(frozen=True, slots=True)
class Pending:
    """What waits for a decision in the actor's areas, oldest first."""

    clips: list[ClipView]
    schedules: list[Schedule]


def approve_schedule(
    session: Session, actor: Actor, schedule_id: str, now: datetime, note: str = ""
) -> Schedule:
    """It goes on the air: its airings exist and are published from this transaction on.

    Raises NotAllowed where its author may not decide, Conflict where it no longer fits.
    """
    schedule = get(session, actor, schedule_id, Action.APPROVE)
    if schedule.status == Approval.APPROVED and schedule.proposal is None:
        return schedule
    author = schedule.proposal["by"] if schedule.proposal else schedule.created_by
    wanted = proposals.wanted(schedule)
    class_ = AiringClass(wanted.class_ if wanted else schedule.class_)
    places = {area.area_id for area in schedule.areas} | set(wanted.area_ids if wanted else ())
    for area_id in sorted(places):  # a change may reach where the author may not decide
        require(session, actor, Action.APPROVE, area_id)
        policy = clips.policy_of(session, area_id)
        clips.refuse_author(actor, author, policy, for_two=for_two(policy.approval, class_))
    if schedule.status == Approval.APPROVED:
        schedule_edits.accept(session, actor, schedule, now)
        _decide(schedule, actor, Approval.APPROVED, now, note)
        told(session, actor, "approve_change", schedule, now, {"note": note})
        return schedule
    if "follows" in schedule.rule:
        following.end(session, actor, schedule.rule["follows"], now)
    # Others may have been approved since it was entered, and its time may have passed.
    found = judge_again(session, schedule, now)
    if not found.occurrences:
        raise Conflict(
            "past",
            "Lịch này không còn lượt phát nào sắp tới: hãy lập lịch mới với giờ khác.",
            "This schedule has no airing ahead any more: make a new one with other times.",
        )
    refuse_blocked(found)
    _decide(schedule, actor, Approval.APPROVED, now, note)
    told(session, actor, "approve", schedule, now, {"note": note})
    put_on_air(session, actor, schedule, now)
    return schedule


def reject_schedule(
    session: Session, actor: Actor, schedule_id: str, now: datetime, note: str = ""
) -> Schedule:
    """It goes back to its author with a reason; airings ahead, if there were any, are taken off."""
    schedule = get(session, actor, schedule_id, Action.APPROVE)
    if schedule.status == Approval.REJECTED:
        return schedule
    if schedule.proposal is not None:  # what is on the air goes on
        schedule.proposal, schedule.decision_note = None, note or None
        told(session, actor, "reject_change", schedule, now, {"note": note})
        return schedule
    _decide(schedule, actor, Approval.REJECTED, now, note)
    told(session, actor, "reject", schedule, now, {"note": note})
    put_on_air(session, actor, schedule, now)
    return schedule


def pending(session: Session, actor: Actor, now: datetime) -> Pending:
    """The queue of the approvals page."""
    require_role(actor, Action.VIEW)
    own = visible_areas(session, actor)
    return Pending(_clips(session, own, now), _schedules(session, own))


def _clips(session: Session, own: frozenset[str] | None, now: datetime) -> list[ClipView]:
    query = select(Clip).join(ClipVersion)
    query = query.where(clips.is_newest(), ClipVersion.status == Approval.PENDING)
    if own is not None:
        query = query.where(Clip.area_id.in_(own))
    found = list(session.scalars(query.order_by(ClipVersion.created_at, Clip.id)))
    return clips.views(session, found, now)


def _schedules(session: Session, own: frozenset[str] | None) -> list[Schedule]:
    query = select(Schedule).where(
        or_(Schedule.status == Approval.PENDING, Schedule.proposal.is_not(None)),
        Schedule.deleted_at.is_(None),
    )
    if own is not None:
        named = select(ScheduleArea.schedule_id).where(ScheduleArea.area_id.in_(own))
        query = query.where(Schedule.id.in_(named))
    return list(session.scalars(query.order_by(Schedule.created_at, Schedule.id)))


def _decide(schedule: Schedule, actor: Actor, status: Approval, now: datetime, note: str) -> None:
    schedule.status = status
    schedule.decided_by, schedule.decided_at = actor.user_id, now
    schedule.decision_note = note or None
