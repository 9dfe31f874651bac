"""Documents as they should stand: an area's schedule head with its day pages, a node's config.

Built from the rows alone, so that the same rows give the same bytes; comparing with what was
said last, and saying it, is the publisher's.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import Select, select
from sqlalchemy.orm import Session, selectinload

from controller import zones
from controller.calendar import policy as policies
from controller.calendar.conflicts import is_within
from controller.calendar.rules import Permit
from controller.calendar.wall import zone
from controller.emergency import ready_made
from controller.fleet import nodes
from controller.models import (
    Airing,
    AiringArea,
    AiringWithheld,
    Area,
    Device,
    DeviceBinding,
    Node,
    NodeMembership,
    Programme,
    Schedule,
    SpokenLine,
)
from controller.planning import airings, outros
from controller.planning.programmes import Loaded, of_schedule
from controller.planning.withholding import here, permitted_anywhere, verdict_of
from controller.territory import areas
from controller.territory.places import Tree
from protocol import messages
from protocol.outcomes import AiringClass, Origin
from protocol.pages import pack_page

_DAY = timedelta(days=1)
_FEW = 20  # areas that are looked at one by one


@dataclass(frozen=True, slots=True)
class AreaDocument:
    """A head, its pages' bytes by hash, and the airings in them, earliest first."""

    head: messages.ScheduleHead
    pages: Mapping[str, bytes]
    airings: tuple[messages.Airing, ...]


@dataclass(frozen=True, slots=True)
class _Place:
    """The area a document is for. `speaker`: whose words follow its programmes, if anybody's."""

    area_id: str
    path: tuple[str, ...]
    effective: areas.Effective
    speaker: outros.Speaker | None
    has_own_words: bool

    @classmethod
    def of(cls, session: Session, area_id: str) -> "_Place":
        path = areas.path(session, area_id)
        known = {area.id: area for area in session.scalars(select(Area).where(Area.id.in_(path)))}
        effective = areas.inherited([known[each] for each in path])
        group = next((known[each].group for each in reversed(path) if known[each].group), None)
        speaker = outros.Speaker(area_id, group, effective.timezone) if group else None
        return cls(area_id, path, effective, speaker, bool(known[area_id].group))


def areas_to_serve(session: Session, now: datetime) -> list[str]:
    """Every area on the path of some node, and every one that is aired in."""
    leaves = select(NodeMembership.area_id).where(
        (NodeMembership.until_at.is_(None)) | (NodeMembership.until_at > now)
    )
    up = select(Area.id, Area.parent_id).where(Area.id.in_(leaves)).cte("up", recursive=True)
    up = up.union(select(Area.id, Area.parent_id).join(up, Area.id == up.c.parent_id))
    found = set(session.scalars(select(up.c.id)))
    return sorted(found.union(session.scalars(_aired_in(now).distinct())))


def to_serve_among(session: Session, area_ids: Collection[str], now: datetime) -> list[str]:
    """Those of some areas that are served, without looking at all the others."""
    if len(area_ids) > _FEW:
        return sorted(set(areas_to_serve(session, now)) & set(area_ids))
    return sorted(area_id for area_id in set(area_ids) if _is_served(session, area_id, now))


def _is_served(session: Session, area_id: str, now: datetime) -> bool:
    inside = areas.subtree(session, [area_id])
    held = NodeMembership.until_at.is_(None) | (NodeMembership.until_at > now)
    members = select(NodeMembership.node_id).where(NodeMembership.area_id.in_(inside), held)
    aired = _aired_in(now).where(AiringArea.area_id == area_id)
    return any(session.scalar(query.limit(1)) is not None for query in (members, aired))


def _aired_in(now: datetime) -> Select[str]:
    return (
        select(AiringArea.area_id)
        .join(Airing, Airing.id == AiringArea.airing_id)
        .where(Airing.starts_at > now - _DAY, Airing.cancelled_at.is_(None))
    )


def area_document(session: Session, area_id: str, now: datetime, horizon_days: int) -> AreaDocument:
    """The schedule of an area from yesterday to the horizon, one page for each UTC day."""
    first = now.astimezone(UTC).date() - _DAY
    until = airings.horizon(now, horizon_days)
    days = [first + n * _DAY for n in range((until.date() - first).days)]
    place = _Place.of(session, area_id)
    dated = _airings(session, place, _start(first), until)
    effective = place.effective
    packed = [pack_page(_page(effective, area_id, day, dated)) for day in days]
    head = messages.ScheduleHead(
        area_id=area_id,
        until=until,
        pages=tuple(reference for reference, _ in packed),
        pinned=ready_made.sounds(session, area_id, now),
    )
    return AreaDocument(head, {ref.sha256: blob for ref, blob in packed}, tuple(dated))


def node_config(session: Session, node: Node, now: datetime) -> messages.NodeConfig | None:
    """What is the node's own; None for a node that is in no area now."""
    area_id = nodes.area_of(session, node.id, now)
    if area_id is None or node.retired_at is not None:
        return None
    rules = areas.effective(session, area_id)
    languages = node.languages or rules.languages
    path = areas.path(session, area_id)
    return messages.NodeConfig(
        node_id=node.id,
        node_code=node.code,
        name=node.name,
        area_path=path,
        languages=tuple(languages),
        volume_pct=node.volume_pct,
        stagger_slot=node.stagger_slot,
        settle_ms=node.settle_ms,
        tail_ms=node.tail_ms,
        zones=zones.said(node.zones or (), path),
        later_hours=_in_utc(rules.policy.prefetch, rules.timezone, now),
    )


def _in_utc(hours: Permit | None, timezone: str, now: datetime) -> str:
    """Like "15:00-22:00"; empty when no hours are set."""
    if hours is None:
        return ""
    today = now.astimezone(zone(timezone)).date()
    local = (datetime.combine(today, end, zone(timezone)) for end in (hours.from_, hours.to))
    return "-".join(f"{end.astimezone(UTC):%H:%M}" for end in local)


def bound_nodes(session: Session, node_id: str | None = None) -> list[tuple[Node, Device]]:
    """Every node (or just the one) with the device that serves it now."""
    query = (
        select(Node, Device)
        .join(DeviceBinding, DeviceBinding.node_id == Node.id)
        .join(Device, Device.id == DeviceBinding.device_id)
        .where(DeviceBinding.until_at.is_(None), Device.shut_out_at.is_(None))
        .order_by(Node.code)
    )
    if node_id is not None:
        query = query.where(Node.id == node_id)
    return [(node, device) for node, device in session.execute(query)]


def _airings(
    session: Session, place: _Place, from_: datetime, until: datetime
) -> list[messages.Airing]:
    query = (
        select(Airing)
        .where(
            Airing.id.in_(_sounding(place)),
            Airing.starts_at >= from_,
            Airing.starts_at < until,
            Airing.cancelled_at.is_(None),
            Airing.withheld.is_(None),
            Airing.emergency_id.is_(None),  # those travel in the area's state
        )
        .order_by(Airing.starts_at, Airing.id)
        .options(selectinload(Airing.exempt))
    )
    programmes = _Programmes(session, place)
    rows = _permitted(session, place, session.scalars(query).all())
    said = (_airing(row, place, programmes) for row in rows)
    # What was withdrawn since has no parts; silence gives its row a reason.
    return [airing for airing in said if airing.parts or airing.withheld]


def _permitted(session: Session, place: _Place, rows: Sequence[Airing]) -> Sequence[Airing]:
    """Without those that no place below permits any more: the last look before they are signed."""
    if not rows:
        return rows
    first, last = rows[0].starts_at, max(row.ends_at for row in rows)
    own = place.effective
    hours = policies.windows(own.policy, own.timezone, first, last + _DAY)
    if hours is None or all(is_within(hours, row.starts_at, row.ends_at) for row in rows):
        return rows  # as good as always, and without reading the tree
    return permitted_anywhere(rows, [place.area_id], Tree.load(session))


def _sounding(place: _Place) -> Select[str]:
    """The ids of its own airings, and of those above that are withheld (or air again) from here
    downwards; with words of its own, also of those above that ask for them.

    A node takes the airing of the document nearest to it, and so its own village's outro.
    """
    own = select(AiringArea.airing_id).where(AiringArea.area_id == place.area_id)
    from_here = select(AiringWithheld.airing_id).where(
        AiringWithheld.area_id == place.area_id,
        AiringWithheld.airing_id.in_(
            select(AiringArea.airing_id).where(AiringArea.area_id.in_(place.path))
        ),
    )
    if not place.has_own_words:
        return select(own.union(from_here).subquery().c.airing_id)
    above = (
        select(AiringArea.airing_id)
        .join(Airing, Airing.id == AiringArea.airing_id)
        .join(Schedule, Schedule.id == Airing.schedule_id)
        .join(Programme, Programme.id == Schedule.programme_id)
        .where(AiringArea.area_id.in_(place.path), Programme.outro.is_not(None))
    )
    return select(own.union(from_here, above).subquery().c.airing_id)


class _Programmes:
    """What schedules sound, each loaded once: a month of airings shares one programme."""

    def __init__(self, session: Session, place: _Place) -> None:
        self._session = session
        self._place = place
        self._loaded: dict[str, Loaded] = {}
        self._lines: dict[str, SpokenLine | None] = {}

    def parts(self, row: Airing) -> tuple[messages.Part, ...]:
        if row.schedule_id is None:
            return ()
        loaded = self._loaded.get(row.schedule_id)
        if loaded is None:
            loaded = of_schedule(self._session, self._session.get_one(Schedule, row.schedule_id))
            self._loaded[row.schedule_id] = loaded
        parts = loaded.parts_at(row.starts_at)
        last = len(loaded.items) + 1
        return (*parts, *self._outro(loaded.outro, row.starts_at, last)) if parts else ()

    def _outro(self, kind: str | None, at: datetime, item: int) -> Iterator[messages.Part]:
        """In every language it has been spoken in, Vietnamese first; without that in none."""
        speaker = self._place.speaker
        if kind is None or speaker is None:
            return
        for language in outros.LANGUAGES:
            text = outros.text_at(kind, speaker, at, language)
            line = self._line(text) if text else None
            if line is None:
                return
            yield outros.part_of(line, item, language)

    def _line(self, text: str) -> SpokenLine | None:
        if text not in self._lines:
            self._lines[text] = outros.lines(self._session, [text]).get(text)
        return self._lines[text]


def _airing(row: Airing, place: _Place, programmes: "_Programmes") -> messages.Airing:
    why = here(verdict_of(row), place.path) if row.exempt else None
    return messages.Airing(
        airing_id=row.id,
        starts_at=row.starts_at,
        class_=AiringClass(row.class_),
        origin=Origin(row.origin),
        title=row.title,
        late_s=row.late_s,
        stagger_step_ms=row.stagger_step_ms,
        parts=() if why else programmes.parts(row),
        withheld=str(why["rule"]) if why else "",
    )


def _page(
    effective: areas.Effective, area_id: str, day: date, dated: list[messages.Airing]
) -> messages.DayPage:
    permitted = policies.windows(
        effective.policy, effective.timezone, _start(day), _start(day + _DAY)
    )
    return messages.DayPage(
        area_id=area_id,
        day=day.isoformat(),
        airings=tuple(airing for airing in dated if airing.starts_at.date() == day),
        windows=None
        if permitted is None
        else tuple(messages.Window(w.from_, w.until, w.volume_pct) for w in permitted),
    )


def _start(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)
