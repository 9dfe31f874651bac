"""What the Group saw after an airing: "3 households asked, 2 installed".

The counts are added up beside the plays in `controller.outcomes.coverage`.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, contains_eager

from controller import changes
from controller.accounts import audit
from controller.accounts.access import Action, Actor, below, require, require_role, visible_areas
from controller.errors import BadInput, NotFound
from controller.models import Airing, Feedback
from controller.paging import Page, beyond, limited, page_of
from controller.planning import airings
from controller.territory.places import Tree

_LONGEST_NOTE = 2000


@dataclass(frozen=True, slots=True)
class FeedbackInput:
    """At least one of the counts or the note is given."""

    airing_id: str
    area_id: str
    asked: int | None = None
    installed: int | None = None
    note: str | None = None


def give(session: Session, actor: Actor, data: FeedbackInput, now: datetime) -> Feedback:
    """Note what was seen. Raises NotFound where the airing did not sound there, BadInput."""
    require(session, actor, Action.FEEDBACK, data.area_id)
    airing = airings.get(session, actor, data.airing_id)
    around = Tree.load(session).around([data.area_id])
    if around.isdisjoint(area.area_id for area in airing.areas):
        raise NotFound("airing")
    _check(data, airing.starts_at, now)
    row = Feedback(
        airing_id=airing.id,
        area_id=data.area_id,
        asked=data.asked,
        installed=data.installed,
        note=(data.note or "").strip() or None,
        created_by=actor.user_id,
        created_at=now,
    )
    session.add(row)
    session.flush()
    audit.record(session, actor, "feedback.give", "airing", airing.id, data.area_id, now)
    changes.note(session, "feedback", airing.id, data.area_id, now)
    return row


def page(
    session: Session,
    actor: Actor,
    *,
    airing_id: str | None = None,
    area_id: str | None = None,
    from_: datetime | None = None,
    until: datetime | None = None,
    limit: int | None = None,
    cursor: str | None = None,
) -> Page[Feedback]:
    """Newest first, within the actor's areas; of an area and all below it. Raises NotFound.

    The time is that of the airing, from_ <= start < until, as in the figures of the coverage.
    """
    require_role(actor, Action.VIEW)
    limit = limited(limit)
    query = select(Feedback).join(Feedback.airing).options(contains_eager(Feedback.airing))
    own = visible_areas(session, actor)
    if area_id is not None:
        require(session, actor, Action.VIEW, area_id)
        own = below(session, [area_id])
    if own is not None:
        query = query.where(Feedback.area_id.in_(own))
    if airing_id is not None:
        query = query.where(Feedback.airing_id == airing_id)
    if from_ is not None:
        query = query.where(Airing.starts_at >= from_)
    if until is not None:
        query = query.where(Airing.starts_at < until)
    key = (Feedback.created_at, Feedback.id)
    if cursor:
        query = query.where(beyond(key, cursor, descending=True))
    rows = session.scalars(query.order_by(*(c.desc() for c in key)).limit(limit + 1)).all()
    return page_of(rows, limit, lambda row: (row.created_at, row.id))


def _check(data: FeedbackInput, starts_at: datetime, now: datetime) -> None:
    if starts_at > now:
        raise _bad("airing_id", "Lượt này chưa phát.", "This airing has not begun yet.")
    for field in ("asked", "installed"):
        count = getattr(data, field)
        if count is not None and not 0 <= count <= 100_000:
            raise _bad(field, "Hãy ghi số hộ, từ 0 trở lên.", "Enter a number of households.")
    if len(data.note or "") > _LONGEST_NOTE:
        raise _bad("note", "Ghi chú quá dài: hãy viết ngắn lại.", "The note is too long.")
    if data.asked is None and data.installed is None and not (data.note or "").strip():
        raise _bad(
            "asked",
            "Hãy ghi số hộ đã hỏi, số hộ đã cài, hoặc một ghi chú.",
            "Enter how many asked, how many installed, or a note.",
        )


def _bad(field: str, vi: str, en: str) -> BadInput:
    return BadInput({field: (vi, en)})
