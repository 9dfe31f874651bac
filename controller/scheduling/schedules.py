"""Schedules: when a programme airs and where. Draft, create, pause, resume, delete.

create → pending (or approved at once where policy says so) → `approvals` here → airings.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import false, or_, select
from sqlalchemy.orm import Session

from controller import changes, commands
from controller.accounts import audit
from controller.accounts.access import Action, Actor, below, require, require_role
from controller.calendar.rules import ApprovalRules
from controller.calendar.wall import parse_local
from controller.commands import CommandKind
from controller.errors import BadInput, Conflict, NotFound
from controller.models import (
    Approval,
    Programme,
    ProgrammeItem,
    Schedule,
    ScheduleArea,
)
from controller.paging import Page, beyond, limited, page_of
from controller.planning import airings, rechecks
from controller.planning.due import resolved
from controller.planning.programmes import of_schedule
from controller.scheduling.drafts import Draft, Planned, Subject, judge
from controller.scheduling.schedule_input import ItemInput, ScheduleInput, rule_json, subject_of
from controller.territory import areas
from controller.territory.places import Tree
from protocol.outcomes import AiringClass

__all__ = [
    "Draft",
    "ItemInput",
    "Planned",
    "ScheduleInput",
    "create",
    "delete",
    "draft",
    "get",
    "page",
    "pause",
    "resume",
]


def draft(
    session: Session,
    actor: Actor,
    data: ScheduleInput,
    now: datetime,
    limit: int = 1000,
    *,
    follows: tuple[str, datetime] | None = None,
) -> Draft:
    """What it would do; saves nothing and raises no Conflict. Raises BadInput."""
    tree = Tree.load(session)
    subject = replace(subject_of(session, actor, data, now, tree), follows=follows)
    return judge(session, subject, now, tree, limit)


def create(
    session: Session,
    actor: Actor,
    data: ScheduleInput,
    now: datetime,
    *,
    follows: tuple[str, datetime] | None = None,
) -> tuple[Schedule, Draft]:
    """Raises Conflict when policy or a clash forbids it, naming each airing and rule.

    `follows`: the schedule whose airings from an original start on it takes the place of.
    """
    tree = Tree.load(session)
    subject = replace(subject_of(session, actor, data, now, tree), follows=follows)
    found = judge(session, subject, now, tree)
    refuse_blocked(found)
    schedule = _saved(session, actor, data, subject, now)
    passed = {"emergency": True} if data.class_ == AiringClass.EMERGENCY else {}
    told(session, actor, "create", schedule, now, {"title": schedule.title, **passed})
    if not wants_approval(tree, subject.area_ids, data.class_):
        schedule.status, schedule.decided_at = Approval.APPROVED, now
        put_on_air(session, actor, schedule, now, tree)
    return schedule, found


def wants_approval(tree: Tree, area_ids: Iterable[str], class_: AiringClass) -> bool:
    """Whether the rules of any of the areas want somebody to agree before it airs.

    What sounds as an emergency does so wherever two must agree on one, or a schedule would be the
    way around the second person.
    """
    rules = [tree.effective(area_id).policy.approval for area_id in area_ids]
    return any(each.schedule or for_two(each, class_) for each in rules)


def for_two(rules: ApprovalRules, class_: AiringClass) -> bool:
    """Whether a schedule of this class needs another person than its author."""
    return class_ is AiringClass.EMERGENCY and rules.emergency_people > 1


def pause(session: Session, actor: Actor, schedule_id: str, now: datetime) -> Schedule:
    """Nothing of it airs until `resume`; what sounds right now plays to its end."""
    schedule = get(session, actor, schedule_id, Action.SCHEDULE)
    if schedule.paused_at is None:
        schedule.paused_at = now
        told(session, actor, "pause", schedule, now)
        put_on_air(session, actor, schedule, now)
    return schedule


def resume(session: Session, actor: Actor, schedule_id: str, now: datetime) -> Schedule:
    """It airs again from now on. Raises Conflict when something else took its place meanwhile."""
    schedule = get(session, actor, schedule_id, Action.SCHEDULE)
    if schedule.paused_at is not None:
        if schedule.status == Approval.APPROVED:
            refuse_blocked(judge_again(session, schedule, now))
        schedule.paused_at = None
        told(session, actor, "resume", schedule, now)
        put_on_air(session, actor, schedule, now)
    return schedule


def delete(session: Session, actor: Actor, schedule_id: str, now: datetime) -> None:
    """It never airs again; what it played stays in the log."""
    schedule = get(session, actor, schedule_id, Action.SCHEDULE)
    schedule.deleted_at = now
    told(session, actor, "delete", schedule, now)
    put_on_air(session, actor, schedule, now)


def get(session: Session, actor: Actor, schedule_id: str, action: Action = Action.VIEW) -> Schedule:
    """A schedule that airs in the actor's areas; to change it, all its areas must be theirs."""
    schedule = session.get(Schedule, schedule_id)
    require_role(actor, Action.VIEW)
    if schedule is None or schedule.deleted_at is not None:
        raise NotFound("schedule")
    reaching = areas.reaching(session, actor)
    ids = {area.area_id for area in schedule.areas}
    if reaching is not None and ids.isdisjoint(reaching):
        raise NotFound("schedule")
    if action is not Action.VIEW:
        for area_id in ids:
            require(session, actor, action, area_id)
    return schedule


def page(
    session: Session,
    actor: Actor,
    *,
    status: Approval | None = None,
    area_id: str | None = None,
    limit: int | None = None,
    cursor: str | None = None,
) -> Page[Schedule]:
    """Newest first; those that air in the actor's areas."""
    require_role(actor, Action.VIEW)
    limit = limited(limit)
    query = select(Schedule).where(Schedule.deleted_at.is_(None))
    own = areas.reaching(session, actor)
    if area_id is not None:
        require(session, actor, Action.VIEW, area_id)
        own = below(session, [area_id]) | set(areas.path(session, area_id))
    if own is not None:
        named = select(ScheduleArea.schedule_id).where(ScheduleArea.area_id.in_(own))
        query = query.where(Schedule.id.in_(named))
    if status is not None:
        waits = Schedule.proposal.is_not(None) if status == Approval.PENDING else false()
        query = query.where(or_(Schedule.status == status, waits))
    key = (Schedule.created_at, Schedule.id)
    if cursor:
        query = query.where(beyond(key, cursor, descending=True))
    query = query.order_by(*(column.desc() for column in key)).limit(limit + 1)
    return page_of(session.scalars(query).all(), limit, lambda s: (s.created_at, s.id))


def judge_again(session: Session, schedule: Schedule, now: datetime) -> Draft:
    """What a saved schedule would do from now on, judged as a new one would be."""
    tree = Tree.load(session)
    area_ids = tuple(sorted(area.area_id for area in schedule.areas))
    subject = Subject(
        rule=resolved(schedule.rule, schedule.timezone, area_ids, tree),
        timezone=schedule.timezone,
        starts_local=parse_local(schedule.starts_local, "starts_at"),
        loaded=of_schedule(session, schedule),
        area_ids=area_ids,
        class_=AiringClass(schedule.class_),
        late_s=schedule.late_s,
        schedule_id=schedule.id,
    )
    return judge(session, subject, now, tree)


def refuse_blocked(found: Draft) -> None:
    """Raise Conflict where something forbids it, BadInput where nothing would ever air."""
    if not found.occurrences:
        raise BadInput(
            {
                "starts_at": (
                    "Lịch này không có lượt phát nào trong một năm tới: hãy chọn lại ngày giờ.",
                    "This schedule would not air once in the coming year: choose other times.",
                )
            }
        )
    refuse_blocking(found.blocking)


def refuse_blocking(blocking: Sequence[dict[str, Any]]) -> None:
    """Raise Conflict where something forbids it."""
    if blocking:
        first = blocking[0]
        code = "policy" if first["kind"] == "policy" else "clash"
        raise Conflict(code, first["vi"], first["en"], blocking)


def put_on_air(
    session: Session, actor: Actor, schedule: Schedule, now: datetime, tree: Tree | None = None
) -> None:
    """Bring airings in line with the schedule and have the service publish what changed."""
    tree = tree or Tree.load(session)
    if airings.expand(session, schedule, now, tree=tree):
        rechecks.let_in(session, [area.area_id for area in schedule.areas], now, tree)
    body = {"area_ids": sorted(airings.areas_touched(session, schedule, tree))}
    commands.ask(session, CommandKind.SCHEDULES_CHANGED, body, actor, now)


def told(
    session: Session,
    actor: Actor,
    verb: str,
    schedule: Schedule,
    now: datetime,
    detail: dict[str, Any] | None = None,
) -> None:
    """Write the audit row and a line for the pages, one for each area."""
    for area in schedule.areas:
        action = f"schedule.{verb}"
        audit.record(session, actor, action, "schedule", schedule.id, area.area_id, now, detail)
        changes.note(session, "schedule", schedule.id, area.area_id, now)


def _saved(
    session: Session, actor: Actor, data: ScheduleInput, subject: Subject, now: datetime
) -> Schedule:
    programme = Programme(tune=data.tune, outro=data.outro)
    programme.items = [
        ProgrammeItem(position=i, clip_id=item.clip_id, times=item.times, gap_s=item.gap_s)
        for i, item in enumerate(data.items)
    ]
    session.add(programme)
    session.flush()
    schedule = Schedule(
        title=data.title.strip(),
        programme_id=programme.id,
        class_=data.class_,
        timezone=subject.timezone,
        starts_local=subject.starts_local.isoformat(),
        rule=rule_json(data),
        late_s=data.late_s,
        status=Approval.PENDING,
        created_by=actor.user_id,
        created_at=now,
    )
    schedule.areas = [ScheduleArea(area_id=area_id) for area_id in subject.area_ids]
    session.add(schedule)
    session.flush()
    return schedule
