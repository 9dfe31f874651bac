"""Which nodes lack which sounds: what the broker must offer, and who is not ready before air time.

"Holds" is what a node's device said in its last status; a node nobody serves holds nothing.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from controller import changes
from controller.accounts import audit
from controller.accounts.access import SYSTEM
from controller.fleet import nodes
from controller.models import Airing, AiringArea, Device, DeviceBinding, Node, NodeMembership
from controller.planning import airings
from controller.territory.places import Tree
from protocol import messages
from protocol.programme import blobs_of, parts_for

# A schedule approved minutes before air time gets this long to reach its nodes before it is a
# problem.
_DELIVERY = timedelta(seconds=60)
_LAST_CALL = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Holder:
    """A node with a device: its areas from the root down, its languages, the hashes it holds."""

    node_id: str
    area_path: tuple[str, ...]
    languages: tuple[str, ...]
    holds: frozenset[str]

    def lacks(self, parts: Sequence[messages.Part]) -> dict[str, int]:
        """SHA-256 → bytes of what it would have to fetch to play these parts as they should be."""
        missing = [p for p in parts_for(parts, self.languages) if p.sha256 not in self.holds]
        wanted = blobs_of(missing)
        return {sha256: size for sha256, size in wanted.items() if sha256 not in self.holds}

    def ready_for(self, parts: Sequence[messages.Part]) -> bool:
        """Whether it can play them, if need be with the former recording of a part."""
        return all(
            {part.sha256, part.fallback_sha256 or part.sha256} & self.holds
            for part in parts_for(parts, self.languages)
        )


def holders(
    session: Session, now: datetime, area_ids: Collection[str] | None = None
) -> list[Holder]:
    """Every node that a device serves now (in these areas and below), in one query."""
    tree = Tree.load(session)
    query = (
        select(Node.id, Node.languages, NodeMembership.area_id, Device.status)
        .join(DeviceBinding, DeviceBinding.node_id == Node.id)
        .join(Device, Device.id == DeviceBinding.device_id)
        .join(NodeMembership, NodeMembership.node_id == Node.id)
        .where(DeviceBinding.until_at.is_(None), Device.shut_out_at.is_(None), nodes.at_time(now))
        .order_by(Node.code)
    )
    if area_ids is not None:
        query = query.where(NodeMembership.area_id.in_(tree.below(area_ids)))
    paths: dict[str, tuple[str, ...]] = {}
    found = []
    for node_id, languages, area_id, status in session.execute(query):
        if area_id not in paths:
            paths[area_id] = tree.path(area_id)
        holds = frozenset((status or {}).get("holds", ()))
        own = tuple(languages or tree.languages(area_id))
        found.append(Holder(node_id, paths[area_id], own, holds))
    return found


Lacking = dict[str, tuple[datetime, int]]  # SHA-256 → first airing that needs it, bytes


def named_in(said: Iterable[messages.Airing], now: datetime) -> Lacking:
    """The sounds of those that may still begin: SHA-256 → first airing that names it, bytes."""
    found: Lacking = {}
    for airing in said:
        if airing.starts_at + timedelta(seconds=airing.late_s) >= now:
            for sha256, size in blobs_of(airing.parts).items():
                first, _ = found.get(sha256, (airing.starts_at, size))
                found[sha256] = (min(first, airing.starts_at), size)
    return found


def blobs_lacking(
    dated: Mapping[str, Sequence[messages.Airing]], holders: Iterable[Holder], now: datetime
) -> dict[str, int]:
    """SHA-256 → bytes of sounds that some node still lacks, those of the next airings first.

    `dated`: the airings of each area as its document has them.
    """
    return soonest_first(lacking_by_area(dated, holders, now).values())


def soonest_first(found: Iterable[Lacking]) -> dict[str, int]:
    """What several areas lack as one list: SHA-256 → bytes."""
    lacking: Lacking = {}
    for each in found:
        for sha256, (at, size) in each.items():
            known = lacking.get(sha256)
            lacking[sha256] = (min(at, known[0]) if known else at, size)
    ordered = sorted(lacking.items(), key=lambda item: item[1][0])
    return {sha256: size for sha256, (_, size) in ordered}


def lacking_by_area(
    dated: Mapping[str, Sequence[messages.Airing]], holders: Iterable[Holder], now: datetime
) -> dict[str, Lacking]:
    """What some node below each of these areas lacks of its document."""
    # Thousands of nodes hold the same few sets of sounds: one of each kind answers for all.
    by_area: dict[str, dict[object, Holder]] = {}
    for holder in holders:
        for area_id in holder.area_path:
            by_area.setdefault(area_id, {})[holder.languages, holder.holds] = holder
    found: dict[str, Lacking] = {}
    for area_id, said in dated.items():
        lacking = found[area_id] = {}
        served = by_area.get(area_id, {}).values()
        for airing in said:
            if airing.starts_at + timedelta(seconds=airing.late_s) < now:
                continue
            for holder in served:
                for sha256, size in holder.lacks(airing.parts).items():
                    first, _ = lacking.get(sha256, (airing.starts_at, size))
                    lacking[sha256] = (min(first, airing.starts_at), size)
    return found


def pinned_lacking(
    pinned: Mapping[str, Sequence[messages.PinnedSound]], holders: Iterable[Holder]
) -> dict[str, int]:
    """SHA-256 → bytes of ready-made sounds that some node of their areas does not hold yet."""
    return {
        sound.sha256: sound.bytes
        for holder in holders
        for area_id in holder.area_path
        for sound in pinned.get(area_id, ())
        if sound.sha256 not in holder.holds
    }


@dataclass(slots=True)
class Watch:
    """What the check has found so far, so that it speaks only when something changes."""

    lacking: dict[str, frozenset[str]] = field(default_factory=dict)
    first_seen: dict[str, datetime] = field(default_factory=dict)


def check(session: Session, watch: Watch, now: datetime, ahead: timedelta) -> int:
    """Look at the airings of the next `ahead`; note which nodes lack their sounds.

    An airing that is not ready is written to the audit log once and shown by the pages. Returns
    how many airings are not ready.
    """
    query = (
        select(Airing)
        .where(
            Airing.starts_at > now,
            Airing.starts_at <= now + ahead,
            Airing.cancelled_at.is_(None),
            Airing.withheld.is_(None),
        )
        .order_by(Airing.starts_at)
    )
    due = list(session.scalars(query))
    places = {area.area_id for airing in due for area in airing.areas}
    known = {each.node_id: each for each in holders(session, now, places)} if due else {}
    for airing in due:
        _look(session, watch, airing, known, now)
    _forget_others(watch, {airing.id for airing in due})
    return sum(1 for lacking in watch.lacking.values() if lacking)


def _look(
    session: Session,
    watch: Watch,
    airing: Airing,
    known: Mapping[str, Holder],
    now: datetime,
) -> None:
    parts = airings.parts_of(session, airing, airing.starts_at)
    lacking = frozenset(
        node.id
        for node in airings.targets(session, airing)
        if node.id not in known or not known[node.id].ready_for(parts)
    )
    seen = watch.first_seen.setdefault(airing.id, now)
    patient = now < min(seen + _DELIVERY, airing.starts_at - _LAST_CALL)
    if lacking and patient and airing.checked_at is None:
        return
    if lacking != watch.lacking.get(airing.id, frozenset()):
        _tell_pages(session, airing, now)
    if lacking and airing.checked_at is None:
        _write_down(session, airing, lacking, now)
    watch.lacking[airing.id] = lacking
    airing.checked_at = airing.checked_at or now


def _tell_pages(session: Session, airing: Airing, now: datetime) -> None:
    for area_id in _areas(session, airing):
        changes.note(session, "airing", airing.id, area_id, now)


def _write_down(session: Session, airing: Airing, lacking: frozenset[str], now: datetime) -> None:
    for area_id in _areas(session, airing)[:1]:
        detail = {"nodes": sorted(lacking), "starts_at": airing.starts_at.isoformat()}
        audit.record(session, SYSTEM, "airing.not_ready", "airing", airing.id, area_id, now, detail)


def _areas(session: Session, airing: Airing) -> list[str]:
    query = select(AiringArea.area_id).where(AiringArea.airing_id == airing.id)
    return list(session.scalars(query.order_by(AiringArea.area_id)))


def _forget_others(watch: Watch, due: set[str]) -> None:
    for known in (watch.lacking, watch.first_seen):
        for airing_id in known.keys() - due:
            del known[airing_id]
