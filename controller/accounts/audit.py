"""The audit log: who did what, when, to what. Rows are only ever added."""

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from controller.accounts.access import Action, Actor, require_role, visible_areas
from controller.models import AuditEntry
from controller.paging import Page, beyond, limited, page_of


def record(
    session: Session,
    actor: Actor,
    action: str,
    subject_kind: str,
    subject_id: str,
    area_id: str | None,
    now: datetime,
    detail: dict[str, Any] | None = None,
) -> None:
    """Add a row; it stands or falls with the caller's transaction. `action` like clip.approve."""
    session.add(
        AuditEntry(
            at=now,
            user_id=actor.user_id,
            action=action,
            subject_kind=subject_kind,
            subject_id=subject_id,
            area_id=area_id,
            detail=detail,
        )
    )


def page(
    session: Session,
    actor: Actor,
    *,
    subject_kind: str | None = None,
    subject_id: str | None = None,
    limit: int | None = None,
    cursor: str | None = None,
) -> Page[AuditEntry]:
    """Newest first, within the actor's areas."""
    require_role(actor, Action.VIEW)
    limit = limited(limit)
    query = select(AuditEntry).order_by(AuditEntry.id.desc()).limit(limit + 1)
    areas = visible_areas(session, actor)
    if areas is not None:
        query = query.where(AuditEntry.area_id.in_(areas))
    if subject_kind is not None:
        query = query.where(AuditEntry.subject_kind == subject_kind)
    if subject_id is not None:
        query = query.where(AuditEntry.subject_id == subject_id)
    if cursor:
        query = query.where(beyond([AuditEntry.id], cursor, descending=True))
    rows = session.scalars(query).all()
    return page_of(rows, limit, lambda row: (row.id,))
