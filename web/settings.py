"""Settings: the units of the station, sign-in, alerts, backups; a unit has a page of its own.

The word for village is data: thôn, ấp, bản, tổ dân phố …
"""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from controller.accounts import second_factor
from controller.accounts.access import Action, require_role
from controller.api.here import Here, changing, looking
from controller.area_changes import area_edits
from controller.area_changes.area_edits import AreaInput
from controller.errors import BadInput
from controller.fleet import stagger
from controller.outcomes import refusals
from web import backup
from web.forms import once
from web.i18n import _, sentence
from web.places import Places

bp = Blueprint("settings", __name__, url_prefix="/settings")

# Offered while typing; any other word is as good.
_KINDS = (
    "xã", "phường", "thị trấn", "thôn", "bản", "ấp", "buôn", "làng", "xóm", "khóm",
    "tổ dân phố", "khu phố", "khối phố", "tiểu khu", "huyện", "tỉnh", "thành phố",
)  # fmt: skip


@bp.get("/")
def page() -> str:
    """The tree of units, and a form for another."""
    with looking() as at:
        require_role(at.actor, Action.ADMINISTER)
        return _page(at, {"parent_id": at.actor.area_id or ""}, {})


@bp.post("/areas")
@once
def add() -> Response | tuple[str, int]:
    """Another unit; without a parent, a commune of its own (who is everywhere may do that)."""
    names = ("name", "kind", "code", "parent_id")
    values = {name: request.form.get(name, "").strip()[:200] for name in names}
    try:
        with changing() as at:
            data = AreaInput(
                values["name"],
                values["kind"],
                code=values["code"] or None,
                parent_id=values["parent_id"] or None,
            )
            area_edits.create(at.session, at.actor, data, at.now)
    except BadInput as error:
        with looking() as at:
            errors = {name: sentence(pair) for name, pair in error.errors.items()}
            return _page(at, values, errors), 422
    flash(_("Đã thêm địa bàn."), "good")
    return redirect(url_for("settings.page"))


@bp.post("/factor")
@once
def factor() -> Response:
    """Whether approvers and administrators must have a second factor."""
    wanted = "required" in request.form
    with changing() as at:
        second_factor.require_it(at.session, at.actor, wanted, at.now)
    flash(_("Đã lưu quy định."), "good")
    return redirect(url_for("settings.page"))


@bp.post("/earshot")
@once
def earshot() -> Response:
    """How far a horn is heard: nearer neighbours speak one after another."""
    text = request.form.get("metres", "").strip().replace(",", ".")
    try:
        with changing() as at:
            metres = float(text) if text.replace(".", "", 1).isdecimal() else 0.0
            changed = stagger.set_earshot(at.session, at.actor, metres, at.now)
    except BadInput as error:
        flash(sentence(error), "bad")
    else:
        flash(_("Đã lưu tầm nghe. Số cụm loa đổi giờ chờ: %(count)s.", count=len(changed)), "good")
    return redirect(url_for("settings.page"))


def _page(at: Here, values: dict[str, str], errors: dict[str, str]) -> str:
    return render_template(
        "settings/page.html",
        areas=Places(at.session, at.actor).listed(),
        kinds=_KINDS,
        everywhere=at.actor.area_id is None,
        values=values,
        errors=errors,
        backups=backup.kept() if backup.may_back_up(at) else None,
        keys_sealed=backup.holds_keys(),
        factor_rule=second_factor.required(at.session),
        may_rule=second_factor.may_rule(at.session, at.actor),
        earshot_m=round(stagger.earshot_m(at.session)),
        refused=refusals.known(at.session),
    )
