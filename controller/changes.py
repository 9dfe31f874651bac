"""The pages' live stream: one line for each thing that changed, read in order of `seq`."""

from datetime import datetime

from sqlalchemy import CursorResult, delete, func, select
from sqlalchemy.orm import Session

from controller.models import Change


def note(session: Session, kind: str, subject_id: str, area_id: str | None, now: datetime) -> None:
    """Say that something changed. `kind`: airing, playback, node, clip, schedule, area."""
    session.add(Change(at=now, kind=kind, subject_id=subject_id, area_id=area_id))


def after(session: Session, seq: int, limit: int = 500) -> list[Change]:
    """The lines after `seq`, oldest first."""
    query = select(Change).where(Change.seq > seq).order_by(Change.seq).limit(limit)
    return list(session.scalars(query))


def latest(session: Session) -> int:
    """The newest line's `seq`; 0 when there is none."""
    return session.scalar(select(func.max(Change.seq))) or 0


def prune(session: Session, before: datetime) -> int:
    """Remove lines older than `before`; no page waits that long. Returns how many."""
    result = session.execute(delete(Change).where(Change.at < before))
    assert isinstance(result, CursorResult)
    return result.rowcount
