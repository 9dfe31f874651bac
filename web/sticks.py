"""Clusters without a link: schedules and clips onto a USB stick, and what they left on one back."""

from collections.abc import Iterable

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from sqlalchemy import select
from werkzeug.wrappers import Response as Answer

from controller.accounts.access import Action, require_role
from controller.api import sticks
from controller.api.here import Here, looking, services
from controller.api.multipart import label
from controller.errors import BadInput
from controller.fleet import nodes
from controller.models import DeviceBinding, Node
from controller.usb.stick_files import StickFiles
from controller.usb.sticks import TakenIn
from web import collation
from web.forms import once
from web.i18n import _, ngettext, sentence
from web.places import Places

bp = Blueprint("sticks", __name__, url_prefix="/sticks")
_MOST_TOLD = 20  # files by name; a stick of rubbish has more


@bp.get("/")
def page() -> str:
    """Both ways: a stick to take along, and one that came back."""
    with looking() as at:
        return _page(at, "")


@bp.post("/out")
def out() -> Response | tuple[str, int]:
    """The stick's folder for the chosen clusters, as one ZIP."""
    try:
        return sticks.packed(request.form.getlist("node"))
    except BadInput as refusal:
        with looking() as at:
            return _page(at, " ".join(sentence(pair) for pair in refusal.errors.values())), 422


@bp.post("/back")
@once
def back() -> Answer | tuple[str, int]:
    """What nodes left: a ZIP or the files themselves; each that does not count is named."""
    at = services()
    uploads = [each for each in request.files.getlist("file") if each.filename]
    named = [(label(each.filename or ""), each.stream) for each in uploads]
    files = StickFiles(named, at.settings.max_upload_bytes)
    try:
        taken = sticks.take_in(files)
    except BadInput as refusal:
        with looking() as here:
            return _page(here, " ".join(sentence(pair) for pair in refusal.errors.values())), 422
    _tell(taken, files)
    return redirect(url_for("sticks.page"))


def _tell(taken: TakenIn, files: StickFiles) -> None:
    with looking() as at:
        whose = _names(at, taken.devices)
    if taken.devices:
        text = ngettext("Đã nhận %(num)d báo cáo.", "Đã nhận %(num)d báo cáo.", taken.reports)
        flash(f"{text} {whose}", "good")
    elif not files.problems:
        flash(_("Trong các tệp này không có gì của cụm loa nào."), "warn")
    for name, pair in list(files.problems.items())[:_MOST_TOLD]:
        flash(_("Bỏ qua «%(title)s»: %(why)s", title=name, why=sentence(pair)), "warn")
    rest = len(files.problems) - _MOST_TOLD
    if rest > 0:
        flash(ngettext("Và %(num)d tệp khác.", "Và %(num)d tệp khác.", rest), "warn")


def _names(at: Here, devices: Iterable[str]) -> str:
    """The clusters of those devices that the visitor may see."""
    query = (
        select(Node)
        .join(DeviceBinding, DeviceBinding.node_id == Node.id)
        .where(DeviceBinding.device_id.in_(list(devices)), DeviceBinding.until_at.is_(None))
    )
    places = Places(at.session, at.actor)
    found = list(at.session.scalars(query))
    areas = nodes.areas_of(at.session, [node.id for node in found], at.now)
    own = [n.name for n in found if places.own is None or areas.get(n.id) in places.own]
    return ", ".join(sorted(own, key=collation.key))


def _page(at: Here, wrong: str) -> str:
    require_role(at.actor, Action.OPERATE)
    places = Places(at.session, at.actor)
    found = nodes.page(at.session, at.actor, now=at.now, limit=sticks.MOST_NODES).items
    served = [view for view in found if view.device_id]
    served.sort(key=lambda view: (view.online, collation.key(view.node.name)))
    return render_template("nodes/sticks.html", clusters=served, places=places, wrong=wrong)
