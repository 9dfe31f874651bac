"""The playback log: planned beside played, every miss with its reason; as JSON, CSV or XLSX."""

from collections.abc import Iterator
from typing import Any

from flask import Response
from flask import stream_with_context as within_request
from marshmallow import Schema, fields

from controller.api import exports
from controller.api.binding import call, room
from controller.api.fields import Id, Instant, one_of
from controller.api.here import Here, looking, services
from controller.api.lists import ListQuery, as_instant, page_of
from controller.api.problems import language
from controller.fleet import nodes
from controller.outcomes import airing_path, playbacks
from controller.outcomes.airing_path import StepCode
from controller.paging import Page
from controller.territory import areas
from protocol.outcomes import Outcome

blueprint = room("playbacks", "Nhật ký phát")


class LogQuery(Schema):
    """Which rows; local times are in the area's zone."""

    from_ = Instant(data_key="from")
    to = Instant()
    node_id = Id()
    area_id = Id()
    airing_id = Id()
    outcome = one_of(*Outcome)
    unheard = fields.Boolean(
        metadata={"description": "only what played and no microphone there heard"}
    )


class LogPageQuery(LogQuery, ListQuery):
    """The same, a page at a time."""


class PlaybackOut(Schema):
    """How one airing ended on one node. `outcome` is null while it is on the air."""

    airing_id = fields.String(attribute="playback.airing_id")
    title = fields.String(attribute="airing.title", dump_default=None, allow_none=True)
    origin = fields.String(attribute="airing.origin", dump_default=None, allow_none=True)
    class_ = fields.String(
        attribute="airing.class_", data_key="class", dump_default=None, allow_none=True
    )
    node_id = fields.String(attribute="playback.node_id")
    node_code = fields.String(attribute="node.code")
    node_name = fields.String(attribute="node.name")
    device_id = fields.String(attribute="playback.device_id", allow_none=True)
    area_id = fields.String(allow_none=True)
    planned_at = Instant(attribute="playback.planned_at")
    started_at = Instant(attribute="playback.started_at", allow_none=True)
    ended_at = Instant(attribute="playback.ended_at", allow_none=True)
    outcome = fields.String(attribute="playback.outcome", allow_none=True)
    reason = fields.String(attribute="playback.reason")
    detail = fields.String(attribute="playback.detail")
    start_error_ms = fields.Float(attribute="playback.start_error_ms", allow_none=True)
    played_ms = fields.Integer(attribute="playback.played_ms", allow_none=True)
    length_ms = fields.Integer(attribute="playback.length_ms", allow_none=True)
    volume_pct = fields.Integer(attribute="playback.volume_pct", allow_none=True)
    xruns = fields.Integer(attribute="playback.xruns", allow_none=True)
    amplifier_on_at = Instant(attribute="playback.amplifier_on_at", allow_none=True)
    amplifier_off_at = Instant(attribute="playback.amplifier_off_at", allow_none=True)
    clock = fields.Dict(attribute="playback.clock", allow_none=True)
    heard_ms = fields.Integer(
        attribute="playback.heard_ms",
        allow_none=True,
        metadata={"description": "found again by the node's microphone; null: there is none"},
    )
    unheard = fields.Boolean(metadata={"description": "played, and nothing of it was heard"})
    heard_level_db = fields.Float(attribute="playback.heard_level_db", allow_none=True)
    heard_delay_ms = fields.Float(attribute="playback.heard_delay_ms", allow_none=True)
    reported_at = Instant(attribute="playback.reported_at", allow_none=True)
    presumed_outcome = fields.String(attribute="playback.presumed_outcome", allow_none=True)
    presumed_reason = fields.String(attribute="playback.presumed_reason", allow_none=True)


class StepOut(Schema):
    """A step on the way; a time that is null is not known, or the step has not happened."""

    code = one_of(*StepCode)
    node_at = Instant(allow_none=True, metadata={"description": "on the node's clock"})
    server_at = Instant(allow_none=True, metadata={"description": "on the controller's clock"})


class PathOut(Schema):
    """The steps in the order in which they happen when all goes well."""

    steps = fields.List(fields.Nested(StepOut))


_CSV = {"type": "string"}
_XLSX = {"type": "string", "format": "binary"}


@call(blueprint, "GET", "/playbacks", answer=page_of(PlaybackOut), query=LogPageQuery)
def list_playbacks(here: Here, query: dict[str, Any]) -> Page[playbacks.PlaybackView]:
    """Newest first."""
    pages = {name: query.pop(name, None) for name in ("limit", "cursor")}
    return playbacks.page(here.session, here.actor, _filters(here, query), **pages)


@call(blueprint, "GET", "/playbacks/<airing_id>/<node_id>/path", answer=PathOut)
def show_path(here: Here, airing_id: str, node_id: str) -> dict[str, Any]:
    """One airing's way to one node, on both clocks."""
    view = playbacks.one(here.session, here.actor, airing_id, node_id)
    return {"steps": airing_path.steps(here.session, view)}


@call(
    blueprint,
    "GET",
    "/playbacks.csv",
    query=LogQuery,
    answer=_CSV,
    content_type=exports.CSV_TYPE,
    own_session=True,
)
def playbacks_csv(query: dict[str, Any]) -> Response:
    """The whole log as CSV (UTF-8 with BOM, as Excel likes it), streamed."""
    lines = within_request(exports.csv_lines(_streamed(query), language()))
    return exports.download(lines, exports.CSV_TYPE, "nhat-ky-phat.csv")


@call(
    blueprint,
    "GET",
    "/playbacks.xlsx",
    query=LogQuery,
    answer=_XLSX,
    content_type=exports.XLSX_TYPE,
    own_session=True,
)
def playbacks_xlsx(query: dict[str, Any]) -> Response:
    """The whole log as a workbook, written row by row and streamed."""
    folder = services().settings.temporary_dir
    chunks = within_request(exports.xlsx_chunks(_streamed(query), language(), folder))
    return exports.download(chunks, exports.XLSX_TYPE, "nhat-ky-phat.xlsx")


def _streamed(query: dict[str, Any]) -> Iterator[exports.Row]:
    """Rows from a session of their own, open while they are read; refusals come at once."""
    with looking() as here:
        filters = _filters(here, query)
        names = _area_names(here)

    def rows() -> Iterator[exports.Row]:
        with looking() as again:
            for view in playbacks.rows(again.session, again.actor, filters):
                yield exports.Row(view, names.get(view.area_id or "", ""))

    return rows()


def _filters(here: Here, query: dict[str, Any]) -> playbacks.PlaybackFilters:
    """The query as the domain takes it; an area or node outside the token's is not found."""
    area_id, node_id = query.get("area_id"), query.get("node_id")
    if area_id is not None:
        areas.get(here.session, here.actor, area_id)
    if node_id is not None:
        nodes.get(here.session, here.actor, node_id)
    outcome = query.get("outcome")
    return playbacks.PlaybackFilters(
        from_=as_instant(here.session, query.get("from_"), area_id),
        until=as_instant(here.session, query.get("to"), area_id),
        node_id=node_id,
        area_id=area_id,
        airing_id=query.get("airing_id"),
        outcome=Outcome(outcome) if outcome else None,
        unheard=bool(query.get("unheard")),
    )


def _area_names(here: Here) -> dict[str, str]:
    names: dict[str, str] = {}
    cursor: str | None = None
    while True:
        page = areas.page(here.session, here.actor, limit=500, cursor=cursor)
        names |= {area.id: area.name for area in page.items}
        cursor = page.next_cursor
        if cursor is None:
            return names
