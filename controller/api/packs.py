"""Clip packs: recordings to another place or from one, in one signed file."""

import tempfile
from pathlib import Path
from typing import Any, Final

from flask import Response, request, send_file
from flask_smorest.fields import Upload
from marshmallow import Schema, fields

from controller import commands
from controller.api import multipart
from controller.api.binding import call, room
from controller.api.fields import Id, Text
from controller.api.here import current_actor, services
from controller.models import Clip
from controller.usb import clip_packs

blueprint = room("packs", "Gói bản tin")
PACK_TYPE: Final = "application/vnd.loalang.clips"
_MOST_IDS: Final = 500


class PackQuery(Schema):
    """Which clips."""

    clips = Text(
        17 * _MOST_IDS,
        required=True,
        metadata={"description": "ids, separated by commas; at most 500"},
    )


class PackIn(Schema):
    """Where a pack's clips are to belong (multipart, beside `file`); none: the token's area."""

    area_id = Id(allow_none=True)


class PackUpload(PackIn):
    """The form as it is sent; the file itself never comes through here."""

    file = Upload(required=True, metadata={"format": "binary"})


class Added(Schema):
    """A clip that was new."""

    id = fields.String()
    title = fields.String()


class LeftOut(Schema):
    """A clip that was not taken, and why."""

    title = fields.String()
    vi = fields.String()
    en = fields.String()


class TakenOut(Schema):
    """What an import did."""

    added = fields.List(fields.Nested(Added))
    skipped = fields.List(fields.Nested(LeftOut))


_FORM = {"multipart/form-data": {"schema": PackUpload}}
_IMPORT_DOCS = {"requestBody": {"required": True, "content": _FORM}}


@call(
    blueprint,
    "GET",
    "/packs",
    query=PackQuery,
    answer={"type": "string", "format": "binary"},
    content_type=PACK_TYPE,
    own_session=True,
)
def export_pack(query: dict[str, Any]) -> Response:
    """The clips with all their data, signed with this place's pack key."""
    return packed([each.strip() for each in query["clips"].split(",") if each.strip()])


@call(
    blueprint,
    "POST",
    "/packs",
    answer=TakenOut,
    own_session=True,
    docs={
        "requestBody": {
            "required": True,
            "content": {"multipart/form-data": {"schema": PackUpload}},
        }
    },
)
def import_pack() -> dict[str, Any]:
    """Take a pack in: what is new waits for approval, what is here already is named."""
    at = services()
    folder, most = at.settings.temporary_dir, at.settings.max_upload_bytes
    with multipart.received(request, PackIn(), folder, most) as upload:
        taken = clip_packs.take_in(
            at.engine,
            at.store,
            current_actor(),
            upload.path,
            upload.fields.get("area_id"),
            at.settings,
            at.clock(),
        )
    commands.wake(at.settings.wake_path)
    return told(taken.added, taken.skipped)


def told(added: tuple[Clip, ...], skipped: tuple[tuple[str, str, str], ...]) -> dict[str, Any]:
    """As `TakenOut` writes it."""
    return {
        "added": [{"id": clip.id, "title": clip.title} for clip in added],
        "skipped": [{"title": title, "vi": vi, "en": en} for title, vi, en in skipped],
    }


def packed(clip_ids: list[str]) -> Response:
    """A pack to download. Raises as `clip_packs.export`."""
    at = services()
    at.settings.temporary_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=at.settings.temporary_dir, prefix="pack-") as place:
        path = Path(place) / "clips"
        clip_packs.export(
            at.engine,
            at.store,
            current_actor(),
            clip_ids[:_MOST_IDS],
            path,
            at.settings,
            at.clock(),
        )
        # Open already: the name may go, the content is sent.
        file = path.open("rb")
    name = f"loalang-{at.settings.site}.clips"
    return send_file(file, mimetype=PACK_TYPE, as_attachment=True, download_name=name)
