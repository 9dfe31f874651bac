"""Calls of the contract that are not built yet: they say so, with 501, instead of pretending.

What a call will take is documented already, so that nobody builds on another name.
"""

from typing import Any

from marshmallow import Schema, fields

from controller.api.binding import call, room
from controller.api.fields import Id, Instant, Text, many, whole
from controller.api.here import Here
from controller.api.spec import Problem
from controller.errors import NotBuilt

blueprint = room("later", "Chưa có trong phiên bản này")


class FeedbackIn(Schema):
    """What the Group saw after an airing."""

    airing_id = Id(required=True)
    area_id = Id(required=True)
    asked = whole(0, 100_000, allow_none=True)
    installed = whole(0, 100_000, allow_none=True)
    note = Text(2000, lines=True, allow_none=True)


class EmergencyIn(Schema):
    """A clip or a text, played at once; a drill says so."""

    clip_id = Id(allow_none=True)
    text = Text(2000, lines=True, allow_none=True)
    area_ids = many(Id(), 500, 1, required=True)
    repeat = fields.Raw(allow_none=True)
    drill = fields.Boolean(required=True)


class StopIn(Schema):
    """Silence, at once; with `mute_until` nothing but emergencies sounds until then."""

    area_ids = many(Id(), 500, 1, required=True)
    mute_until = Instant(allow_none=True)


class CoverageQuery(Schema):
    """Which days and areas."""

    from_ = Instant(data_key="from")
    to = Instant()
    area_id = Id()


@call(blueprint, "POST", "/feedback", answer=Problem, status=501, body=FeedbackIn)
def give_feedback(here: Here, body: dict[str, Any]) -> None:
    """What the Group saw after an airing. Not built yet."""
    raise NotBuilt("feedback")


@call(blueprint, "POST", "/emergencies", answer=Problem, status=501, body=EmergencyIn)
def begin_emergency(here: Here, body: dict[str, Any]) -> None:
    """An emergency broadcast. Not built yet."""
    raise NotBuilt("emergencies")


@call(blueprint, "POST", "/emergencies/<id>/confirm", answer=Problem, status=501)
def confirm_emergency(here: Here, id: str) -> None:
    """A second user confirms. Not built yet."""
    raise NotBuilt("emergencies")


@call(blueprint, "POST", "/emergencies/<id>/cancel", answer=Problem, status=501)
def cancel_emergency(here: Here, id: str) -> None:
    """Call an emergency off. Not built yet."""
    raise NotBuilt("emergencies")


@call(blueprint, "POST", "/stop", answer=Problem, status=501, body=StopIn)
def stop(here: Here, body: dict[str, Any]) -> None:
    """Silence areas at once. Not built yet."""
    raise NotBuilt("stop")


@call(blueprint, "GET", "/coverage", answer=Problem, status=501, query=CoverageQuery)
def coverage(here: Here, query: dict[str, Any]) -> None:
    """Per area, topic and language: planned, played, heard. Not built yet."""
    raise NotBuilt("coverage")
