"""One unit's settings: its names, languages, the Group, and the rules that hold there and below."""

from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from controller.accounts.access import Action
from controller.api.here import Here, changing, looking
from controller.area_changes import area_edits
from controller.calendar.wall import zone
from controller.errors import BadInput
from controller.models import Area
from controller.territory import areas
from controller.words import TUNES
from web import days_form, group_form, policy_form
from web.forms import once
from web.i18n import _, sentence
from web.places import Places
from web.words import LANGUAGES

bp = Blueprint("units", __name__, url_prefix="/settings/areas")
Page = str | Response | tuple[str, int]

_LONGEST = 200


@bp.get("/<area_id>")
def page(area_id: str) -> str:
    """The unit as it is."""
    with looking() as at:
        return _page(at, areas.get(at.session, at.actor, area_id, Action.ADMINISTER), {})


@bp.post("/<area_id>")
@once
def save(area_id: str) -> Page:
    """Names, word for the kind, languages, the Group."""
    form = request.form
    try:
        with changing() as at:
            area = areas.get(at.session, at.actor, area_id, Action.ADMINISTER)
            group = group_form.group_of(form, area.group, _zone(at, area_id))
            changes: dict[str, Any] = {
                "name": form.get("name", "").strip()[:_LONGEST],
                "kind": form.get("kind", "").strip()[:50],
                "code": form.get("code", "").strip()[:50] or None,
                "languages": form.getlist("languages") or None,
                "group": group or None,
            }
            area_edits.update(at.session, at.actor, area_id, _changed(area, changes), at.now)
    except BadInput as error:
        return _refused(area_id, error)
    flash(_("Đã lưu địa bàn."), "good")
    return redirect(url_for("units.page", area_id=area_id))


@bp.post("/<area_id>/policy")
@once
def rules(area_id: str) -> Page:
    """Hours, limits, approval and tunes; what breaks the new rules is told by the schedules."""
    try:
        with changing() as at:
            area = areas.get(at.session, at.actor, area_id, Action.ADMINISTER)
            policy = policy_form.policy_of(request.form, area.policy)
            area_edits.update(at.session, at.actor, area_id, {"policy": policy or None}, at.now)
    except BadInput as error:
        return _refused(area_id, error)
    flash(_("Đã lưu quy định. Lịch trái quy định mới được báo ở trang Lịch phát."), "good")
    return redirect(url_for("units.page", area_id=area_id))


def _zone(at: Here, area_id: str) -> ZoneInfo:
    return zone(areas.effective(at.session, area_id).timezone)


def _changed(area: Area, changes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in changes.items() if getattr(area, name) != value}


def _refused(area_id: str, error: BadInput) -> Page:
    with looking() as at:
        area = areas.get(at.session, at.actor, area_id, Action.ADMINISTER)
        errors = {name: sentence(pair) for name, pair in error.errors.items()}
        return _page(at, area, errors), 422


def _page(at: Here, area: Area, errors: dict[str, str]) -> str:
    policy = area.policy or {}
    own = Places(at.session, at.actor)
    return render_template(
        "settings/unit.html",
        area=area,
        above=own.name(area.parent_id),
        policy=policy,
        permit=policy_form.rows_of(policy.get("permit")),
        quiet=policy_form.rows_of(policy.get("quiet")),
        holidays=days_form.holiday_rows(policy.get("holidays")),
        day_sets=days_form.set_rows(policy.get("day_sets")),
        approval=policy.get("approval") or {},
        tunes={name: tune for name, tune in TUNES.items() if tune.use == "signature"},
        chosen=policy.get("tunes") or {},
        languages=LANGUAGES,
        visits=group_form.rows_of(area.group, _zone(at, area.id)),
        effective=areas.effective(at.session, area.id),
        errors=errors,
    )
