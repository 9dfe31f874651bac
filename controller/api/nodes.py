"""Nodes: places with horns, what their device last said, and the code that enrols a new one."""

from dataclasses import fields as dataclass_fields
from datetime import datetime
from typing import Any

from marshmallow import Schema, fields

from controller import zones
from controller.api.binding import call, room
from controller.api.fields import Id, Instant, Text, decimal, many, one_of, whole
from controller.api.here import Here
from controller.api.lists import ListQuery, page_of
from controller.emergency import node_orders
from controller.fleet import enrolment, node_care, nodes, summaries
from controller.models import NodeOrder
from controller.paging import Page

blueprint = room("nodes", "Cụm loa")


class NodeQuery(ListQuery):
    """Which nodes."""

    area_id = Id()


class ZoneIn(Schema):
    """An amplifier by its name in the node's own settings, and the areas whose airings it carries;
    without areas it carries everything. Emergencies sound on all."""

    zone = Text(32, required=True)
    areas = many(Id(), 20, load_default=list)


class ZoneOut(Schema):
    """The same, with whether the device says that it has this amplifier."""

    zone = fields.String()
    areas = fields.List(fields.String())
    told = fields.Boolean()


class NodePatch(Schema):
    """What can be changed later; what is left out stays. A new area begins a new membership."""

    name = Text()
    code = Text(60)
    area_id = Id()
    lat = decimal(-90, 90, allow_none=True)
    lon = decimal(-180, 180, allow_none=True)
    languages = many(Text(35), 20, allow_none=True)
    volume = whole(0, 100)


class NodeChanges(NodePatch):
    """A change of a node that is there; `zones` replaces the whole choice."""

    zones = many(fields.Nested(ZoneIn), zones.MOST)


class NodeIn(NodePatch):
    """A new node."""

    name = Text(required=True)
    code = Text(60, required=True)
    area_id = Id(required=True)


class FetchingOut(Schema):
    """A clip on its way: how much of it the node holds."""

    clip_id = fields.String()
    bytes = fields.Integer()
    held_bytes = fields.Integer()


class NodeOut(Schema):
    """A node: the place, where it stands, and what its device last said."""

    id = fields.String(attribute="node.id")
    code = fields.String(attribute="node.code")
    name = fields.String(attribute="node.name")
    area_id = fields.String(allow_none=True)
    lat = fields.Float(attribute="node.lat", allow_none=True)
    lon = fields.Float(attribute="node.lon", allow_none=True)
    languages = fields.List(fields.String(), attribute="node.languages", allow_none=True)
    volume = fields.Integer(attribute="node.volume_pct")
    device_id = fields.String(allow_none=True)
    online = fields.Boolean()
    last_seen_at = Instant(allow_none=True)
    clock = fields.Dict(allow_none=True, metadata={"description": "trusted, source, offset_ms"})
    holds = fields.List(fields.String(), metadata={"description": "clip ids"})
    fetching = fields.List(
        fields.Nested(FetchingOut), metadata={"description": "clips on their way to the node"}
    )
    problems = fields.List(fields.String())
    zones = fields.List(fields.Nested(ZoneOut), metadata={"description": "its amplifiers"})
    status = fields.Dict(metadata={"description": "the device's last status, as it came"})
    created_at = Instant(attribute="node.created_at")
    retired_at = Instant(attribute="node.retired_at", allow_none=True)


class NodeCreated(NodeOut):
    """A new node, with the code that its device enrols by; the code is shown once."""

    claim_code = fields.String()


class ClaimCode(Schema):
    """A code for new hardware at the same place; earlier ones no longer work."""

    claim_code = fields.String()


@call(blueprint, "GET", "/nodes", answer=page_of(NodeOut), query=NodeQuery)
def list_nodes(here: Here, query: dict[str, Any]) -> Page[nodes.NodeView]:
    """The nodes in the token's areas."""
    return nodes.page(here.session, here.actor, now=here.now, **query)


@call(blueprint, "POST", "/nodes", answer=NodeCreated, status=201, body=NodeIn)
def create_node(here: Here, body: dict[str, Any]) -> dict[str, Any]:
    """A new node, and its one-time claim code."""
    data = nodes.NodeInput(**body)
    node, code = nodes.create(here.session, here.actor, data, here.now)
    view = nodes.view(here.session, node, here.now)
    shown = {field.name: getattr(view, field.name) for field in dataclass_fields(view)}
    return {**shown, "zones": view.zones, "claim_code": code}


@call(blueprint, "GET", "/nodes/<id>", answer=NodeOut)
def show_node(here: Here, id: str) -> nodes.NodeView:
    """One node."""
    node = nodes.get(here.session, here.actor, id)
    return nodes.view(here.session, node, here.now)


@call(blueprint, "PATCH", "/nodes/<id>", answer=NodeOut, body=NodeChanges)
def update_node(here: Here, body: dict[str, Any], id: str) -> nodes.NodeView:
    """Change some fields."""
    chosen = body.pop("zones", None)
    node = nodes.update(here.session, here.actor, id, body, here.now)
    if chosen is not None:
        pairs = [(each["zone"], each["areas"]) for each in chosen]
        node_care.choose_zones(here.session, here.actor, id, pairs, here.now)
    return nodes.view(here.session, node, here.now)


@call(blueprint, "POST", "/nodes/<id>/claim-code", answer=ClaimCode, status=201)
def renew_claim_code(here: Here, id: str) -> dict[str, str]:
    """Another claim code, for new hardware at the same place."""
    return {"claim_code": nodes.new_claim_code(here.session, here.actor, id, here.now)}


@call(blueprint, "POST", "/nodes/<id>/shut-out", answer=NodeOut)
def shut_out_device(here: Here, id: str) -> nodes.NodeView:
    """The device was stolen: it is silenced and the broker no longer lets it in."""
    node = nodes.shut_out(here.session, here.actor, id, here.now)
    return nodes.view(here.session, node, here.now)


class EndedOut(Schema):
    """So many airings ended so."""

    outcome = fields.String()
    reason = fields.String()
    count = fields.Integer()


class SummaryOut(Schema):
    """Airings of which the node had no room to keep each report: how many ended how."""

    node_id = fields.String(attribute="node.id")
    from_at = Instant()
    until_at = Instant()
    received_at = Instant()
    count = fields.Integer()
    ended = fields.List(fields.Nested(EndedOut))


class SummaryList(Schema):
    """The newest first."""

    items = fields.List(fields.Nested(SummaryOut))


@call(blueprint, "GET", "/nodes/<id>/summaries", answer=SummaryList)
def list_summaries(here: Here, id: str) -> dict[str, Any]:
    """What the node could only sum up, after its memory for reports was full."""
    return {"items": summaries.of_node(here.session, here.actor, id)}


class OrderIn(Schema):
    """What the node is to do. `volume` takes `pct`; `mute` `until` (empty lifts it); `log_tail`
    `lines`; `play` a `clip_id`, or else it sounds a signature tune; `stop` may be `hard`."""

    verb = one_of(*node_orders.VERBS, required=True)
    pct = whole(0, 100, allow_none=True)
    until = Text(40, allow_none=True)
    lines = whole(1, 300, allow_none=True)
    clip_id = Id(allow_none=True)
    hard = fields.Boolean(metadata={"description": "without a fade: silent within 10 ms"})


class OrderOut(Schema):
    """An order and what became of it."""

    id = fields.String()
    node_id = fields.String()
    verb = fields.String()
    args = fields.Dict()
    state = fields.String(metadata={"description": "waiting, done, failed or unanswered"})
    problem = fields.String()
    detail = fields.String(metadata={"description": "what the node says, log lines for instance"})
    airing_id = fields.String(allow_none=True, metadata={"description": "of a test play"})
    created_at = Instant()
    answered_at = Instant(allow_none=True)


class OrderList(Schema):
    """The newest orders to a node."""

    items = fields.List(fields.Nested(OrderOut), required=True)


@call(blueprint, "POST", "/nodes/<id>/orders", answer=OrderOut, status=201, body=OrderIn)
def order_node(here: Here, body: dict[str, Any], id: str) -> dict[str, Any]:
    """Ask the node for something now: it answers within seconds while it is online."""
    args = {name: value for name, value in body.items() if name != "verb" and value is not None}
    row = node_orders.order(here.session, here.actor, id, body["verb"], args, here.now)
    return order_record(row, here.now)


@call(blueprint, "GET", "/nodes/<id>/orders", answer=OrderList)
def list_orders(here: Here, id: str) -> dict[str, Any]:
    """What was asked of the node lately, newest first."""
    rows = node_orders.listed(here.session, here.actor, id)
    return {"items": [order_record(row, here.now) for row in rows]}


@call(blueprint, "GET", "/nodes/<id>/orders/<order_id>", answer=OrderOut)
def show_order(here: Here, id: str, order_id: str) -> dict[str, Any]:
    """One order, to see whether it has been answered."""
    return order_record(node_orders.get(here.session, here.actor, id, order_id), here.now)


def order_record(row: NodeOrder, now: datetime) -> dict[str, Any]:
    """An order as `OrderOut` shows it."""
    shown = {name: getattr(row, name) for name in OrderOut().fields if hasattr(row, name)}
    airing_id = (row.airing or {}).get("airing_id")
    return {**shown, "state": node_orders.state(row, now), "airing_id": airing_id}


class WaitingOut(Schema):
    """A new device that waits; `code` is on its label and in its journal."""

    id = fields.String()
    code = fields.String()
    hardware = fields.String()
    version = fields.String()
    first_asked_at = Instant()
    last_asked_at = Instant()


class WaitingList(Schema):
    """All that asked within a day, the newest first."""

    items = fields.List(fields.Nested(WaitingOut))


class BindIn(Schema):
    """Which device is to serve the node."""

    device_id = Id(required=True)


@call(blueprint, "GET", "/devices/waiting", answer=WaitingList)
def list_waiting_devices(here: Here) -> dict[str, Any]:
    """New devices that show no claim code that fits."""
    return {"items": enrolment.waiting(here.session, here.actor, here.now)}


@call(blueprint, "POST", "/nodes/<id>/bind", answer=NodeOut, body=BindIn)
def bind_device(here: Here, body: dict[str, Any], id: str) -> nodes.NodeView:
    """Let a waiting device serve the node; the one that served it before is let go."""
    node = enrolment.bind(here.session, here.actor, id, body["device_id"], here.now)
    return nodes.view(here.session, node, here.now)
