"""Areas: the tree of administrative units, with policy and Community Group."""

from typing import Any, Final

from flask import request
from marshmallow import Schema, fields

from controller import commands, database
from controller.accounts.access import Action, require, require_role
from controller.api import multipart
from controller.api.airings import AiringOut
from controller.api.binding import call, room
from controller.api.fields import Id, Instant, Plain, Text, decimal, many
from controller.api.here import Here, current_actor, services
from controller.api.lists import ListQuery, page_of
from controller.area_changes import area_edits, area_import, area_merge
from controller.fleet import stagger
from controller.models import Area
from controller.paging import Page
from controller.planning.tonight import Tonight, tonight
from controller.territory import areas
from controller.territory.places import Tree

blueprint = room("areas", "Địa bàn")
_MOST_BYTES: Final = 20_000_000  # twenty thousand villages are two


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
    policy = Plain(
        allow_none=True,
        metadata={
            "description": "permit, quiet, max_*, holidays, day_sets, approval, tunes, source, "
            "prefetch (from, to: when nodes fetch what nothing needs within a day)"
        },
    )
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
    return area_edits.create(
        here.session, here.actor, area_edits.AreaInput(**_plain(body)), here.now
    )


@call(blueprint, "GET", "/areas/<id>", answer=AreaOut)
def show_area(here: Here, id: str) -> Area:
    """One area."""
    return areas.get(here.session, here.actor, id)


@call(blueprint, "PATCH", "/areas/<id>", answer=AreaOut, body=AreaPatch)
def update_area(here: Here, body: dict[str, Any], id: str) -> Area:
    """Change some fields; null empties one."""
    return area_edits.update(here.session, here.actor, id, _plain(body), here.now)


class MergeIn(Schema):
    """The areas that are closed; what lies ahead of them goes to the one in the address."""

    area_ids = many(Id(), 200, 1, required=True)


class SplitIn(Schema):
    """The new area beside this one, and the nodes that belong to it from now on."""

    name = Text(required=True)
    kind = Text(60, required=True)
    code = Text(60, allow_none=True)
    group = fields.Nested(Group, allow_none=True)
    node_ids = many(Id(), 1000, load_default=list)


class ImportIn(Schema):
    """The fields beside `file` (CSV or XLSX)."""

    parent_id = Id(allow_none=True)


class ImportOut(Schema):
    """How many areas were made, and how many were known before."""

    created = fields.Integer()
    updated = fields.Integer()


@call(blueprint, "POST", "/areas/<id>/merge", answer=AreaOut, body=MergeIn)
def merge_areas(here: Here, body: dict[str, Any], id: str) -> Area:
    """Other areas go up in this one: they are closed, their history stays where it was."""
    return area_merge.merge(here.session, here.actor, body["area_ids"], id, here.now)


@call(blueprint, "POST", "/areas/<id>/split", answer=AreaOut, status=201, body=SplitIn)
def split_area(here: Here, body: dict[str, Any], id: str) -> Area:
    """A new area beside this one takes over some of its nodes."""
    values = _plain(body)
    node_ids = values.pop("node_ids")
    data = area_edits.AreaInput(**values)
    return area_merge.split(here.session, here.actor, id, data, node_ids, here.now)


@call(
    blueprint,
    "POST",
    "/areas/import",
    answer=ImportOut,
    own_session=True,
    docs={
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {
                    "schema": {
                        "type": "object",
                        "required": ["file"],
                        "properties": {
                            "file": {"type": "string", "format": "binary"},
                            "parent_id": {"type": "string"},
                        },
                    }
                }
            },
        }
    },
)
def import_areas() -> area_import.Imported:
    """A list of units as CSV or XLSX; `errors` names bad lines, and then nothing is written."""
    at, actor = services(), current_actor()
    require_role(actor, Action.ADMINISTER)
    folder, most = at.settings.temporary_dir, at.settings.max_upload_bytes
    with multipart.received(request, ImportIn(), folder, min(most, _MOST_BYTES)) as upload:
        parent_id = upload.fields.get("parent_id") or actor.area_id
        with database.reading(at.engine) as session:
            require(session, actor, Action.ADMINISTER, parent_id)
        rows = area_import.read(upload.path.read_bytes(), upload.filename)
        with database.transaction(at.engine) as session:
            done = area_import.write(session, actor, rows, parent_id, at.clock())
    commands.wake(at.settings.wake_path)
    return done


class HoursOut(Schema):
    """A span in which it may sound."""

    from_ = Instant(data_key="from")
    until = Instant()
    volume_pct = fields.Integer()


class TonightOut(Schema):
    """What will play there until morning; `hours` null: no rule about hours."""

    area_id = fields.String(attribute="area.id")
    name = fields.String(attribute="area.name")
    until = Instant()
    airings = fields.List(fields.Nested(AiringOut))
    hours = fields.List(fields.Nested(HoursOut), allow_none=True)


class WaitOut(Schema):
    """A node that begins to speak after its neighbours, so that no two are heard at once."""

    node_id = fields.String(attribute="node.id")
    code = fields.String(attribute="node.code")
    name = fields.String(attribute="node.name")
    area_id = fields.String()
    area_name = fields.String()
    wait_ms = fields.Integer()


class WaitList(Schema):
    """Longest first; who is not named does not wait."""

    items = fields.List(fields.Nested(WaitOut), required=True)
    next_cursor = fields.String(allow_none=True, required=True)


@call(blueprint, "GET", "/areas/<id>/tonight", answer=TonightOut)
def show_tonight(here: Here, id: str) -> Tonight:
    """What will play in a village from now until the morning, and when it may sound."""
    return tonight(here.session, here.actor, id, here.now)


@call(blueprint, "GET", "/areas/<id>/waits", answer=WaitList)
def show_waits(here: Here, id: str) -> dict[str, Any]:
    """Which villages below wait for their neighbours' echo, and for how long."""
    areas.get(here.session, here.actor, id)
    found = stagger.waits(here.session, [id], Tree.load(here.session))
    return {"items": found, "next_cursor": None}


class EarshotIn(Schema):
    """How far a horn is heard, in metres: neighbours nearer than that speak one after another."""

    metres = decimal(50, 5000, required=True)


class EarshotOut(Schema):
    """The distance, and how many nodes wait for a neighbour by it."""

    metres = fields.Float()
    waiting = fields.Integer()


@call(blueprint, "GET", "/earshot", answer=EarshotOut)
def show_earshot(here: Here) -> dict[str, Any]:
    """How far horns are heard here."""
    require_role(here.actor, Action.VIEW)
    return _earshot(here)


@call(blueprint, "PATCH", "/earshot", answer=EarshotOut, body=EarshotIn)
def set_earshot(here: Here, body: dict[str, Any]) -> dict[str, Any]:
    """Another distance: slots are given anew, and the nodes concerned are told."""
    stagger.set_earshot(here.session, here.actor, body["metres"], here.now)
    return _earshot(here)


def _earshot(here: Here) -> dict[str, Any]:
    tree = Tree.load(here.session)
    own = list(here.actor.area_ids or tree.roots())
    waiting = stagger.waits(here.session, own, tree)
    return {"metres": stagger.earshot_m(here.session), "waiting": len(waiting)}


def _plain(body: dict[str, Any]) -> dict[str, Any]:
    """The Group is kept as JSON, so its times are text again."""
    group = body.get("group")
    return {**body, "group": Group().dump(group)} if group else body
