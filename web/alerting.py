"""Where news of silent clusters and failed airings goes: targets of e-mail and webhooks."""

from flask import Blueprint, Flask, flash, redirect, request, url_for
from werkzeug.wrappers import Response

from controller.api.here import changing, looking
from controller.errors import BadInput
from controller.upkeep import alerts
from web.forms import once
from web.i18n import _, sentence
from web.limits import limited

bp = Blueprint("alerting", __name__, url_prefix="/settings/alerts")


def install(app: Flask) -> None:
    """A test message leaves the house: not too many."""
    limited(app, "alerting.change")


@bp.post("/")
@once
def add() -> Response:
    """A new target."""
    form = request.form
    try:
        with changing() as at:
            area_id = form.get("area_id") or at.actor.area_id
            alerts.add(
                at.session, at.actor, area_id, form.get("name", ""), form.get("address", ""), at.now
            )
    except BadInput as error:
        flash(sentence(error), "bad")
    else:
        flash(_("Đã thêm nơi nhận cảnh báo. Hãy gửi thử một tin."), "good")
    return redirect(url_for("settings.page", _anchor="alerts"))


@bp.post("/<target_id>/<any(test, remove):verb>")
@once
def change(target_id: str, verb: str) -> Response:
    """Send a test message there, or none any more."""
    if verb == "remove":
        with changing() as at:
            alerts.remove(at.session, at.actor, target_id, at.now)
        flash(_("Đã bỏ nơi nhận cảnh báo."), "good")
        return redirect(url_for("settings.page", _anchor="alerts"))
    with looking() as at:
        address = alerts.get(at.session, at.actor, target_id).address
    # No session is open meanwhile: a mail server may take its time.
    text = _("Đây là tin thử. Khi cụm loa im lặng hoặc phát hỏng, tin sẽ đến đây.")
    if alerts.send(address, "Loa Làng", text):
        flash(_("Đã gửi tin thử."), "good")
    else:
        flash(_("Không gửi được: hãy xem lại địa chỉ, mật khẩu và mạng của máy chủ."), "bad")
    return redirect(url_for("settings.page", _anchor="alerts"))
