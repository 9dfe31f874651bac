"""Calls of the contract that are not built yet: they say so, with 501, instead of pretending.

What a call will take is documented already, so that nobody builds on another name.
"""

from typing import Any

from marshmallow import Schema

from controller.api.binding import call, room
from controller.api.fields import Id, Instant, Text, whole
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


class CoverageQuery(Schema):
    """Which days and areas."""

    from_ = Instant(data_key="from")
    to = Instant()
    area_id = Id()


@call(blueprint, "POST", "/feedback", answer=Problem, status=501, body=FeedbackIn)
def give_feedback(here: Here, body: dict[str, Any]) -> None:
    """What the Group saw after an airing. Not built yet."""
    raise NotBuilt("feedback")


@call(blueprint, "GET", "/coverage", answer=Problem, status=501, query=CoverageQuery)
def coverage(here: Here, query: dict[str, Any]) -> None:
    """Per area, topic and language: planned, played, heard. Not built yet."""
    raise NotBuilt("coverage")
