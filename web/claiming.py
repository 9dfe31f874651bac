"""A new device: its label, and the page its square leads to, where it is bound to a cluster.

The digits come from the device's own key; it tells them in its journal and on its console, and they
stand on the label. They are no secret: who binds is who may operate here.
"""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from controller.accounts.access import Action, require_role
from controller.api.here import Here, changing, looking, services
from controller.errors import NotFound
from controller.fleet import enrolment, nodes
from controller.fleet.nodes import NodeView
from controller.models import WaitingDevice
from web import collation
from web.account import square
from web.forms import once
from web.i18n import _
from web.places import Places

bp = Blueprint("claiming", __name__, url_prefix="/devices")

_MOST = 500


@bp.get("/")
def page() -> str:
    """`code` in the address, as the label's square says it, finds the device that waits."""
    code = request.args.get("code", "").strip()[:40]
    with looking() as at:
        require_role(at.actor, Action.OPERATE)
        found, served = enrolment.by_code(at.session, at.actor, code, at.now)
        return render_template(
            "nodes/claim.html",
            live=True,
            code=code,
            waiting=found if code else enrolment.waiting(at.session, at.actor, at.now),
            served=served,
            clusters=_clusters(at),
            places=Places(at.session, at.actor),
        )


@bp.post("/bind")
@once
def bind() -> Response:
    """The device serves the chosen cluster from now on."""
    with changing() as at:
        node_id, device_id = request.form.get("node_id", ""), request.form.get("device_id", "")
        enrolment.bind(at.session, at.actor, node_id, device_id, at.now)
    flash(_("Đã gắn thiết bị. Cụm loa nhận lịch trong ít phút."), "good")
    return redirect(url_for("nodes.detail", node_id=node_id))


@bp.get("/<device_id>/label")
def label(device_id: str) -> str:
    """To print and put on the box, before it goes up the pole."""
    with looking() as at:
        require_role(at.actor, Action.OPERATE)
        device = _waiting(at, device_id)
        digits = device.code.replace(" ", "")
        address = services().settings.public_url + url_for("claiming.page", code=digits)
        return render_template(
            "nodes/label.html", device=device, square=square(address), address=address
        )


def _waiting(at: Here, device_id: str) -> WaitingDevice:
    for each in enrolment.waiting(at.session, at.actor, at.now):
        if each.id == device_id:
            return each
    raise NotFound("device")


def _clusters(at: Here) -> list[NodeView]:
    """Those without a device first, then the silent ones, whose device may have died."""

    def order(view: NodeView) -> tuple[int, Any]:
        rank = 0 if view.device_id is None else 2 if view.online else 1
        return rank, collation.key(view.node.name)

    found = nodes.page(at.session, at.actor, now=at.now, limit=_MOST).items
    return sorted(found, key=order)
