"""Faults that villages report: a line in the cluster's repair book, open until somebody writes
there what was done. Technicians find them on Today, on the cluster's page and in their messages.
"""

import unicodedata
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from controller import changes
from controller.accounts import audit
from controller.accounts.access import Action, Actor, require_role, visible_areas
from controller.errors import BadInput
from controller.fleet import nodes
from controller.models import Node, RepairNote

_LONGEST: Final = 500
_MOST: Final = 100


def report(session: Session, actor: Actor, node_id: str, text: str, now: datetime) -> RepairNote:
    """Say what is wrong with a cluster of one's own area. Raises BadInput, NotFound."""
    node = nodes.get(session, actor, node_id, Action.FEEDBACK)
    text = " ".join(unicodedata.normalize("NFC", text).split())[:_LONGEST]
    if not text:
        raise BadInput({"text": ("Hãy ghi loa hỏng thế nào.", "Write what is wrong.")})
    note = RepairNote(node_id=node.id, at=now, user_id=actor.user_id, text=text, reported=True)
    session.add(note)
    area_id = nodes.area_of(session, node.id, now)
    audit.record(session, actor, "node.fault", "node", node.id, area_id, now)
    changes.note(session, "node", node.id, area_id, now)
    return note


def unanswered(session: Session, actor: Actor, now: datetime) -> Sequence[tuple[RepairNote, Node]]:
    """Reports in the actor's areas after which nobody wrote what was done, newest first."""
    require_role(actor, Action.VIEW)
    own = visible_areas(session, actor)
    found = open_since(session, None)
    areas = nodes.areas_of(session, [node.id for _, node in found], now)
    return [pair for pair in found if own is None or areas.get(pair[1].id) in own]


def open_since(session: Session, since: datetime | None) -> Sequence[tuple[RepairNote, Node]]:
    """Unanswered reports of all areas, of after an instant; newest first."""
    later = aliased(RepairNote)
    answered = (
        select(func.count())
        .select_from(later)
        .where(
            later.node_id == RepairNote.node_id,
            later.reported.is_(False),
            later.at >= RepairNote.at,
        )
        .scalar_subquery()
    )
    query = (
        select(RepairNote, Node)
        .join(Node, Node.id == RepairNote.node_id)
        .where(RepairNote.reported.is_(True), answered == 0)
        .order_by(RepairNote.at.desc(), RepairNote.id)
        .limit(_MOST)
    )
    if since is not None:
        query = query.where(RepairNote.at > since)
    return [(row[0], row[1]) for row in session.execute(query)]
