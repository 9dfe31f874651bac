"""Which nodes hold every sound an airing needs, by what their devices last said."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from controller.fleet.nodes import devices_of
from controller.models import Airing, Emergency, Node, NodeMembership, Schedule
from controller.planning.programmes import Loaded, of_schedule
from controller.territory.places import Tree
from protocol.codec import from_json
from protocol.messages import Part
from protocol.programme import parts_for


@dataclass(frozen=True, slots=True)
class Readiness:
    """How many of the nodes an airing is for hold every clip it needs."""

    ready: int
    total: int


def readiness_of(
    session: Session, airings: Sequence[Airing], now: datetime
) -> dict[str, Readiness]:
    """Airing id → readiness, with a number of queries that does not grow with the airings."""
    if not airings:
        return {}
    tree = Tree.load(session)
    members = _members(session, airings, tree)
    node_ids = sorted({node.id for found in members.values() for _, node in found})
    devices = devices_of(session, node_ids, now)
    held = {
        node_id: frozenset((device.status or {}).get("holds", ()))
        for node_id, device in devices.items()
    }
    programmes = _programmes(session, airings)
    result = {}
    for airing in airings:
        loaded = programmes.get(airing.schedule_id or "")
        if airing.emergency_id is not None:
            parts = emergency_parts(session, airing.emergency_id)
        else:
            parts = loaded.parts_at(airing.starts_at) if loaded else ()
        result[airing.id] = _count(airing, parts, members, held, tree)
    return result


def emergency_parts(session: Session, emergency_id: str) -> tuple[Part, ...]:
    """The parts of an emergency as they were when it was given."""
    emergency = session.get_one(Emergency, emergency_id)
    return tuple(from_json(Part, part) for part in emergency.parts)


_Members = dict[str, list[tuple[NodeMembership, Node]]]  # by area


def _members(session: Session, airings: Sequence[Airing], tree: Tree) -> _Members:
    inside = tree.below({area.area_id for airing in airings for area in airing.areas})
    first = min(airing.starts_at for airing in airings)
    last = max(airing.starts_at for airing in airings)
    query = (
        select(NodeMembership, Node)
        .join(Node)
        .where(
            NodeMembership.area_id.in_(inside),
            NodeMembership.from_at <= last,
            or_(NodeMembership.until_at.is_(None), NodeMembership.until_at > first),
        )
    )
    found: _Members = {}
    for membership, node in session.execute(query):
        found.setdefault(membership.area_id, []).append((membership, node))
    return found


def _programmes(session: Session, airings: Sequence[Airing]) -> dict[str, Loaded]:
    ids = {airing.schedule_id for airing in airings if airing.schedule_id}
    schedules = session.scalars(select(Schedule).where(Schedule.id.in_(ids)))
    return {schedule.id: of_schedule(session, schedule) for schedule in schedules}


def _count(
    airing: Airing,
    parts: tuple[Part, ...],
    members: _Members,
    held: dict[str, frozenset[str]],
    tree: Tree,
) -> Readiness:
    ready = total = 0
    needed: dict[tuple[str, ...], list[Part]] = {}
    for area_id in tree.below(area.area_id for area in airing.areas):
        for membership, node in members.get(area_id, ()):
            until = membership.until_at
            if membership.from_at > airing.starts_at or (until and until <= airing.starts_at):
                continue
            total += 1
            languages = tuple(node.languages or tree.languages(area_id))
            if languages not in needed:
                needed[languages] = list(parts_for(parts, languages))
            holds = held.get(node.id, frozenset())
            ready += bool(parts) and all(_held(part, holds) for part in needed[languages])
    return Readiness(ready, total)


def _held(part: Part, holds: frozenset[str]) -> bool:
    return part.sha256 in holds or (part.fallback_sha256 != "" and part.fallback_sha256 in holds)
