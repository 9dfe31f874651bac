"""Nodes: places with horns. (Signatures; filled in next.)"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from controller.access import Actor
from controller.errors import NotBuilt
from controller.models import Node
from controller.paging import Page


@dataclass(frozen=True, slots=True)
class NodeInput:
    name: str
    code: str
    area_id: str
    lat: float | None = None
    lon: float | None = None
    languages: list[str] | None = None
    volume: int = 100


@dataclass(frozen=True, slots=True)
class NodeView:
    """A node as pages show it: the place, where it stands, and what its device last said."""

    node: Node
    area_id: str | None
    device_id: str | None
    online: bool
    last_seen_at: datetime | None
    clock: dict[str, Any] | None
    holds: tuple[str, ...]  # clip ids
    problems: tuple[str, ...] = ()
    status: dict[str, Any] = field(default_factory=dict)


def create(session: Session, actor: Actor, data: NodeInput, now: datetime) -> tuple[Node, str]:
    """The node and its one-time claim code."""
    raise NotBuilt("nodes")


def update(
    session: Session, actor: Actor, node_id: str, changes: dict[str, Any], now: datetime
) -> Node:
    """`changes`: field of NodeInput → new value; a new area ends one membership."""
    raise NotBuilt("nodes")


def new_claim_code(session: Session, actor: Actor, node_id: str, now: datetime) -> str:
    """Another claim code, for new hardware at the same place; older unused ones are void."""
    raise NotBuilt("nodes")


def get(session: Session, actor: Actor, node_id: str) -> Node:
    raise NotBuilt("nodes")


def page(
    session: Session,
    actor: Actor,
    *,
    now: datetime,
    area_id: str | None = None,
    limit: int | None = None,
    cursor: str | None = None,
) -> Page[NodeView]:
    raise NotBuilt("nodes")


def view(session: Session, node: Node, now: datetime) -> NodeView:
    raise NotBuilt("nodes")


def area_of(session: Session, node_id: str, at: datetime) -> str | None:
    raise NotBuilt("nodes")


def nodes_in(session: Session, area_ids: Iterable[str], at: datetime) -> list[Node]:
    """The nodes in these areas and below at an instant, ordered by code."""
    raise NotBuilt("nodes")
