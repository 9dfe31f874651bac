"""What was heard where, by content area and language: totals computed from the log, never retyped.

One row a place × topic × language. A programme of several clips counts for the topic of each and
shares its minutes among them equally; its language is that of the original. Tests, drills and
emergencies are not guidance and are left out; what is on the air counts when it is over.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from sqlalchemy import and_, case, func, or_, select
from sqlalchemy.orm import Session

from controller.accounts.access import Action, Actor, require, require_role, visible_areas
from controller.calendar.wall import to_local, zone
from controller.fleet.nodes import at_time
from controller.models import (
    Airing,
    Clip,
    Feedback,
    NodeMembership,
    Playback,
    ProgrammeItem,
    Schedule,
)
from controller.territory.places import Tree
from protocol.outcomes import Origin, Outcome

GAP_DAYS = 7  # a week in which nothing of it sounded is worth naming


@dataclass(frozen=True, slots=True)
class Gap:
    """Days, both included, on which nothing of a topic sounded."""

    from_: date
    to: date


@dataclass(frozen=True, slots=True)
class Row:
    """Airings of one topic in one language in one place. `heard` None: no microphone there."""

    area_id: str
    area_name: str
    topic: int
    language: str
    planned: int
    played: int
    heard: int | None
    minutes: float
    last_played_at: datetime | None
    gaps: tuple[Gap, ...]
    asked: int = 0  # households, as the Groups noted them after these airings
    installed: int = 0
    asked_again: int = 0  # of them, those in the row of another content area already
    installed_again: int = 0


@dataclass(slots=True)
class _Sum:
    planned: int = 0
    played: int = 0
    heard: int | None = None
    played_ms: float = 0.0
    last: datetime | None = None
    days: set[date] = field(default_factory=set)
    asked: int = 0
    installed: int = 0
    asked_again: int = 0
    installed_again: int = 0


@dataclass(frozen=True, slots=True)
class _Line:
    """One airing in one place: the best of its nodes there."""

    area_id: str
    schedule_id: str
    planned_at: datetime
    played: bool
    played_ms: int
    heard_ms: int | None
    ended_at: datetime | None


def report(
    session: Session,
    actor: Actor,
    from_: datetime,
    until: datetime,
    area_id: str | None = None,
) -> list[Row]:
    """The rows of from_ <= planned < until, by place, topic and language. Raises NotFound."""
    require_role(actor, Action.VIEW)
    tree = Tree.load(session)
    areas = visible_areas(session, actor)
    if area_id is not None:
        require(session, actor, Action.VIEW, area_id)
        areas = tree.below([area_id])
    lines = list(_lines(session, from_, until, areas))
    spoken = _spoken(session, {line.schedule_id for line in lines})
    sums: dict[tuple[str, int, str], _Sum] = {}
    for line in lines:
        kinds = spoken.get(line.schedule_id, [])
        for topic, language in set(kinds):
            share = kinds.count((topic, language)) / len(kinds)
            _add(sums.setdefault((line.area_id, topic, language), _Sum()), line, share, tree)
    _add_noted(session, sums, from_, until, areas)
    rows = [_row(key, total, from_, until, tree) for key, total in sums.items()]
    return sorted(rows, key=lambda row: (row.area_name, row.area_id, row.topic, row.language))


def _lines(
    session: Session, from_: datetime, until: datetime, areas: frozenset[str] | None
) -> Iterator[_Line]:
    held = and_(NodeMembership.node_id == Playback.node_id, at_time(Playback.planned_at))
    played = case((Playback.outcome == Outcome.PLAYED, 1), else_=0)
    query = (
        select(
            NodeMembership.area_id,
            Airing.schedule_id,
            Airing.starts_at,
            func.max(played),
            func.max(func.coalesce(Playback.played_ms, 0)),
            func.max(Playback.heard_ms),
            func.max(Playback.ended_at),
        )
        .join(Airing, Airing.id == Playback.airing_id)
        .join(NodeMembership, held)
        .where(
            Playback.planned_at >= from_,
            Playback.planned_at < until,
            Airing.origin == Origin.SCHEDULE,
            Airing.schedule_id.is_not(None),
        )
        .group_by(NodeMembership.area_id, Airing.id, Airing.schedule_id, Airing.starts_at)
        .having(or_(func.max(played) == 1, func.count(Playback.outcome) == func.count()))
    )
    if areas is not None:
        query = query.where(NodeMembership.area_id.in_(areas))
    for area_id, schedule_id, at, played, played_ms, heard_ms, ended_at in session.execute(query):
        if schedule_id is not None:
            yield _Line(area_id, schedule_id, at, bool(played), played_ms or 0, heard_ms, ended_at)


def _spoken(session: Session, schedule_ids: Iterable[str]) -> dict[str, list[tuple[int, str]]]:
    """Schedule id → topic and language of each item of its programme."""
    query = (
        select(Schedule.id, Clip.topic, Clip.language)
        .join(ProgrammeItem, ProgrammeItem.programme_id == Schedule.programme_id)
        .join(Clip, Clip.id == ProgrammeItem.clip_id)
        .where(Schedule.id.in_(set(schedule_ids)))
        .order_by(Schedule.id, ProgrammeItem.position)
    )
    found: dict[str, list[tuple[int, str]]] = {}
    for schedule_id, topic, language in session.execute(query):
        found.setdefault(schedule_id, []).append((topic, language))
    return found


def _add(total: _Sum, line: _Line, share: float, tree: Tree) -> None:
    total.planned += 1
    total.played_ms += line.played_ms * share
    if line.heard_ms is not None:
        total.heard = (total.heard or 0) + (line.heard_ms > 0)
    if line.played:
        total.played += 1
        tz = zone(tree.effective(line.area_id).timezone)
        total.days.add(to_local(line.planned_at, tz).date())
        ended = line.ended_at or line.planned_at
        total.last = ended if total.last is None else max(total.last, ended)


def _add_noted(
    session: Session,
    sums: dict[tuple[str, int, str], _Sum],
    from_: datetime,
    until: datetime,
    areas: frozenset[str] | None,
) -> None:
    """What the Groups saw, beside the plays: a note counts once for each content area.

    All but the first count it `again`, so that whoever adds the areas up can leave that out.
    """
    query = (
        select(Feedback.area_id, Airing.schedule_id, Feedback.asked, Feedback.installed)
        .join(Airing, Airing.id == Feedback.airing_id)
        .where(Airing.starts_at >= from_, Airing.starts_at < until, Airing.schedule_id.is_not(None))
    )
    if areas is not None:
        query = query.where(Feedback.area_id.in_(areas))
    notes = session.execute(query).all()
    spoken = _spoken(session, {schedule_id for _, schedule_id, _, _ in notes if schedule_id})
    for area_id, schedule_id, asked, installed in notes:
        kinds = spoken.get(schedule_id or "", [])
        first_of = dict(reversed(kinds))
        for topic, language in first_of.items():
            total = sums.setdefault((area_id, topic, language), _Sum())
            total.asked += asked or 0
            total.installed += installed or 0
            if topic != kinds[0][0]:
                total.asked_again += asked or 0
                total.installed_again += installed or 0


def _row(
    key: tuple[str, int, str], total: _Sum, from_: datetime, until: datetime, tree: Tree
) -> Row:
    area_id, topic, language = key
    tz = zone(tree.effective(area_id).timezone)
    first = to_local(from_, tz).date()
    last = to_local(until - timedelta(microseconds=1), tz).date()
    return Row(
        area_id=area_id,
        area_name=tree.name(area_id),
        topic=topic,
        language=language,
        planned=total.planned,
        played=total.played,
        heard=total.heard,
        minutes=round(total.played_ms / 60_000, 1),
        last_played_at=total.last,
        gaps=tuple(_gaps(sorted(total.days), first, last)),
        asked=total.asked,
        installed=total.installed,
        asked_again=total.asked_again,
        installed_again=total.installed_again,
    )


def _gaps(days: list[date], first: date, last: date) -> Iterator[Gap]:
    """Runs of at least a week without a play between the first and the last day."""
    day = timedelta(days=1)
    begin = first
    for played in [*days, last + day]:
        if (played - begin).days >= GAP_DAYS:
            yield Gap(begin, played - day)
        begin = played + day
