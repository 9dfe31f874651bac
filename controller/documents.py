"""Documents as they should stand: an area's schedule head with its day pages, a node's config.

Built from the rows alone, so that the same rows give the same bytes; comparing with what was
said last, and saying it, is the publisher's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from controller import airings, areas, nodes
from controller.calendar import policy as policies
from controller.models import (
    Airing,
    AiringArea,
    Device,
    DeviceBinding,
    Node,
    NodeMembership,
    Schedule,
)
from controller.programmes import Loaded, load
from protocol import messages
from protocol.outcomes import AiringClass, Origin
from protocol.pages import pack_page

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class AreaDocument:
    """A head, its pages' bytes by hash, and the airings in them, earliest first."""

    head: messages.ScheduleHead
    pages: Mapping[str, bytes]
    airings: tuple[messages.Airing, ...]


def areas_to_serve(session: Session, now: datetime) -> list[str]:
    """Every area on the path of some node, and every one that is aired in."""
    leaves = select(NodeMembership.area_id).where(
        (NodeMembership.until_at.is_(None)) | (NodeMembership.until_at > now)
    )
    found: set[str] = set()
    for area_id in session.scalars(leaves.distinct()):
        found.update(areas.path(session, area_id))
    aired = (
        select(AiringArea.area_id)
        .join(Airing, Airing.id == AiringArea.airing_id)
        .where(Airing.starts_at > now - _DAY, Airing.cancelled_at.is_(None))
    )
    return sorted(found.union(session.scalars(aired.distinct())))


def area_document(session: Session, area_id: str, now: datetime, horizon_days: int) -> AreaDocument:
    """The schedule of an area from yesterday to the horizon, one page for each UTC day."""
    first = now.astimezone(UTC).date() - _DAY
    until = airings.horizon(now, horizon_days)
    days = [first + n * _DAY for n in range((until.date() - first).days)]
    dated = _airings(session, area_id, _start(first), until)
    effective = areas.effective(session, area_id)
    packed = [pack_page(_page(effective, area_id, day, dated)) for day in days]
    head = messages.ScheduleHead(
        area_id=area_id, until=until, pages=tuple(reference for reference, _ in packed)
    )
    return AreaDocument(head, {ref.sha256: blob for ref, blob in packed}, tuple(dated))


def node_config(session: Session, node: Node, now: datetime) -> messages.NodeConfig | None:
    """What is the node's own; None for a node that is in no area now."""
    area_id = nodes.area_of(session, node.id, now)
    if area_id is None or node.retired_at is not None:
        return None
    languages = node.languages or areas.effective(session, area_id).languages
    return messages.NodeConfig(
        node_id=node.id,
        node_code=node.code,
        name=node.name,
        area_path=areas.path(session, area_id),
        languages=tuple(languages),
        volume_pct=node.volume_pct,
        stagger_slot=node.stagger_slot,
        settle_ms=node.settle_ms,
        tail_ms=node.tail_ms,
    )


def bound_nodes(session: Session) -> list[tuple[Node, Device]]:
    """Every node with the device that serves it now."""
    query = (
        select(Node, Device)
        .join(DeviceBinding, DeviceBinding.node_id == Node.id)
        .join(Device, Device.id == DeviceBinding.device_id)
        .where(DeviceBinding.until_at.is_(None), Device.shut_out_at.is_(None))
        .order_by(Node.code)
    )
    return [(node, device) for node, device in session.execute(query)]


def _airings(
    session: Session, area_id: str, from_: datetime, until: datetime
) -> list[messages.Airing]:
    query = (
        select(Airing)
        .join(AiringArea, AiringArea.airing_id == Airing.id)
        .where(
            AiringArea.area_id == area_id,
            Airing.starts_at >= from_,
            Airing.starts_at < until,
            Airing.cancelled_at.is_(None),
            Airing.emergency_id.is_(None),  # those travel in the area's state
        )
        .order_by(Airing.starts_at, Airing.id)
    )
    programmes = _Programmes(session)
    said = (_airing(row, programmes) for row in session.scalars(query))
    # What was withdrawn since has no parts; silence gives its row a reason.
    return [airing for airing in said if airing.parts]


class _Programmes:
    """What schedules sound, each loaded once: a month of airings shares one programme."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._loaded: dict[str, Loaded] = {}

    def parts(self, row: Airing) -> tuple[messages.Part, ...]:
        if row.schedule_id is None:
            return ()
        loaded = self._loaded.get(row.schedule_id)
        if loaded is None:
            programme = self._session.get_one(Schedule, row.schedule_id).programme
            loaded = load(self._session, programme.tune, programme.items)
            self._loaded[row.schedule_id] = loaded
        return loaded.parts_at(row.starts_at)


def _airing(row: Airing, programmes: "_Programmes") -> messages.Airing:
    return messages.Airing(
        airing_id=row.id,
        starts_at=row.starts_at,
        class_=AiringClass(row.class_),
        origin=Origin(row.origin),
        title=row.title,
        late_s=row.late_s,
        stagger_step_ms=row.stagger_step_ms,
        parts=programmes.parts(row),
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
