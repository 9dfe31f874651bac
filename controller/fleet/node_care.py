"""What people know of a node and no device can say: the way there, the key, what was mended."""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from controller import changes, commands, zones
from controller.accounts import audit
from controller.accounts.access import Action, Actor
from controller.commands import CommandKind
from controller.errors import BadInput
from controller.fleet import nodes
from controller.models import Node, RepairNote
from controller.territory import areas

# The card's fields in the order in which one needs them on the way.
CARD: Final = ("directions", "key_holder", "key_phone", "power", "head", "head_phone")
_LONGEST: Final = 500
_LONGEST_NOTE: Final = 2000


def set_card(
    session: Session, actor: Actor, node_id: str, values: Mapping[str, str], now: datetime
) -> Node:
    """Replace the card; unknown fields are left out, empty ones forgotten."""
    node = nodes.get(session, actor, node_id, Action.OPERATE)
    told = {name: _tidy(values.get(name, ""))[:_LONGEST] for name in CARD}
    node.card = {name: text for name, text in told.items() if text}
    _told(session, actor, "node.card", node, now)
    return node


def choose_zones(
    session: Session,
    actor: Actor,
    node_id: str,
    wanted: Iterable[tuple[str, Sequence[str]]],
    now: datetime,
) -> Node:
    """Which areas' airings each amplifier carries; those left out carry all. Raises BadInput."""
    node = nodes.get(session, actor, node_id, Action.OPERATE)
    area_id = nodes.area_of(session, node.id, now)
    node.zones = zones.checked(wanted, areas.path(session, area_id) if area_id else ()) or None
    session.flush()
    _told(session, actor, "node.zones", node, now)
    commands.ask(session, CommandKind.NODE_CHANGED, {"node_id": node.id}, actor, now)
    return node


def add_note(session: Session, actor: Actor, node_id: str, text: str, now: datetime) -> RepairNote:
    """What was found and done. Raises BadInput for an empty note."""
    node = nodes.get(session, actor, node_id, Action.OPERATE)
    text = unicodedata.normalize("NFC", text).strip()[:_LONGEST_NOTE]
    if not text:
        raise BadInput({"text": ("Hãy ghi đã làm gì ở cụm loa.", "Write what was done.")})
    note = RepairNote(node_id=node.id, at=now, user_id=actor.user_id, text=text)
    session.add(note)
    _told(session, actor, "node.note", node, now)
    return note


def notes(session: Session, actor: Actor, node_id: str, *, limit: int = 50) -> list[RepairNote]:
    """The newest notes, newest first. Raises NotFound."""
    nodes.get(session, actor, node_id)
    query = select(RepairNote).where(RepairNote.node_id == node_id)
    return list(session.scalars(query.order_by(RepairNote.at.desc(), RepairNote.id).limit(limit)))


def newest_notes(session: Session, node_ids: Sequence[str]) -> dict[str, RepairNote]:
    """Node → its newest note; the caller has chosen nodes that the actor may see."""
    newest = (
        select(RepairNote.node_id, func.max(RepairNote.at).label("at"))
        .where(RepairNote.node_id.in_(node_ids))
        .group_by(RepairNote.node_id)
        .subquery()
    )
    query = select(RepairNote).join(
        newest, (RepairNote.node_id == newest.c.node_id) & (RepairNote.at == newest.c.at)
    )
    return {note.node_id: note for note in session.scalars(query)}


def _told(session: Session, actor: Actor, action: str, node: Node, now: datetime) -> None:
    area_id = nodes.area_of(session, node.id, now)
    audit.record(session, actor, action, "node", node.id, area_id, now)
    changes.note(session, "node", node.id, area_id, now)


def _tidy(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())
