"""Airings: what is to sound, when, where, and whether the nodes are ready for it."""

from typing import Any

from marshmallow import Schema, fields

from controller.api.binding import call, room
from controller.api.fields import Id, Instant
from controller.api.here import Here
from controller.api.lists import ListQuery, as_instant, page_of
from controller.fleet import nodes
from controller.models import Schedule
from controller.paging import Page
from controller.planning import airings
from controller.scheduling import airing_edits, catch_up
from controller.territory import areas

blueprint = room("airings", "Lượt phát")


class AiringQuery(ListQuery):
    """Which airings; local times are in the area's zone."""

    from_ = Instant(data_key="from")
    to = Instant()
    area_id = Id()
    node_id = Id()


class ReadinessOut(Schema):
    """How many of its nodes hold every clip it needs."""

    ready = fields.Integer()
    total = fields.Integer()


class AiringOut(Schema):
    """One dated broadcast."""

    id = fields.String(attribute="airing.id")
    schedule_id = fields.String(attribute="airing.schedule_id", allow_none=True)
    title = fields.String(attribute="airing.title")
    origin = fields.String(attribute="airing.origin")
    class_ = fields.String(attribute="airing.class_", data_key="class")
    starts_at = Instant(attribute="airing.starts_at")
    ends_at = Instant(attribute="airing.ends_at")
    late_s = fields.Integer(attribute="airing.late_s")
    areas = fields.List(fields.String(), attribute="area_ids", metadata={"description": "ids"})
    cancelled_at = Instant(attribute="airing.cancelled_at", allow_none=True)
    withheld = fields.Dict(
        attribute="airing.withheld",
        allow_none=True,
        metadata={"description": "the rule that forbids it everywhere by now: rule, area, vi, en"},
    )
    withheld_in = fields.Function(
        lambda view: [row.why for row in view.airing.exempt if row.why],
        metadata={
            "type": "array",
            "items": {"type": "object"},
            "description": "where alone a rule forbids it: area_id, area, rule, vi, en",
        },
    )
    readiness = fields.Nested(ReadinessOut)


class CatchUpOut(Schema):
    """The schedule that plays it again, to just those who missed it."""

    schedule_id = fields.String(attribute="id")
    starts_at = fields.String(
        attribute="starts_local", metadata={"description": "local to `timezone`"}
    )
    timezone = fields.String()
    area_ids = fields.Function(lambda schedule: sorted(area.area_id for area in schedule.areas))


class MoveIn(Schema):
    """The new start; without an offset it is local to the schedule."""

    starts_at = Instant(required=True)


@call(blueprint, "GET", "/airings", answer=page_of(AiringOut), query=AiringQuery)
def list_airings(here: Here, query: dict[str, Any]) -> Page[airings.AiringView]:
    """By start, earliest first."""
    area_id = query.get("area_id")
    if area_id:
        areas.get(here.session, here.actor, area_id)
    if query.get("node_id"):
        nodes.get(here.session, here.actor, query["node_id"])
    from_, until = (
        as_instant(here.session, query.pop(name, None), area_id) for name in ("from_", "to")
    )
    return airings.page(here.session, here.actor, now=here.now, from_=from_, until=until, **query)


@call(blueprint, "GET", "/airings/<id>", answer=AiringOut)
def show_airing(here: Here, id: str) -> airings.AiringView:
    """One airing, also when it was left out."""
    return airings.view(here.session, airings.get(here.session, here.actor, id), here.now)


@call(blueprint, "POST", "/airings/<id>/move", answer=AiringOut, body=MoveIn)
def move_airing(here: Here, body: dict[str, Any], id: str) -> airings.AiringView:
    """This airing only: another start, within 30 days; it keeps its id."""
    moved = airing_edits.move(here.session, here.actor, id, body["starts_at"], here.now)
    return airings.view(here.session, moved, here.now)


@call(blueprint, "POST", "/airings/<id>/skip", answer=AiringOut)
def skip_airing(here: Here, id: str) -> airings.AiringView:
    """This airing only: leave it out."""
    left = airing_edits.leave_out(here.session, here.actor, id, here.now)
    return airings.view(here.session, left, here.now)


@call(blueprint, "POST", "/airings/<id>/restore", answer=AiringOut)
def restore_airing(here: Here, id: str) -> airings.AiringView:
    """Undo a move or a leaving out of this airing."""
    back = airing_edits.put_back(here.session, here.actor, id, here.now)
    return airings.view(here.session, back, here.now)


@call(blueprint, "POST", "/airings/<id>/catch-up", answer=CatchUpOut, status=201)
def catch_up_airing(here: Here, id: str) -> Schedule:
    """Play it again in the villages that missed it, at the first free permitted time."""
    return catch_up.play_again(here.session, here.actor, id, here.now)
