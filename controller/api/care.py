"""What people know of a node: the card that says how to get there and whom to ask, repair notes."""

from typing import Any

from marshmallow import Schema, fields

from controller.api.binding import call, room
from controller.api.fields import Instant, Text
from controller.api.here import Here
from controller.fleet import node_care, nodes

blueprint = room("care", "Chăm sóc cụm loa")


class Card(Schema):
    """All of it at once: what is left out is forgotten."""

    directions = Text(500)
    key_holder = Text(500)
    key_phone = Text(500)
    power = Text(500, metadata={"description": "where its power comes from and is switched"})
    head = Text(500, metadata={"description": "the village head"})
    head_phone = Text(500)


class RepairIn(Schema):
    """What was found and done."""

    text = Text(2000, lines=True, required=True)


class RepairOut(Schema):
    """A repair note; `user_id` is null for the program itself."""

    id = fields.String()
    at = Instant()
    user_id = fields.String(allow_none=True)
    text = fields.String()
    reported = fields.Boolean(metadata={"description": "a fault the village told of"})


class RepairList(Schema):
    """The newest first."""

    items = fields.List(fields.Nested(RepairOut))


@call(blueprint, "GET", "/nodes/<id>/card", answer=Card)
def show_card(here: Here, id: str) -> dict[str, Any]:
    """The way there, the key, the power, the village head."""
    return nodes.get(here.session, here.actor, id).card or {}


@call(blueprint, "PUT", "/nodes/<id>/card", answer=Card, body=Card)
def set_card(here: Here, body: dict[str, Any], id: str) -> dict[str, Any]:
    """Write it anew."""
    told = {name: text for name, text in body.items() if text}
    return node_care.set_card(here.session, here.actor, id, told, here.now).card or {}


@call(blueprint, "GET", "/nodes/<id>/notes", answer=RepairList)
def list_notes(here: Here, id: str) -> dict[str, Any]:
    """What was mended there."""
    return {"items": node_care.notes(here.session, here.actor, id)}


@call(blueprint, "POST", "/nodes/<id>/notes", answer=RepairOut, status=201, body=RepairIn)
def add_note(here: Here, body: dict[str, Any], id: str) -> Any:
    """Another note."""
    note = node_care.add_note(here.session, here.actor, id, body["text"], here.now)
    here.session.flush()
    return note
