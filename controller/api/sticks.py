"""USB sticks over HTTP: a ZIP to unpack onto one, and what nodes left on one as uploads."""

from typing import Any, Final

from flask import Response, request, send_file
from flask_smorest.fields import Upload
from marshmallow import Schema, fields

from audio_library.store import Store
from controller import commands
from controller.accounts.access import Action, require_role
from controller.api import multipart
from controller.api.binding import call, room
from controller.api.fields import Id, Text, whole
from controller.api.here import current_actor, looking, services
from controller.publishing.desk import BlobSource
from controller.usb import stick_files, sticks
from controller.usb.stick_files import StickFiles
from controller.usb.sticks import TakenIn

blueprint = room("sticks", "USB")
ZIP_TYPE: Final = "application/zip"
MOST_NODES: Final = 500


class StickQuery(Schema):
    """Which clusters: ids, or an area with all below it; neither: all the token may see."""

    nodes = Text(65 * MOST_NODES, metadata={"description": "ids, separated by commas"})
    area_id = Id()
    days = whole(1, 60, load_default=30, metadata={"description": "clips of so many days ahead"})


class StickUpload(Schema):
    """A ZIP of the stick's folder, or one of its files."""

    file = Upload(required=True, metadata={"format": "binary"})


class FileProblem(Schema):
    """A file that did not count, and why."""

    file = fields.String()
    vi = fields.String()
    en = fields.String()


class StickTaken(Schema):
    """What a stick brought; all of it counts once, however often it comes."""

    devices = fields.List(fields.String())
    reports = fields.Integer()
    logs = fields.Integer()
    bound = fields.List(fields.String(), metadata={"description": "nodes that have a device now"})
    problems = fields.List(fields.Nested(FileProblem))


@call(
    blueprint,
    "GET",
    "/sticks",
    query=StickQuery,
    answer={"type": "string", "format": "binary"},
    content_type=ZIP_TYPE,
    own_session=True,
)
def export_stick(query: dict[str, Any]) -> Response:
    """Schedules, clips and acknowledgements, as signed as on the broker: unpack onto a stick."""
    given = [each.strip() for each in (query.get("nodes") or "").split(",") if each.strip()]
    return packed(given or chosen(query.get("area_id")), query["days"])


@call(
    blueprint,
    "POST",
    "/sticks",
    answer=StickTaken,
    own_session=True,
    docs={
        "requestBody": {
            "required": True,
            "content": {"multipart/form-data": {"schema": StickUpload}},
        }
    },
)
def import_stick() -> dict[str, Any]:
    """Take in what nodes left: through the same checks, and as often as one likes."""
    require_role(current_actor(), Action.OPERATE)  # before anything is taken in
    at = services()
    folder, most = at.settings.temporary_dir, at.settings.max_upload_bytes
    with (
        multipart.received(request, Schema(), folder, most) as upload,
        upload.path.open("rb") as it,
    ):
        files = StickFiles([(upload.filename or "file", it)], most)
        taken = take_in(files)
    return told(taken, files)


def take_in(files: StickFiles) -> TakenIn:
    """Commit what the files say and wake the service, which seals the acknowledgements."""
    at = services()
    taken = stick_files.take_in(
        at.engine, current_actor(), files, site=at.settings.site, now=at.clock()
    )
    commands.wake(at.settings.wake_path)
    return taken


def told(taken: TakenIn, files: StickFiles) -> dict[str, Any]:
    """As `StickTaken` writes it."""
    return {
        "devices": sorted(taken.devices),
        "reports": taken.reports,
        "logs": taken.logs,
        "bound": taken.bound,
        "problems": [{"file": n, "vi": vi, "en": en} for n, (vi, en) in files.problems.items()],
    }


def chosen(area_id: str | None) -> list[str]:
    """All nodes of an area that the visitor may see."""
    with looking() as at:
        return list(sticks.chosen(at.session, at.actor, at.now, area_id))


def packed(node_ids: list[str], days: int = 30) -> Response:
    """The ZIP as a download. Raises as `stick_files.packed`."""
    at = services()
    find = BlobSource(Store(at.settings.day_pages_dir), at.store)
    with stick_files.packed(
        at.engine,
        current_actor(),
        node_ids[:MOST_NODES],
        find,
        at.settings.temporary_dir,
        site=at.settings.site,
        now=at.clock(),
        days=days,
    ) as path:
        # Open already: the name may go, the content is sent.
        file = path.open("rb")
    name = f"loalang-usb-{at.settings.site}.zip"
    return send_file(file, mimetype=ZIP_TYPE, as_attachment=True, download_name=name)
