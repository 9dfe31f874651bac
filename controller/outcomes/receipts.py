"""What went out and what came: written where schedules are published and statuses taken in.

An airing's path (see `airing_path`) is read from this: a page of a day published in a revision of
its area's schedule, that revision in force on a node, the sounds it then had. Kept for a season.
"""

from collections.abc import Collection, Iterable
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from controller.models import NodeReceipt, PagePublication
from controller.upsert import insert_missing
from protocol.messages import PageRef, Status

KEPT: Final = timedelta(days=90)


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
    """What a status has that the one before (as stored JSON) had not."""
    had = {(s.get("area_id"), s.get("revision")) for s in (before or {}).get("schedules", ())}
    fresh = [(s.area_id, s.revision) for s in status.schedules]
    found = [(area_id, rev) for area_id, rev in fresh if (area_id, rev) not in had]
    sounds = set(status.holds) - set((before or {}).get("holds", ()))
    if sounds:
        session.execute(
            delete(NodeReceipt).where(
                NodeReceipt.node_id == node_id,
                NodeReceipt.subject.in_(sounds),
                NodeReceipt.revision == 0,
            )
        )
    found += [(sha256, 0) for sha256 in sorted(sounds)]
    said = {"node_id": node_id, "node_at": status.at, "server_at": now}
    rows = [{**said, "subject": subject, "revision": revision} for subject, revision in found]
    insert_missing(session, NodeReceipt, rows)


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


def sound_receipts(
    session: Session, node_id: str, hashes: Collection[str]
) -> dict[str, NodeReceipt]:
    """SHA-256 → when the node first said that it holds the sound."""
    query = select(NodeReceipt).where(
        NodeReceipt.node_id == node_id,
        NodeReceipt.subject.in_(hashes),
        NodeReceipt.revision == 0,
    )
    return {row.subject: row for row in session.scalars(query)}


def prune(session: Session, now: datetime) -> None:
    """Forget schedules of a season ago; sounds stay as long as they are the newest word."""
    session.execute(delete(PagePublication).where(PagePublication.at < now - KEPT))
    old = (NodeReceipt.revision > 0) & (NodeReceipt.server_at < now - KEPT)
    session.execute(delete(NodeReceipt).where(old))
