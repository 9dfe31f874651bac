"""A node's story: when it came and went, restarted, lost its clock or said what troubles it.

Written where presence and status are taken in; read by technicians. A line is kept for half a year.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from controller.accounts.access import Actor
from controller.fleet import nodes
from controller.models import EventKind, NodeEvent

KEPT: Final = timedelta(days=180)
_LONGEST_DETAIL: Final = 500


def add(session: Session, node_id: str, kind: EventKind, now: datetime, detail: str = "") -> None:
    """One line more."""
    row = NodeEvent(node_id=node_id, at=now, kind=kind, detail=detail[:_LONGEST_DETAIL])
    session.add(row)


def compare(
    session: Session,
    node_id: str,
    before: dict[str, Any] | None,
    after: dict[str, Any],
    now: datetime,
) -> None:
    """Note what differs between two statuses (as stored JSON) that a technician would ask about."""
    was, is_ = _trusted(before), _trusted(after)
    if before is not None and was != is_:
        add(session, node_id, EventKind.CLOCK_FOUND if is_ else EventKind.CLOCK_LOST, now)
    old, new = _problems(before), _problems(after)
    if new and new != old:
        add(session, node_id, EventKind.TROUBLE, now, " ".join(new))
    elif old and not new:
        add(session, node_id, EventKind.WELL, now)
    reason = str((after.get("board") or {}).get("boot_reason") or "")
    if reason:
        _explain_restart(session, node_id, reason)


def of_node(
    session: Session, actor: Actor, node_id: str, *, limit: int = 100
) -> Sequence[NodeEvent]:
    """The newest lines, newest first. Raises NotFound."""
    nodes.get(session, actor, node_id)
    query = select(NodeEvent).where(NodeEvent.node_id == node_id)
    return session.scalars(
        query.order_by(NodeEvent.at.desc(), NodeEvent.id.desc()).limit(limit)
    ).all()


def restarts(session: Session, node_id: str, since: datetime) -> int:
    """How often it started anew since an instant."""
    query = select(func.count()).where(
        NodeEvent.node_id == node_id, NodeEvent.kind == EventKind.RESTARTED, NodeEvent.at >= since
    )
    return session.scalar(query) or 0


def restarts_of(session: Session, node_ids: Sequence[str], since: datetime) -> dict[str, int]:
    """The same for many at once; those that never did are left out."""
    query = (
        select(NodeEvent.node_id, func.count())
        .where(
            NodeEvent.node_id.in_(node_ids),
            NodeEvent.kind == EventKind.RESTARTED,
            NodeEvent.at >= since,
        )
        .group_by(NodeEvent.node_id)
    )
    return {row[0]: row[1] for row in session.execute(query)}


def prune(session: Session, now: datetime) -> None:
    """Forget what is old."""
    session.execute(delete(NodeEvent).where(NodeEvent.at < now - KEPT))


def _explain_restart(session: Session, node_id: str, reason: str) -> None:
    # Presence tells that it started anew, the first status why.
    query = select(NodeEvent).where(NodeEvent.node_id == node_id)
    newest = session.scalars(
        query.where(NodeEvent.kind == EventKind.RESTARTED).order_by(NodeEvent.id.desc()).limit(1)
    ).first()
    if newest is not None and not newest.detail:
        newest.detail = reason[:_LONGEST_DETAIL]


def _trusted(status: dict[str, Any] | None) -> bool:
    return bool(((status or {}).get("clock") or {}).get("trusted"))


def _problems(status: dict[str, Any] | None) -> tuple[str, ...]:
    return tuple(str(each) for each in (status or {}).get("problems", ()))
