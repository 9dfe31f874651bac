"""Where news of silent clusters and failed airings goes: each technician's e-mail or webhook.

An administrator sees all of the area's.
"""

from collections.abc import Mapping

from flask import Blueprint, Flask, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from controller.api.here import Here, changing, looking
from controller.errors import BadInput
from controller.upkeep import alerts
from web import collation
from web.forms import once
from web.i18n import _, sentence
from web.limits import limited
from web.places import Places

bp = Blueprint("alerting", __name__, url_prefix="/settings/alerts")


def install(app: Flask) -> None:
    """A test message leaves the house: not too many."""
    limited(app, "alerting.change")


@bp.get("/")
def page() -> str:
    """The targets, and a form for another."""
    with looking() as at:
        return _page(at, {}, {})


@bp.post("/")
@once
def add() -> Response | tuple[str, int]:
    """A new target."""
    form = request.form
    try:
        with changing() as at:
            area_id = form.get("area_id") or at.actor.area_id
            alerts.add(
                at.session, at.actor, area_id, form.get("name", ""), form.get("address", ""), at.now
            )
    except BadInput as error:
        with looking() as at:
            errors = {name: sentence(pair) for name, pair in error.errors.items()}
            return _page(at, form, errors), 422
    flash(_("Đã thêm nơi nhận cảnh báo. Hãy gửi thử một tin."), "good")
    return redirect(url_for("alerting.page"))


@bp.post("/<target_id>/<any(test, remove):verb>")
@once
def change(target_id: str, verb: str) -> Response:
    """Send a test message there, or none any more."""
    if verb == "remove":
        with changing() as at:
            alerts.remove(at.session, at.actor, target_id, at.now)
        flash(_("Đã bỏ nơi nhận cảnh báo."), "good")
        return redirect(url_for("alerting.page"))
    with looking() as at:
        address = alerts.get(at.session, at.actor, target_id).address
        language = at.actor.language
    if alerts.try_out(address, language):
        flash(_("Đã gửi tin thử."), "good")
    else:
        flash(_("Không gửi được: hãy xem lại địa chỉ, mật khẩu và mạng của máy chủ."), "bad")
    return redirect(url_for("alerting.page"))


def _page(at: Here, values: Mapping[str, str], errors: dict[str, str]) -> str:
    places = Places(at.session, at.actor)
    targets = [
        (each, alerts.shown(each.address), places.name(each.area_id) if each.area_id else "")
        for each in sorted(
            alerts.listed(at.session, at.actor), key=lambda each: collation.key(each.name)
        )
    ]
    return render_template(
        "settings/alerts.html",
        targets=targets,
        areas=places.listed(),
        everywhere=at.actor.area_id is None,
        values=values,
        errors=errors,
    )
