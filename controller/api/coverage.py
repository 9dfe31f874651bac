"""What was heard where, and what the Group saw after it."""

from dataclasses import asdict
from datetime import timedelta
from typing import Any, Final

from marshmallow import Schema, fields

from controller.api.binding import call, room
from controller.api.fields import Id, Instant, Text, whole
from controller.api.here import Here
from controller.api.lists import ListQuery, as_instant, page_of
from controller.errors import BadInput
from controller.models.feedback import Feedback
from controller.outcomes import coverage, feedback
from controller.paging import Page

blueprint = room("coverage", "Độ phủ và phản hồi")
_USUAL_SPAN: Final = timedelta(days=30)


class FeedbackIn(Schema):
    """What the Group saw after an airing: a count, or a note."""

    airing_id = Id(required=True)
    area_id = Id(required=True)
    asked = whole(0, 100_000, allow_none=True)
    installed = whole(0, 100_000, allow_none=True)
    note = Text(2000, lines=True, allow_none=True)


class FeedbackOut(Schema):
    """The note as it was kept."""

    id = fields.String()
    airing_id = fields.String()
    area_id = fields.String()
    asked = fields.Integer(allow_none=True)
    installed = fields.Integer(allow_none=True)
    note = fields.String(allow_none=True)
    created_at = Instant()


class FeedbackQuery(ListQuery):
    """Which notes: of an airing, of an area and all below it, of airings of some days."""

    airing_id = Id()
    area_id = Id()
    from_ = Instant(data_key="from")
    to = Instant()


class CoverageQuery(Schema):
    """Which days and areas; without days the last thirty, to now."""

    from_ = Instant(data_key="from")
    to = Instant()
    area_id = Id()


class GapOut(Schema):
    """Days, both included, on which nothing of the topic sounded."""

    from_ = fields.Date(data_key="from")
    to = fields.Date()


class CoverageOut(Schema):
    """One topic in one language in one place; `heard` is null where no microphone listens."""

    area_id = fields.String()
    area_name = fields.String()
    topic = fields.Integer()
    language = fields.String()
    planned = fields.Integer()
    played = fields.Integer()
    heard = fields.Integer(allow_none=True)
    minutes = fields.Float()
    last_played_at = Instant(allow_none=True)
    gaps = fields.List(fields.Nested(GapOut))
    asked = fields.Integer(metadata={"description": "households that asked, by the Groups' notes"})
    installed = fields.Integer()
    asked_again = fields.Integer(
        metadata={"description": "of `asked`, what the row of another content area counts already"}
    )
    installed_again = fields.Integer()


class CoverageList(Schema):
    """All rows at once: there are as many as places × topics × languages."""

    items = fields.List(fields.Nested(CoverageOut), required=True)
    next_cursor = fields.String(allow_none=True, required=True)


@call(blueprint, "POST", "/feedback", answer=FeedbackOut, status=201, body=FeedbackIn)
def give_feedback(here: Here, body: dict[str, Any]) -> Feedback:
    """What the Group saw after an airing."""
    return feedback.give(here.session, here.actor, feedback.FeedbackInput(**body), here.now)


@call(blueprint, "GET", "/feedback", answer=page_of(FeedbackOut), query=FeedbackQuery)
def list_feedback(here: Here, query: dict[str, Any]) -> Page[Feedback]:
    """What the villages noted, newest first; `from` and `to` are times of the airings."""
    area_id = query.get("area_id")
    query["from_"] = as_instant(here.session, query.get("from_"), area_id)
    query["until"] = as_instant(here.session, query.pop("to", None), area_id)
    return feedback.page(here.session, here.actor, **query)


@call(blueprint, "GET", "/coverage", answer=CoverageList, query=CoverageQuery)
def show_coverage(here: Here, query: dict[str, Any]) -> dict[str, Any]:
    """Per area, topic and language: airings planned, played and heard, minutes, gaps."""
    area_id = query.get("area_id")
    until = as_instant(here.session, query.get("to"), area_id) or here.now
    from_ = as_instant(here.session, query.get("from_"), area_id) or until - _USUAL_SPAN
    if from_ >= until:
        raise BadInput(
            {"from": ("Ngày đầu phải ở trước ngày cuối.", "The first day must be before the last.")}
        )
    rows = coverage.report(here.session, here.actor, from_, until, area_id)
    return {"items": [asdict(row) for row in rows], "next_cursor": None}
