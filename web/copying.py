"""Copy a week: choose the week, see what would be created, then create it."""

from datetime import date, timedelta
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from controller.accounts.access import Action, require_role
from controller.api.here import Here, changing, looking
from controller.errors import BadInput
from controller.scheduling import week_copy
from controller.scheduling.week_copy import Copied
from web.filters import calendar_day, here_zone, local
from web.forms import once
from web.i18n import ngettext, sentence
from web.places import Places

bp = Blueprint("copying", __name__, url_prefix="/week/copy")

_WEEK = timedelta(days=7)


@bp.get("/")
def page() -> str | tuple[str, int]:
    """The week of `from` into that of `to` (any of its days); without it, the week after."""
    with looking() as at:
        require_role(at.actor, Action.SCHEDULE)
        return _page(at)


@bp.post("/")
@once
def create() -> Response | tuple[str, int]:
    """Create what the page showed; what stands already is left as it is."""
    try:
        with changing() as at:
            require_role(at.actor, Action.SCHEDULE)
            source, target = _weeks(at)
            made = week_copy.create(at.session, at.actor, source, target, str(here_zone()), at.now)
    except BadInput:
        with looking() as at:
            found = _page(at)
            return found if isinstance(found, tuple) else (found, 422)
    flash(ngettext("Đã tạo %(num)d lịch phát.", "Đã tạo %(num)d lịch phát.", len(made)), "good")
    asked: dict[str, Any] = {"from": target.isoformat()}
    return redirect(url_for("week.page", **asked))


def _page(at: Here) -> str | tuple[str, int]:
    source, target = _weeks(at)
    found: list[Copied] = []
    wrong = ""
    try:
        found = week_copy.plan(at.session, at.actor, source, target, str(here_zone()), at.now)
    except BadInput as error:
        wrong = sentence(error.errors["to"])
    text = render_template(
        "week/copy.html",
        source=source,
        target=target,
        last=timedelta(days=6),
        found=found,
        fresh=[each for each in found if each.state == "new"],
        places=Places(at.session, at.actor),
        wrong=wrong,
    )
    return (text, 422) if wrong else text


def _weeks(at: Here) -> tuple[date, date]:
    """The two Mondays."""
    source = _monday(request.values.get("from", ""), local(at.now).date())
    return source, _monday(request.values.get("to", ""), source + _WEEK)


def _monday(text: str, usual: date) -> date:
    chosen = calendar_day(text) or usual
    return chosen - timedelta(days=chosen.weekday())
