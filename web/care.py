"""Looking after one cluster: orders to it, its story, its card with directions, repair notes.

The card's sheet is printed and hangs on the pole; its square leads back to the cluster's page.
"""

from datetime import datetime
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from controller.api.here import Here, changing, looking, services
from controller.calendar.wall import as_utc
from controller.emergency import node_orders
from controller.errors import BadInput, Conflict
from controller.fleet import node_care, nodes
from controller.models import NodeOrder, User
from web.account import square
from web.filters import here_zone
from web.forms import once
from web.i18n import _, sentence
from web.places import Places

bp = Blueprint("care", __name__, url_prefix="/nodes")

_LOG_LINES = 100


@bp.post("/<node_id>/orders")
@once
def order(node_id: str) -> Response:
    """Test play, mute, restart, self-test, log: the answer shows on the page by itself."""
    verb = request.form.get("verb", "")
    try:
        with changing() as at:
            node_orders.order(at.session, at.actor, node_id, verb, _args(verb), at.now)
    except (BadInput, Conflict) as error:
        flash(sentence(error), "bad")
    else:
        flash(_("Đã gửi lệnh. Câu trả lời của cụm loa hiện ở dưới trong vài giây."), "good")
    return redirect(url_for("nodes.detail", node_id=node_id, _anchor="orders"))


@bp.post("/<node_id>/card")
@once
def card(node_id: str) -> Response:
    """The way there, the key, the power, the village head's phone."""
    values = {name: request.form.get(name, "") for name in node_care.CARD}
    try:
        with changing() as at:
            node_care.set_card(at.session, at.actor, node_id, values, at.now)
            place = _place(request.form)
            if place:
                nodes.update(at.session, at.actor, node_id, place, at.now)
    except BadInput as error:
        flash(sentence(error), "bad")
    else:
        flash(_("Đã lưu thông tin tại chỗ."), "good")
    return redirect(url_for("nodes.detail", node_id=node_id))


@bp.post("/<node_id>/zones")
@once
def zones(node_id: str) -> Response:
    """Which places' broadcasts each amplifier carries."""
    names = [name.strip().lower() for name in request.form.getlist("zone") if name.strip()]
    pairs = [(name, request.form.getlist(f"areas-{name}")) for name in names]
    new = request.form.get("new", "").strip().lower()
    if new:
        pairs.append((new, request.form.getlist("areas")))
    try:
        with changing() as at:
            node_care.choose_zones(at.session, at.actor, node_id, pairs, at.now)
    except BadInput as error:
        flash(sentence(error), "bad")
    else:
        flash(_("Đã lưu. Cụm loa nhận thay đổi ngay khi có mạng."), "good")
    return redirect(url_for("nodes.detail", node_id=node_id, _anchor="zones"))


@bp.post("/<node_id>/notes")
@once
def note(node_id: str) -> Response:
    """What was found and mended."""
    try:
        with changing() as at:
            node_care.add_note(at.session, at.actor, node_id, request.form.get("text", ""), at.now)
    except BadInput as error:
        flash(sentence(error), "bad")
    else:
        flash(_("Đã ghi sổ sửa chữa."), "good")
    return redirect(url_for("nodes.detail", node_id=node_id, _anchor="notes"))


@bp.get("/<node_id>/sheet")
def sheet(node_id: str) -> str:
    """One page to print for the pole."""
    with looking() as at:
        node = nodes.get(at.session, at.actor, node_id)
        address = services().settings.public_url + url_for("nodes.detail", node_id=node_id)
        place = Places(at.session, at.actor).name(nodes.area_of(at.session, node_id, at.now))
        return render_template(
            "nodes/sheet.html", node=node, place=place, square=square(address), address=address
        )


def answers(at: Here, node_id: str) -> list[tuple[NodeOrder, str, str]]:
    """The newest orders with how they stand and who gave them."""
    rows = node_orders.listed(at.session, at.actor, node_id)[:8]
    return [(row, node_orders.state(row, at.now), name_of(at, row.created_by)) for row in rows]


def name_of(at: Here, user_id: str | None) -> str:
    """Who that is; the program itself for nobody."""
    user = at.session.get(User, user_id) if user_id else None
    return user.name if user else "Loa Làng"


def _args(verb: str) -> dict[str, Any]:
    if verb == "mute":
        until = request.form.get("until", "")
        at = as_utc(until, here_zone(), "until") if until else None
        return {"until": _rfc3339(at) if at else ""}
    if verb == "log_tail":
        return {"lines": str(_LOG_LINES)}
    return {}


def _rfc3339(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _place(form: Any) -> dict[str, float]:
    """Coordinates as a map shows them: 21.0285, 105.8542; nothing for an empty field."""
    text = form.get("place", "").strip()
    if not text:
        return {}
    try:
        lat, lon = (float(part) for part in text.replace(";", ",").split(","))
    except ValueError:
        raise BadInput(
            {
                "place": (
                    "Tọa độ chưa đúng: chép hai số từ bản đồ, ví dụ 21.0285, 105.8542.",
                    "The place is not understood: copy two numbers from a map, such as "
                    "21.0285, 105.8542.",
                )
            }
        ) from None
    return {"lat": lat, "lon": lon}
