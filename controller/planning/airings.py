"""Airings: schedules expanded into dated broadcasts, kept up to the horizon.

approved schedule → `expand` (at approval, at every change, and daily by `roll`) → rows that
documents are built from. Expansion is idempotent: it brings what lies ahead in line with the
rule and never touches an airing that has begun.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, case, delete, false, or_, select
from sqlalchemy.orm import Session, selectinload

from controller import changes, commands
from controller.accounts.access import SYSTEM, Action, Actor, below, require, require_role
from controller.commands import CommandKind
from controller.errors import NotFound
from controller.fleet.nodes import nodes_in
from controller.models import (
    Airing,
    AiringArea,
    Approval,
    Node,
    NodeMembership,
    Programme,
    Schedule,
    ScheduleArea,
)
from controller.paging import Page, beyond, limited, page_of
from controller.planning.due import Due, due_between
from controller.planning.nodes_ready import Readiness, emergency_parts, readiness_of
from controller.planning.programmes import of_schedule
from controller.planning.touched import areas_touched
from controller.planning.withholding import AIRS, keep, withheld
from controller.territory import areas
from controller.territory.places import Tree
from controller.upsert import insert_missing
from protocol.messages import Part
from protocol.outcomes import AiringClass, Origin

__all__ = [
    "HORIZON_DAYS", "AiringView", "Readiness", "airing_id", "areas_touched", "expand",
    "expand_all", "get", "horizon", "on_air", "page", "parts_of", "readiness", "roll", "targets",
]  # fmt: skip

HORIZON_DAYS = 30


@dataclass(frozen=True, slots=True)
class AiringView:
    """An airing as lists show it: where it sounds, and how many of its nodes are ready."""

    airing: Airing
    area_ids: tuple[str, ...]
    readiness: Readiness


def airing_id(schedule_id: str, original_at: datetime) -> str:
    """The first 32 hex digits of SHA-256 over "schedule id/original instant as RFC 3339 UTC"."""
    instant = original_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return hashlib.sha256(f"{schedule_id}/{instant}".encode()).hexdigest()[:32]


def horizon(now: datetime, days: int = HORIZON_DAYS) -> datetime:
    """Where the dated range ends: whole UTC days, never less than `days` ahead, also just before
    tomorrow's roll-over."""
    return datetime.combine(now.astimezone(UTC).date() + timedelta(days=days + 2), time.min, UTC)


def expand(
    session: Session,
    schedule: Schedule,
    now: datetime,
    horizon_days: int = HORIZON_DAYS,
    tree: Tree | None = None,
) -> int:
    """Bring the schedule's airings up to the horizon; returns how many rows changed.

    Steps, all in the caller's transaction: what is due → rows that lack are added → rows ahead
    that differ are put right → rows ahead that are no longer due are cancelled.
    """
    return _expand(session, schedule, now, horizon_days, tree or Tree.load(session))


def roll(session: Session, now: datetime, horizon_days: int = HORIZON_DAYS) -> int:
    """Expand every schedule that is on the air; returns how many rows changed."""
    return expand_all(session, on_air(session), now, horizon_days)


def on_air(
    session: Session, area_ids: Iterable[str] | None = None, *, with_outro: bool = False
) -> list[str]:
    """The ids of approved schedules (that can sound in these areas), those whose airings stay
    where limits forbid some first."""
    query = select(Schedule.id).where(
        Schedule.status == Approval.APPROVED, Schedule.deleted_at.is_(None)
    )
    if area_ids is not None:
        named = select(ScheduleArea.schedule_id).where(ScheduleArea.area_id.in_(set(area_ids)))
        query = query.where(Schedule.id.in_(named))
    if with_outro:
        query = query.join(Programme).where(Programme.outro.is_not(None))
    first = case((Schedule.class_ == AiringClass.PRIORITY, 0), else_=1)
    return list(session.scalars(query.order_by(first, Schedule.created_at, Schedule.id)))


def expand_all(
    session: Session, schedule_ids: Iterable[str], now: datetime, horizon_days: int = HORIZON_DAYS
) -> int:
    """Expand some schedules in this order; returns how many rows changed."""
    tree = Tree.load(session)
    found = (session.get_one(Schedule, each) for each in schedule_ids)
    return sum(_expand(session, schedule, now, horizon_days, tree) for schedule in found)


def parts_of(session: Session, airing: Airing, at: datetime) -> tuple[Part, ...]:
    """What is to sound: the tune and each item's newest approved version. Empty: nothing may.

    Validity is judged at the airing's own start, or at `at` once that is later. An emergency
    sounds as it was given.
    """
    if airing.emergency_id is not None:
        return emergency_parts(session, airing.emergency_id)
    if airing.schedule_id is None:
        return ()
    schedule = session.get_one(Schedule, airing.schedule_id)
    return of_schedule(session, schedule).parts_at(max(at, airing.starts_at))


def targets(session: Session, airing: Airing) -> list[Node]:
    """The nodes an airing is for, by membership at its start, ordered by code."""
    return nodes_in(session, [area.area_id for area in airing.areas], airing.starts_at)


def readiness(session: Session, airing: Airing, now: datetime) -> Readiness:
    """How many of its nodes hold every clip it needs, by what they last said."""
    return readiness_of(session, [airing], now)[airing.id]


def get(session: Session, actor: Actor, airing_id: str) -> Airing:
    """An airing that sounds in the actor's areas. Raises NotFound."""
    airing = session.get(Airing, airing_id)
    require_role(actor, Action.VIEW)
    reaching = areas.reaching(session, actor)
    if airing is None or (
        reaching is not None and reaching.isdisjoint(area.area_id for area in airing.areas)
    ):
        raise NotFound("airing")
    return airing


def view(session: Session, airing: Airing, now: datetime) -> AiringView:
    """One airing as lists show it."""
    return _views(session, [airing], now)[0]


def page(
    session: Session,
    actor: Actor,
    *,
    now: datetime,
    from_: datetime | None = None,
    until: datetime | None = None,
    area_id: str | None = None,
    node_id: str | None = None,
    limit: int | None = None,
    cursor: str | None = None,
) -> Page[AiringView]:
    """By start; cancelled ones left out; those that sound in the actor's areas."""
    require_role(actor, Action.VIEW)
    limit = limited(limit)
    query = select(Airing).where(Airing.cancelled_at.is_(None))
    if from_ is not None:
        query = query.where(Airing.starts_at >= from_)
    if until is not None:
        query = query.where(Airing.starts_at < until)
    reaching = areas.reaching(session, actor)
    if reaching is not None:
        query = query.where(_in_areas(reaching))
    if area_id is not None:
        require(session, actor, Action.VIEW, area_id)
        around = below(session, [area_id]) | set(areas.path(session, area_id))
        query = query.where(_in_areas(around))
    if node_id is not None:
        query = query.where(_at_node(session, node_id))
    key = (Airing.starts_at, Airing.id)
    if cursor:
        query = query.where(beyond(key, cursor))
    query = query.options(selectinload(Airing.areas), selectinload(Airing.exempt)).order_by(*key)
    rows = session.scalars(query.limit(limit + 1)).all()
    found = page_of(rows, limit, lambda airing: (airing.starts_at, airing.id))
    return Page(_views(session, found.items, now), found.next_cursor)


def _expand(
    session: Session, schedule: Schedule, now: datetime, horizon_days: int, tree: Tree
) -> int:
    # Another process may be pausing it right now: take the row and look again.
    session.flush()
    session.refresh(schedule, with_for_update=True)
    due = _due(session, schedule, now, horizon(now, horizon_days), tree)
    forbidden = withheld(session, schedule, list(due.values()), tree)
    known = {
        airing.id: airing
        for airing in session.scalars(
            select(Airing)
            .where(
                Airing.schedule_id == schedule.id,
                or_(Airing.starts_at > now, Airing.id.in_(list(due))),
            )
            .options(selectinload(Airing.areas))
        )
    }
    verdicts = {key: forbidden.get(each, AIRS) for key, each in due.items()}
    rows = {key: _values(schedule, each, verdicts[key].everywhere) for key, each in due.items()}
    new = {key: each for key, each in due.items() if key not in known}
    changed = _add(session, schedule, new, rows)
    changed += _put_right(session, schedule, known, rows, now)
    begun = {key for key, airing in known.items() if airing.starts_at <= now}
    places, differ = keep(session, [*new, *known.keys() - begun], verdicts)
    changed += differ
    if changed and places:  # their documents say it, beside those of the schedule's own areas
        body = {"area_ids": sorted(places)}
        commands.ask(session, CommandKind.SCHEDULES_CHANGED, body, SYSTEM, now)
    if changed:
        for area in schedule.areas:
            changes.note(session, "airing", schedule.id, area.area_id, now)
    return changed


def _due(
    session: Session, schedule: Schedule, now: datetime, until: datetime, tree: Tree
) -> dict[str, Due]:
    """What is to air from now (or from where the last expansion ended) to the horizon."""
    # A controller that was down past the horizon still accounts for what should have aired.
    after = min(now, schedule.expanded_until or now)
    if schedule.status != Approval.APPROVED or schedule.deleted_at or schedule.paused_at:
        until = now
        schedule.expanded_until = None  # after a pause it goes on from then, not from here
    else:
        schedule.expanded_until = until
    if after >= until:
        return {}
    found = due_between(session, schedule, after, until, tree, decided=True)
    return {airing_id(schedule.id, due.original_at): due for due in found}


def _add(
    session: Session, schedule: Schedule, new: dict[str, Due], values: dict[str, dict[str, Any]]
) -> int:
    rows = [
        {
            "id": key,
            "schedule_id": schedule.id,
            "original_at": due.original_at,
            "origin": Origin.SCHEDULE.value,
            **values[key],
        }
        for key, due in new.items()
    ]
    insert_missing(session, Airing, rows)
    area_ids = [area.area_id for area in schedule.areas]
    places = [{"airing_id": key, "area_id": area_id} for key in new for area_id in area_ids]
    insert_missing(session, AiringArea, places)
    return len(rows)


def _put_right(
    session: Session,
    schedule: Schedule,
    known: dict[str, Airing],
    due: dict[str, dict[str, Any]],
    now: datetime,
) -> int:
    changed = 0
    area_ids = sorted(area.area_id for area in schedule.areas)
    for key, airing in known.items():
        if airing.starts_at <= now:  # it has begun: it stays as it was said
            continue
        if key not in due:
            changed += airing.cancelled_at is None
            airing.cancelled_at = airing.cancelled_at or now
            continue
        values = {**due[key], "cancelled_at": None}
        if any(getattr(airing, name) != value for name, value in values.items()):
            changed += 1
            for name, value in values.items():
                setattr(airing, name, value)
        if sorted(area.area_id for area in airing.areas) != area_ids:
            changed += 1
            _set_areas(session, airing, area_ids)
    session.flush()
    return changed


def _values(schedule: Schedule, due: Due, forbidden: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "starts_at": due.starts_at,
        "ends_at": due.ends_at,
        "class_": schedule.class_,
        "title": schedule.title,
        "late_s": schedule.late_s,
        "stagger_step_ms": due.stagger_step_ms,
        "withheld": forbidden,
    }


def _set_areas(session: Session, airing: Airing, area_ids: Sequence[str]) -> None:
    session.execute(delete(AiringArea).where(AiringArea.airing_id == airing.id))
    rows = [{"airing_id": airing.id, "area_id": area_id} for area_id in area_ids]
    insert_missing(session, AiringArea, rows)
    session.expire(airing, ["areas"])


def _views(session: Session, found: Sequence[Airing], now: datetime) -> list[AiringView]:
    ready = readiness_of(session, found, now)
    return [
        AiringView(airing, tuple(sorted(a.area_id for a in airing.areas)), ready[airing.id])
        for airing in found
    ]


def _in_areas(area_ids: Iterable[str]) -> ColumnElement[bool]:
    places = select(AiringArea.airing_id).where(AiringArea.area_id.in_(set(area_ids)))
    return Airing.id.in_(places)


def _at_node(session: Session, node_id: str) -> ColumnElement[bool]:
    """Airings whose areas lay on the node's path when they started."""
    memberships = session.scalars(select(NodeMembership).where(NodeMembership.node_id == node_id))
    spans = []
    for membership in memberships.all():
        held = Airing.starts_at >= membership.from_at
        if membership.until_at is not None:
            held = and_(held, Airing.starts_at < membership.until_at)
        spans.append(and_(held, _in_areas(areas.path(session, membership.area_id))))
    return or_(false(), *spans)
