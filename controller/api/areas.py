"""Areas: the tree of administrative units, with policy and Community Group."""

from typing import Any

from marshmallow import Schema, fields

from controller import areas
from controller.api.binding import call, room
from controller.api.fields import Id, Instant, Plain, Text, many
from controller.api.here import Here
from controller.api.lists import ListQuery, page_of
from controller.models import Area
from controller.paging import Page

blueprint = room("areas", "Địa bàn")


class Visit(Schema):
    """A date on which the Group sits down with people."""

    at = Instant(required=True)
    place = Text(required=True)
    topic = Text(allow_none=True)


class Group(Schema):
    """The Community Digital Technology Group of an area."""

    name = Text(required=True)
    contact = Text(allow_none=True)
    phone = Text(40, allow_none=True)
    members = many(Text(), 200, allow_none=True)
    next_visits = many(fields.Nested(Visit), 100, allow_none=True)


class AreaPatch(Schema):
    """What can be changed later; what is left out stays."""

    name = Text()
    kind = Text(60)
    code = Text(60, allow_none=True)
    parent_id = Id(allow_none=True)
    timezone = Text(60, allow_none=True)
    languages = many(Text(35), 20, allow_none=True)
    policy = Plain(allow_none=True, metadata={"description": "permit, max_*, holidays, approval"})
    group = fields.Nested(Group, allow_none=True)


class AreaIn(AreaPatch):
    """A new area; what it leaves empty comes from its parent."""

    name = Text(required=True)
    kind = Text(60, required=True)


class AreaOut(Schema):
    """An area as it stands."""

    id = fields.String()
    name = fields.String()
    kind = fields.String(metadata={"description": "thôn, bản, xã, phường …"})
    code = fields.String(allow_none=True)
    parent_id = fields.String(allow_none=True)
    timezone = fields.String(allow_none=True)
    languages = fields.List(fields.String(), allow_none=True)
    policy = fields.Dict(allow_none=True)
    group = fields.Dict(allow_none=True)
    created_at = Instant()
    closed_at = Instant(allow_none=True)


@call(blueprint, "GET", "/areas", answer=page_of(AreaOut), query=ListQuery)
def list_areas(here: Here, query: dict[str, Any]) -> Page[Area]:
    """The areas the token reaches."""
    return areas.page(here.session, here.actor, **query)


@call(blueprint, "POST", "/areas", answer=AreaOut, status=201, body=AreaIn)
def create_area(here: Here, body: dict[str, Any]) -> Area:
    """A new area below one the token administers."""
    return areas.create(here.session, here.actor, areas.AreaInput(**_plain(body)), here.now)


@call(blueprint, "GET", "/areas/<id>", answer=AreaOut)
def show_area(here: Here, id: str) -> Area:
    """One area."""
    return areas.get(here.session, here.actor, id)


@call(blueprint, "PATCH", "/areas/<id>", answer=AreaOut, body=AreaPatch)
def update_area(here: Here, body: dict[str, Any], id: str) -> Area:
    """Change some fields; null empties one."""
    return areas.update(here.session, here.actor, id, _plain(body), here.now)


def _plain(body: dict[str, Any]) -> dict[str, Any]:
    """The Group is kept as JSON, so its times are text again."""
    group = body.get("group")
    return {**body, "group": Group().dump(group)} if group else body
