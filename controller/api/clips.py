"""Clips: upload, speech, decisions on them, and the sound itself."""

from datetime import timedelta
from typing import Any

from flask import Response, request
from flask_smorest.fields import Upload
from marshmallow import Schema, fields

from controller import commands
from controller.accounts.access import Action, require_role
from controller.api import multipart
from controller.api.audio import sound_of
from controller.api.binding import call, room
from controller.api.fields import Id, Instant, Text, one_of, whole
from controller.api.here import Here, current_actor, looking, services
from controller.api.lists import ListQuery, page_of
from controller.emergency import ready_made
from controller.errors import NotFound
from controller.library import clips, expiry
from controller.models import Approval, ClipVersion
from controller.paging import Page

blueprint = room("clips", "Bản tin")


class ClipQuery(ListQuery):
    """Which clips; `q` finds words with or without accents."""

    topic = whole(1, 6)
    language = Text(35)
    status = one_of(*Approval)
    area_id = Id()
    q = Text()


class ClipIn(Schema):
    """What a recording is about (multipart, beside `file`)."""

    title = Text(required=True)
    topic = whole(1, 6, required=True)
    language = Text(35, required=True)
    app = Text(allow_none=True)
    audience = Text(allow_none=True)
    area_id = Id(allow_none=True)
    translation_of = Id(allow_none=True)
    valid_from = Instant(allow_none=True)
    valid_until = Instant(allow_none=True)
    replaces = Id(allow_none=True, metadata={"description": "a clip's id: adds a version to it"})


class ClipUpload(ClipIn):
    """The form as it is sent; the file itself never comes through here."""

    file = Upload(required=True, metadata={"format": "binary"})


class SpeechIn(Schema):
    """A text to be spoken."""

    text = Text(10_000, lines=True, required=True)
    language = Text(35, required=True)
    voice = Text(allow_none=True)
    title = Text(required=True)
    topic = whole(1, 6, required=True)
    area_id = Id(allow_none=True)


class NoteIn(Schema):
    """A word with a decision."""

    note = Text(2000, lines=True, allow_none=True)


class VersionOut(Schema):
    """One version of a clip."""

    id = fields.String(attribute="clip_id")
    version = fields.Integer()
    status = one_of(*Approval)
    duration_ms = fields.Integer()
    sha256 = fields.String()
    bytes = fields.Integer()
    loudness_lufs = fields.Float()
    true_peak_dbtp = fields.Float()
    warnings = fields.List(fields.Dict(), metadata={"description": "code, vi, en"})


class ClipOut(Schema):
    """A clip with its newest version; `on_air_version` is the one that sounds now."""

    id = fields.String(attribute="clip.id")
    title = fields.String(attribute="clip.title")
    topic = fields.Integer(attribute="clip.topic")
    language = fields.String(attribute="clip.language")
    app = fields.String(attribute="clip.app", allow_none=True)
    audience = fields.String(attribute="clip.audience", allow_none=True)
    area_id = fields.String(attribute="clip.area_id", allow_none=True)
    translation_of = fields.String(attribute="clip.translation_of", allow_none=True)
    created_at = Instant(attribute="clip.created_at")
    stale = fields.Boolean(
        metadata={"description": "a translation whose original was recorded anew since"}
    )
    ready_since = Instant(
        attribute="clip.ready_since",
        allow_none=True,
        metadata={"description": "kept on every node for emergencies, from then on"},
    )
    version = fields.Integer(attribute="newest.version")
    status = fields.String(attribute="newest.status")
    duration_ms = fields.Integer(attribute="newest.duration_ms")
    sha256 = fields.String(attribute="newest.sha256")
    bytes = fields.Integer(attribute="newest.bytes")
    loudness_lufs = fields.Float(attribute="newest.loudness_lufs")
    true_peak_dbtp = fields.Float(attribute="newest.true_peak_dbtp")
    warnings = fields.List(fields.Dict(), attribute="newest.warnings")
    valid_from = Instant(attribute="newest.valid_from", allow_none=True)
    valid_until = Instant(attribute="newest.valid_until", allow_none=True)
    note = fields.String(attribute="newest.decision_note", allow_none=True)
    on_air_version = fields.Function(
        lambda view: view.on_air.version if view.on_air else None,
        metadata={"type": ["integer", "null"]},
    )


class AudioQuery(Schema):
    """Which version (the newest without one), as the nodes play it or to share."""

    version = whole(1, 1_000_000)
    format = one_of("mp3", "m4a")


_UPLOAD_DOCS = {
    "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": ClipUpload}}}
}
_SOUND = {"type": "string", "format": "binary"}


@call(blueprint, "GET", "/clips", answer=page_of(ClipOut), query=ClipQuery)
def list_clips(here: Here, query: dict[str, Any]) -> Page[clips.ClipView]:
    """The library, newest first."""
    pages = {name: query.pop(name, None) for name in ("limit", "cursor")}
    if "status" in query:
        query["status"] = Approval(query["status"])
    filters = clips.ClipFilters(**query)
    return clips.page(here.session, here.actor, filters, now=here.now, **pages)


@call(
    blueprint,
    "POST",
    "/clips",
    answer=VersionOut,
    status=201,
    own_session=True,
    docs=_UPLOAD_DOCS,
)
def upload_clip() -> ClipVersion:
    """Upload a recording: checked, levelled and stored; it waits for approval."""
    at, actor = services(), current_actor()
    require_role(actor, Action.UPLOAD)  # before a large file is taken in for nothing
    limits = at.settings
    with multipart.received(
        request, ClipIn(), limits.temporary_dir, limits.max_upload_bytes
    ) as upload:
        data = clips.UploadInput(path=upload.path, filename=upload.filename, **upload.fields)
        _clip, version = clips.upload(at.engine, at.store, actor, data, at.clock())
    commands.wake(limits.wake_path)
    return version


@call(blueprint, "POST", "/speech", answer=VersionOut, status=201, body=SpeechIn, own_session=True)
def speak(body: dict[str, Any]) -> ClipVersion:
    """Speak a text; the clip waits for approval."""
    at, actor = services(), current_actor()
    wanted = {"voice": None, "area_id": None, **body}
    _clip, version = clips.speak(at.engine, at.store, actor, now=at.clock(), **wanted)
    commands.wake(at.settings.wake_path)
    return version


class ExpiringQuery(Schema):
    """How many days ahead to look."""

    days = whole(1, 366, load_default=7)


class UsedBy(Schema):
    """A schedule that still uses the clip."""

    id = fields.String()
    title = fields.String()


class ExpiringOut(Schema):
    """A clip that soon may not air any more."""

    clip_id = fields.String(attribute="clip.id")
    title = fields.String(attribute="clip.title")
    at = Instant()
    schedules = fields.List(fields.Nested(UsedBy))


class ExpiringList(Schema):
    """All of them: there are never many."""

    items = fields.List(fields.Nested(ExpiringOut), required=True)
    next_cursor = fields.String(allow_none=True, required=True)


@call(blueprint, "GET", "/clips/expiring", answer=ExpiringList, query=ExpiringQuery)
def list_expiring(here: Here, query: dict[str, Any]) -> dict[str, Any]:
    """Clips that fall silent within some days, soonest first, and what still uses them."""
    within = timedelta(days=query["days"])
    found = expiry.expiring(here.session, here.actor, here.now, within)
    return {"items": found, "next_cursor": None}


@call(blueprint, "GET", "/clips/<id>", answer=ClipOut)
def show_clip(here: Here, id: str) -> clips.ClipView:
    """One clip."""
    return clips.view(here.session, clips.get(here.session, here.actor, id), here.now)


@call(blueprint, "POST", "/clips/<id>/approve", answer=VersionOut, body=NoteIn, body_required=False)
def approve_clip(here: Here, body: dict[str, Any], id: str) -> ClipVersion:
    """Let the version that waits go on air."""
    return clips.approve(here.session, here.actor, id, here.now, body.get("note") or "")


@call(blueprint, "POST", "/clips/<id>/reject", answer=VersionOut, body=NoteIn, body_required=False)
def reject_clip(here: Here, body: dict[str, Any], id: str) -> ClipVersion:
    """Return the version that waits, with a word why."""
    return clips.reject(here.session, here.actor, id, here.now, body.get("note") or "")


@call(
    blueprint, "POST", "/clips/<id>/withdraw", answer=VersionOut, body=NoteIn, body_required=False
)
def withdraw_clip(here: Here, body: dict[str, Any], id: str) -> ClipVersion:
    """Take a clip off the air: every version falls silent."""
    return clips.withdraw(here.session, here.actor, id, here.now, body.get("note") or "")


@call(blueprint, "POST", "/clips/<id>/keep-ready", answer=ClipOut)
def keep_clip_ready(here: Here, id: str) -> clips.ClipView:
    """A ready-made message: every node of its area fetches it first and never drops it."""
    clip = ready_made.keep(here.session, here.actor, id, here.now)
    return clips.view(here.session, clip, here.now)


@call(blueprint, "POST", "/clips/<id>/let-go", answer=ClipOut)
def let_clip_go(here: Here, id: str) -> clips.ClipView:
    """An ordinary clip again."""
    clip = ready_made.let_go(here.session, here.actor, id, here.now)
    return clips.view(here.session, clip, here.now)


@call(
    blueprint,
    "GET",
    "/clips/<id>/audio",
    query=AudioQuery,
    answer=_SOUND,
    content_type="audio/ogg",
    own_session=True,
)
def clip_audio(query: dict[str, Any], id: str) -> Response:
    """What a node will play (Ogg Opus), or an MP3 to share; range requests work."""
    with looking() as here:
        view = clips.view(here.session, clips.get(here.session, here.actor, id), here.now)
        version = _version(view, query.get("version"))
    return sound_of(services().store, version.sha256, query.get("format"), view.clip.title)


def _version(view: clips.ClipView, number: int | None) -> ClipVersion:
    """The one asked for; else the one on air, else the newest."""
    if number is None:
        return view.on_air or view.newest
    for version in view.clip.versions:
        if version.version == number:
            return version
    raise NotFound("version")
