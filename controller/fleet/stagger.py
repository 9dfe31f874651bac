"""Stagger slots of the nodes: worked out from coordinates, kept in each node's config.

Speech at a node starts its slot × the step later, so that neighbours are not heard over each
other; emergencies sound everywhere together.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from controller import commands
from controller.accounts import audit
from controller.accounts.access import Action, Actor, require_role
from controller.accounts.second_factor import may_rule
from controller.calendar.echo import STAGGER_STEP_MS, Horn, slots
from controller.commands import CommandKind
from controller.errors import BadInput, NotAllowed
from controller.models import Node, NodeMembership, Setting
from controller.territory.places import Tree

EARSHOT_M = 700.0
SETTING = "earshot"  # {"metres": 700}
_LEAST_M, _MOST_M = 50, 5000


@dataclass(frozen=True, slots=True)
class Wait:
    """How long after its neighbours a node begins to speak."""

    node: Node
    wait_ms: int
    area_id: str
    area_name: str


def earshot_m(session: Session) -> float:
    """How far a horn is heard here; an administrator may set it."""
    row = session.get(Setting, SETTING)
    return float(row.value["metres"]) if row else EARSHOT_M


def set_earshot(session: Session, actor: Actor, metres: float, now: datetime) -> list[str]:
    """How far a horn is heard; the slots follow. Who administers every unit sets it.

    Returns the ids of the nodes whose slot changed. Raises NotAllowed, BadInput.
    """
    require_role(actor, Action.ADMINISTER)
    if not may_rule(session, actor):
        raise NotAllowed(
            "not_everywhere",
            "Tầm nghe chung cho mọi đơn vị: hãy nhờ quản trị của toàn hệ thống.",
            "How far horns are heard holds for all units: ask whoever administers the whole "
            "system.",
        )
    if not _LEAST_M <= metres <= _MOST_M:
        raise BadInput(
            {
                "metres": (
                    f"Tầm nghe từ {_LEAST_M} đến {_MOST_M} mét: hãy nhập lại.",
                    f"A horn is heard from {_LEAST_M} to {_MOST_M} metres: enter another number.",
                )
            }
        )
    row = session.get(Setting, SETTING)
    if row is None:
        row = Setting(name=SETTING, value={})
        session.add(row)
    row.value = {"metres": float(metres)}
    audit.record(
        session, actor, "setting.earshot", "setting", SETTING, actor.area_id, now, row.value
    )
    return assign(session, actor, now)


def assign(session: Session, actor: Actor, now: datetime) -> list[str]:
    """Give every placed node its slot; returns the ids of those whose slot changed."""
    nodes = session.scalars(
        select(Node).where(Node.retired_at.is_(None), Node.lat.is_not(None), Node.lon.is_not(None))
    ).all()
    horns = [Horn(n.id, n.lat or 0.0, n.lon or 0.0, n.stagger_slot) for n in nodes]
    given = slots(horns, earshot_m(session))
    changed = []
    for node in nodes:
        if node.stagger_slot != given[node.id]:
            node.stagger_slot = given[node.id]
            changed.append(node.id)
            commands.ask(session, CommandKind.NODE_CHANGED, {"node_id": node.id}, actor, now)
    session.flush()
    return changed


def waits(session: Session, area_ids: list[str], tree: Tree) -> list[Wait]:
    """Which nodes of these areas wait, and how long, longest first."""
    inside = tree.below(area_ids)
    query = (
        select(Node, NodeMembership.area_id)
        .join(NodeMembership)
        .where(
            NodeMembership.area_id.in_(inside),
            NodeMembership.until_at.is_(None),
            Node.stagger_slot > 0,
        )
        .order_by(Node.stagger_slot.desc(), Node.code)
    )
    return [
        Wait(node, node.stagger_slot * STAGGER_STEP_MS, area_id, tree.name(area_id))
        for node, area_id in session.execute(query)
    ]
