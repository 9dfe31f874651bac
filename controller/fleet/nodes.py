"""Nodes: places with horns, the areas they belonged to and when, and what their device says."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy import update as sql_update
from sqlalchemy.orm import InstrumentedAttribute, Session

from controller import changes as change_log
from controller import commands
from controller.accounts import audit
from controller.accounts.access import Action, Actor, below, require, require_role, visible_areas
from controller.commands import CommandKind
from controller.errors import BadInput, Conflict, NotFound
from controller.fleet import stagger
from controller.languages import checked_languages
from controller.models import (
    Area,
    ClaimCode,
    ClipVersion,
    Device,
    DeviceBinding,
    Node,
    NodeMembership,
)
from controller.paging import Page, beyond, limited, page_of
from controller.zones import Carried, carried
from protocol.claims import new_code

CLAIM_VALID = timedelta(days=30)
_COLUMNS = {"volume": "volume_pct"}  # the API's name → the table's, where they differ


@dataclass(frozen=True, slots=True)
class NodeInput:
    """A new node. `languages` None: those of its area; `volume` in percent."""

    name: str
    code: str
    area_id: str
    lat: float | None = None
    lon: float | None = None
    languages: list[str] | None = None
    volume: int = 100


@dataclass(frozen=True, slots=True)
class Fetching:
    """A clip on its way to a node, and how much of it is there."""

    clip_id: str
    bytes: int
    held_bytes: int


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
    fetching: tuple[Fetching, ...] = ()
    problems: tuple[str, ...] = ()
    status: dict[str, Any] = field(default_factory=dict)

    @property
    def zones(self) -> list[Carried]:
        """Its amplifiers: what the device says it has, and what was chosen for others."""
        return carried(self.node.zones or (), self.status.get("zones", ()))


def create(session: Session, actor: Actor, data: NodeInput, now: datetime) -> tuple[Node, str]:
    """The node and its one-time claim code, shown once. Raises BadInput."""
    require(session, actor, Action.OPERATE, data.area_id)
    _check(session, asdict(data), own_id=None)
    values = {_COLUMNS.get(k, k): v for k, v in asdict(data).items() if k != "area_id"}
    node = Node(created_at=now, **values)
    session.add(node)
    session.flush()
    session.add(NodeMembership(node_id=node.id, from_at=now, area_id=data.area_id))
    code = _add_code(session, node.id, now)
    if node.lat is not None:
        stagger.assign(session, actor, now)
    _told(session, actor, "node.create", node, data.area_id, now)
    return node, code


def update(
    session: Session, actor: Actor, node_id: str, changes: dict[str, Any], now: datetime
) -> Node:
    """`changes`: field of NodeInput → new value; a new area ends one membership, begins another."""
    node = get(session, actor, node_id, Action.OPERATE)
    unknown = set(changes) - {field.name for field in fields(NodeInput)}
    if unknown:
        raise _bad(min(unknown))
    _check(session, changes, own_id=node.id)
    area_id = area_of(session, node.id, now)
    if changes.get("area_id", area_id) != area_id:
        require(session, actor, Action.OPERATE, changes["area_id"])
        move(session, node.id, changes["area_id"], now)
        area_id = changes["area_id"]
    for name, value in changes.items():
        if name != "area_id":
            setattr(node, _COLUMNS.get(name, name), value)
    session.flush()
    if {"lat", "lon"} & set(changes):
        stagger.assign(session, actor, now)
    _told(session, actor, "node.update", node, area_id, now, {"after": changes})
    return node


def retire(session: Session, actor: Actor, node_id: str, now: datetime) -> Node:
    """The place is given up: nothing targets it any more, its history stays."""
    node = get(session, actor, node_id, Action.OPERATE)
    area_id = area_of(session, node.id, now)
    node.retired_at = node.retired_at or now
    _end_membership(session, node.id, now)
    _told(session, actor, "node.retire", node, area_id, now)
    return node


def shut_out(session: Session, actor: Actor, node_id: str, now: datetime) -> Node:
    """The device that serves the node was stolen: nothing it says or asks counts any more.

    The place stays, with its history, and waits for other hardware. Raises Conflict when no device
    serves it.
    """
    node = get(session, actor, node_id, Action.OPERATE)
    binding = session.scalar(
        select(DeviceBinding).where(
            DeviceBinding.node_id == node.id, DeviceBinding.until_at.is_(None)
        )
    )
    if binding is None:
        raise Conflict(
            "no_device",
            "Cụm loa này chưa có thiết bị nào để khoá.",
            "No device serves this cluster: there is nothing to shut out.",
        )
    binding.until_at = binding.device.shut_out_at = now
    binding.device.online = False
    area_id, detail = area_of(session, node.id, now), {"device": binding.device_id}
    audit.record(session, actor, "node.shut_out", "node", node.id, area_id, now, detail)
    change_log.note(session, "node", node.id, area_id, now)
    body = {"node_id": node.id, "released": [binding.device_id]}
    commands.ask(session, CommandKind.NODE_CHANGED, body, actor, now)
    return node


def new_claim_code(session: Session, actor: Actor, node_id: str, now: datetime) -> str:
    """Another claim code, for new hardware at the same place; older unused ones are void."""
    node = get(session, actor, node_id, Action.OPERATE)
    void = sql_update(ClaimCode).where(ClaimCode.node_id == node.id, ClaimCode.used_at.is_(None))
    session.execute(void.values(expires_at=now))
    code = _add_code(session, node.id, now)
    audit.record(
        session, actor, "node.claim_code", "node", node.id, area_of(session, node.id, now), now
    )
    return code


def get(session: Session, actor: Actor, node_id: str, action: Action = Action.VIEW) -> Node:
    """The node, when any area it ever belonged to is the actor's. Raises NotFound, NotAllowed."""
    node = session.get(Node, node_id)
    if node is None:
        raise NotFound("node")
    own = visible_areas(session, actor)
    if own is not None and own.isdisjoint(m.area_id for m in node.memberships):
        raise NotFound("node")
    require_role(actor, action)
    if action is not Action.VIEW and own is not None and node.memberships[-1].area_id not in own:
        raise NotFound("node")
    return node


def page(
    session: Session,
    actor: Actor,
    *,
    now: datetime,
    area_id: str | None = None,
    limit: int | None = None,
    cursor: str | None = None,
) -> Page[NodeView]:
    """Nodes in service within the actor's areas, by code."""
    require_role(actor, Action.VIEW)
    limit = limited(limit)
    query = select(Node).where(Node.retired_at.is_(None))
    own = visible_areas(session, actor)
    if area_id is not None:
        require(session, actor, Action.VIEW, area_id)
        own = below(session, [area_id])
    if own is not None:
        query = query.join(NodeMembership).where(at_time(now), NodeMembership.area_id.in_(own))
    if cursor:
        query = query.where(beyond([Node.code], cursor))
    nodes = session.scalars(query.order_by(Node.code).limit(limit + 1)).all()
    found = page_of(nodes, limit, lambda node: (node.code,))
    return Page(views(session, found.items, now), found.next_cursor)


def view(session: Session, node: Node, now: datetime) -> NodeView:
    """One node as pages show it."""
    return views(session, [node], now)[0]


def views(session: Session, nodes: Sequence[Node], now: datetime) -> list[NodeView]:
    """Several at once, with a fixed number of queries."""
    ids = [node.id for node in nodes]
    areas = areas_of(session, ids, now)
    devices = devices_of(session, ids, now)
    said = [device.status or {} for device in devices.values()]
    hashes = {
        sha for status in said for name in ("holds", "fetching") for sha in status.get(name, ())
    }
    names = _clips_by_hash(session, hashes)
    return [_view(node, areas.get(node.id), devices.get(node.id), names) for node in nodes]


def area_of(session: Session, node_id: str, at: datetime) -> str | None:
    """The area a node belonged to at an instant."""
    return areas_of(session, [node_id], at).get(node_id)


def areas_of(session: Session, node_ids: Sequence[str], at: datetime) -> dict[str, str]:
    """Node id → the area it belonged to at an instant."""
    query = select(NodeMembership.node_id, NodeMembership.area_id)
    rows = session.execute(query.where(NodeMembership.node_id.in_(node_ids), at_time(at)))
    return {row.node_id: row.area_id for row in rows}


def devices_of(session: Session, node_ids: Sequence[str], at: datetime) -> dict[str, Device]:
    """Node id → the device that served it at an instant."""
    query = (
        select(DeviceBinding.node_id, Device)
        .join(Device)
        .where(
            DeviceBinding.node_id.in_(node_ids),
            DeviceBinding.from_at <= at,
            or_(DeviceBinding.until_at.is_(None), DeviceBinding.until_at > at),
        )
    )
    return {row[0]: row[1] for row in session.execute(query)}


def nodes_in(session: Session, area_ids: Iterable[str], at: datetime) -> list[Node]:
    """The nodes in these areas and below at an instant, ordered by code."""
    inside = below(session, list(area_ids))
    query = select(Node).join(NodeMembership).where(NodeMembership.area_id.in_(inside), at_time(at))
    return list(session.scalars(query.order_by(Node.code)))


def move(session: Session, node_id: str, area_id: str, now: datetime) -> None:
    """End the node's membership and begin another; the caller has checked the rights."""
    if session.get(Area, area_id) is None:
        raise NotFound("area")
    _end_membership(session, node_id, now)
    # Two moves in one instant leave only the last: a membership of no length tells nothing.
    current = session.get(NodeMembership, (node_id, now))
    if current is not None:
        current.area_id, current.until_at = area_id, None
    else:
        session.add(NodeMembership(node_id=node_id, from_at=now, area_id=area_id))
    session.flush()


def at_time(at: datetime | InstrumentedAttribute[datetime]) -> ColumnElement[bool]:
    """The condition for memberships that held at an instant."""
    return (NodeMembership.from_at <= at) & or_(
        NodeMembership.until_at.is_(None), NodeMembership.until_at > at
    )


def _view(
    node: Node, area_id: str | None, device: Device | None, clips: dict[str, tuple[str, int]]
) -> NodeView:
    status = (device.status if device else None) or {}
    holds = dict.fromkeys(clips[sha][0] for sha in status.get("holds", ()) if sha in clips)
    under_way = [(clips[s], pct) for s, pct in status.get("fetching", {}).items() if s in clips]
    return NodeView(
        node=node,
        area_id=area_id,
        device_id=device.id if device else None,
        online=device.online if device else False,
        last_seen_at=device.last_seen_at if device else None,
        clock=status.get("clock"),
        holds=tuple(holds),
        fetching=tuple(
            Fetching(clip_id, size, size * pct // 100) for (clip_id, size), pct in under_way
        ),
        problems=tuple(status.get("problems", ())),
        status=status,
    )


def _clips_by_hash(session: Session, hashes: set[str]) -> dict[str, tuple[str, int]]:
    """Hash → the clip it is a version of, and its bytes."""
    columns = (ClipVersion.sha256, ClipVersion.clip_id, ClipVersion.bytes)
    query = select(*columns).where(ClipVersion.sha256.in_(hashes))
    return {row[0]: (row[1], row[2]) for row in session.execute(query)}


def _end_membership(session: Session, node_id: str, now: datetime) -> None:
    open_ = NodeMembership.until_at.is_(None)
    ending = sql_update(NodeMembership).where(NodeMembership.node_id == node_id, open_)
    session.execute(ending.values(until_at=now))


def _add_code(session: Session, node_id: str, now: datetime) -> str:
    code = new_code()
    row = ClaimCode(node_id=node_id, code=code, created_at=now, expires_at=now + CLAIM_VALID)
    session.add(row)
    return code


def _check(session: Session, values: dict[str, Any], own_id: str | None) -> None:
    for name in ("name", "code"):
        if name in values and not str(values[name] or "").strip():
            raise _bad(name)
    for name, most in (("lat", 90), ("lon", 180)):
        if values.get(name) is not None and abs(values[name]) > most:
            raise _bad(name)
    if not 0 <= values.get("volume", 100) <= 100:
        raise _bad("volume")
    if values.get("languages") is not None:
        checked_languages(values["languages"], "languages")
    taken = select(Node.id).where(Node.code == values.get("code"), Node.id != (own_id or ""))
    if session.scalar(taken):
        raise BadInput(
            {
                "code": (
                    f"Mã cụm loa {values['code']} đã có: hãy ghi mã khác.",
                    f"The node code {values['code']} is taken: enter another.",
                )
            }
        )


def _told(
    session: Session,
    actor: Actor,
    action: str,
    node: Node,
    area_id: str | None,
    now: datetime,
    detail: dict[str, Any] | None = None,
) -> None:
    audit.record(session, actor, action, "node", node.id, area_id, now, detail)
    change_log.note(session, "node", node.id, area_id, now)
    commands.ask(session, CommandKind.NODE_CHANGED, {"node_id": node.id}, actor, now)


def _bad(name: str) -> BadInput:
    return BadInput(
        {
            name: (
                f"Mục «{name}» của cụm loa còn trống hoặc chưa đúng: hãy điền lại.",
                f"The node's '{name}' is empty or out of range: fill it in again.",
            )
        }
    )
