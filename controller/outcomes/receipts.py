"""What went out and what came: written where schedules are published and statuses taken in.

An airing's path (see `airing_path`) is read from this: a page of a day published in a revision of
its area's schedule, that revision in force on a node, the sounds it then had. Kept for a season.
"""

from collections.abc import Collection, Iterable
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from controller.models import Airing, NodeReceipt, PagePublication
from controller.upsert import insert_missing
from protocol.messages import PageRef, Status

KEPT: Final = timedelta(days=90)
_AN_AIRING: Final = 1  # the revision of a receipt for an emergency's airing


def note_published(
    session: Session,
    area_id: str,
    revision: int,
    pages: Iterable[PageRef],
    before: Collection[str],
    now: datetime,
) -> None:
    """The pages of a new revision whose hashes are not among those of the one before."""
    days = {date.fromisoformat(ref.day) for ref in pages if ref.sha256 not in before}
    rows = [
        {"area_id": area_id, "day": day, "revision": revision, "at": now} for day in sorted(days)
    ]
    insert_missing(session, PagePublication, rows)


def note_status(
    session: Session,
    node_id: str,
    before: dict[str, Any] | None,
    status: Status,
    now: datetime,
) -> None:
    """What a status has that the one before (as stored JSON) had not, and what it lacks."""
    said = {"node_id": node_id, "node_at": status.at, "server_at": now}
    had = {(s.get("area_id"), s.get("revision")) for s in (before or {}).get("schedules", ())}
    fresh = [(s.area_id, s.revision) for s in status.schedules]
    found = [(area_id, rev) for area_id, rev in fresh if (area_id, rev) not in had]
    found += [(airing_id, _AN_AIRING) for airing_id in _emergencies(session, before, status)]
    found += _sounds(session, node_id, before, status, now)
    rows = [{**said, "subject": subject, "revision": revision} for subject, revision in found]
    insert_missing(session, NodeReceipt, rows)


def note_answer(
    session: Session, node_id: str, airing_id: str, node_at: datetime, now: datetime
) -> None:
    """A node answered the command to sound an airing: it has it."""
    said = {"node_at": node_at, "server_at": now}
    row = {"node_id": node_id, "subject": airing_id, "revision": _AN_AIRING, **said}
    insert_missing(session, NodeReceipt, [row])


def _emergencies(session: Session, before: dict[str, Any] | None, status: Status) -> list[str]:
    """Emergencies' airings that it sounds or waits for now, and did not before."""
    told = before or {}
    named = {status.playing, status.next_airing_id}
    named -= {"", told.get("playing"), told.get("next_airing_id")}
    if not named:
        return []
    query = select(Airing.id).where(Airing.id.in_(named), Airing.emergency_id.is_not(None))
    return sorted(session.scalars(query))


def _sounds(
    session: Session,
    node_id: str,
    before: dict[str, Any] | None,
    status: Status,
    now: datetime,
) -> list[tuple[str, int]]:
    """Sounds that came, each with its next number; those it no longer has are closed."""
    had, has = set((before or {}).get("holds", ())), set(status.holds)
    came, gone = has - had, had - has
    if before is None or gone or came:
        open_ = (NodeReceipt.node_id == node_id) & (NodeReceipt.revision <= 0)
        open_ &= NodeReceipt.gone_at.is_(None)
        # Other hardware begins with nothing, whatever the one before it had.
        lost = NodeReceipt.subject.not_in(has) if before is None else NodeReceipt.subject.in_(gone)
        closed = open_ & (lost | NodeReceipt.subject.in_(came))
        at = _moment(status.at, now)
        session.execute(update(NodeReceipt).where(closed).values(gone_at=at))
    if not came:
        return []
    query = select(NodeReceipt.subject, func.min(NodeReceipt.revision)).where(
        NodeReceipt.node_id == node_id, NodeReceipt.subject.in_(came)
    )
    lowest = {row[0]: row[1] for row in session.execute(query.group_by(NodeReceipt.subject))}
    return [(sha256, lowest[sha256] - 1 if sha256 in lowest else 0) for sha256 in sorted(came)]


def _moment(node_at: datetime, server_at: datetime) -> datetime:
    """When it was so: by the node's clock, unless that is a season off."""
    return min(node_at, server_at) if server_at - node_at < KEPT else server_at


def published(
    session: Session, area_ids: Collection[str], day: date, since: datetime, until: datetime
) -> PagePublication | None:
    """The first page of that day that went out from `since` on; else the last before it."""
    query = select(PagePublication).where(
        PagePublication.area_id.in_(area_ids),
        PagePublication.day == day,
        PagePublication.at <= until,
    )
    first = session.scalars(
        query.where(PagePublication.at >= since).order_by(PagePublication.at).limit(1)
    ).first()
    return first or session.scalars(query.order_by(PagePublication.at.desc()).limit(1)).first()


def schedule_receipt(
    session: Session, node_id: str, area_id: str, revision: int
) -> NodeReceipt | None:
    """When the node first worked from that revision of the area's schedule, or a later one."""
    query = select(NodeReceipt).where(
        NodeReceipt.node_id == node_id,
        NodeReceipt.subject == area_id,
        NodeReceipt.revision >= revision,
    )
    return session.scalars(query.order_by(NodeReceipt.server_at).limit(1)).first()


def airing_receipt(
    session: Session, node_id: str, airing_ids: Collection[str]
) -> NodeReceipt | None:
    """When the node first showed that it had one of these airings of an emergency."""
    query = select(NodeReceipt).where(
        NodeReceipt.node_id == node_id,
        NodeReceipt.subject.in_(airing_ids),
        NodeReceipt.revision == _AN_AIRING,
    )
    return session.scalars(query.order_by(NodeReceipt.server_at).limit(1)).first()


def sound_receipts(
    session: Session, node_id: str, hashes: Collection[str], by: datetime
) -> dict[str, NodeReceipt]:
    """SHA-256 → the word by which the node had the sound at that instant; left out: it had not."""
    query = select(NodeReceipt).where(
        NodeReceipt.node_id == node_id,
        NodeReceipt.subject.in_(hashes),
        NodeReceipt.revision <= 0,
        NodeReceipt.gone_at.is_(None) | (NodeReceipt.gone_at > by),
    )
    rows = session.scalars(query.order_by(NodeReceipt.server_at))
    return {row.subject: row for row in rows if _moment(row.node_at, row.server_at) <= by}


def prune(session: Session, now: datetime) -> None:
    """Forget what went out and came a season ago; a sound stays as long as the node has it."""
    session.execute(delete(PagePublication).where(PagePublication.at < now - KEPT))
    gone = (NodeReceipt.revision <= 0) & (NodeReceipt.gone_at < now - KEPT)
    old = (NodeReceipt.revision > 0) & (NodeReceipt.server_at < now - KEPT)
    session.execute(delete(NodeReceipt).where(gone | old))
