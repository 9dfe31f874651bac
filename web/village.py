"""My village: what plays tonight, what was played, who the Group is, and what it saw.

The page a village head opens: a few large answers, and a note after an airing in three numbers.
"""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from controller.accounts.access import Action, may
from controller.api.here import Here, changing, looking
from controller.calendar.wall import as_utc
from controller.errors import BadInput
from controller.fleet import faults, nodes
from controller.models import Area, AreaOrder, Feedback
from controller.outcomes import feedback
from controller.outcomes.feedback import FeedbackInput
from controller.planning import airings
from controller.planning.airings import AiringView
from controller.planning.tonight import tonight
from controller.territory import hush
from web import collation, tally
from web.filters import here_zone, local
from web.forms import once
from web.i18n import _, sentence
from web.places import Places
from web.tally import Tally

bp = Blueprint("village", __name__, url_prefix="/village")

_BACK = timedelta(days=7)
_MOST = 500
_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Played:
    """An airing that has begun, and how it went in this village."""

    view: AiringView
    heard: Tally
    notes: list[Feedback]


@bp.get("/")
def page() -> str:
    """`area` in the address chooses the village; without it, the visitor's own."""
    with looking() as at:
        if not Places(at.session, at.actor).listed():
            return render_template("village/empty.html")
        return render_template("village/page.html", live=True, **_shown(at, {}))


@bp.get("/live")
def parts() -> str:
    """What changes by itself."""
    with looking() as at:
        return render_template("village/state.html", **_shown(at, {}))


@bp.post("/feedback")
@once
def note() -> Response | tuple[str, int]:
    """What the Group saw after an airing."""
    form = request.form
    try:
        with changing() as at:
            data = FeedbackInput(
                airing_id=form.get("airing_id", ""),
                area_id=form.get("area_id", ""),
                asked=_number(form.get("asked", "")),
                installed=_number(form.get("installed", "")),
                note=form.get("note", "").strip()[:2000] or None,
            )
            feedback.give(at.session, at.actor, data, at.now)
    except BadInput as error:
        return _again(error)
    flash(_("Đã ghi. Cảm ơn bạn!"), "good")
    return redirect(url_for("village.page", area=form.get("area_id")))


@bp.post("/mute")
@once
def mute() -> Response | tuple[str, int]:
    """Keep the village silent until a time; without one, let it sound again."""
    area_id, until = request.form.get("area_id", ""), request.form.get("until", "")
    try:
        with changing() as at:
            end = as_utc(until, here_zone(), "until") if until else None
            hush.until(at.session, at.actor, area_id, at.now, end)
    except BadInput as error:
        return _again(error)
    flash(_("Đã tắt tiếng.") if until else _("Đã bật tiếng lại."), "good")
    return redirect(url_for("village.page", area=area_id))


@bp.post("/fault")
@once
def fault() -> Response | tuple[str, int]:
    """A cluster is broken: the technician reads it on Today, at the cluster and in messages."""
    form = request.form
    try:
        with changing() as at:
            faults.report(
                at.session, at.actor, form.get("node_id", ""), form.get("text", ""), at.now
            )
    except BadInput as error:
        return _again(error)
    flash(_("Đã báo kỹ thuật viên. Cảm ơn bạn!"), "good")
    return redirect(url_for("village.page", area=form.get("area_id")))


def _again(error: BadInput) -> tuple[str, int]:
    with looking() as at:
        wrong = {name: sentence(pair) for name, pair in error.errors.items()}
        return render_template("village/page.html", **_shown(at, wrong)), 422


def _shown(at: Here, errors: dict[str, str]) -> dict[str, Any]:
    places = Places(at.session, at.actor)
    listed = places.listed()
    wanted = request.values.get("area") or request.form.get("area_id") or at.actor.area_id
    area_id = wanted or (listed[0][0].id if listed else "")
    ahead = tonight(at.session, at.actor, area_id, at.now)
    order = at.session.get(AreaOrder, area_id)
    clusters = nodes.page(at.session, at.actor, now=at.now, area_id=area_id, limit=_MOST).items
    return {
        "area": ahead.area,
        "areas": listed,
        "ahead": ahead,
        "muted_until": order.muted_until if order else None,
        "now": at.now,
        "played": _played(at, area_id),
        "clusters": sorted(clusters, key=lambda view: collation.key(view.node.name)),
        "group": ahead.area.group or {},
        "visits": _visits(ahead.area, at.now),
        "may_note": may(at.actor, Action.FEEDBACK),
        "quiet_ends": _quiet_ends(at.now),
        "may_mute": may(at.actor, Action.HUSH) and hush.may_change(at.actor, order, at.now),
        "faults": {node.id: note for note, node in faults.unanswered(at.session, at.actor, at.now)},
        "errors": errors,
    }


def _played(at: Here, area_id: str) -> list[Played]:
    found = airings.page(
        at.session,
        at.actor,
        now=at.now,
        from_=at.now - _BACK,
        until=at.now,
        area_id=area_id,
        limit=_MOST,
    ).items[-_SHOWN:]
    inside = [node.id for node in nodes.nodes_in(at.session, [area_id], at.now)]
    counts = tally.of_airings(at.session, [view.airing.id for view in found], inside)
    noted = feedback.page(
        at.session, at.actor, area_id=area_id, from_=at.now - _BACK, limit=_MOST
    ).items
    return [
        Played(
            view,
            counts.get(view.airing.id, Tally()),
            [note for note in noted if note.airing_id == view.airing.id],
        )
        for view in reversed(found)
    ]


def _visits(area: Area, now: datetime) -> list[tuple[datetime | None, str, str]]:
    """The Group's next visits: when (None: not a time), where, about what."""
    found = []
    for each in (area.group or {}).get("next_visits") or []:
        try:
            at = as_utc(str(each.get("at", "")), here_zone(), "at")
        except BadInput:
            at = None
        if at is None or at > now - timedelta(days=1):
            found.append((at, str(each.get("place", "")), str(each.get("topic", ""))))
    return found


def _quiet_ends(now: datetime) -> list[tuple[str, str]]:
    """Ends of silence that take one tap: as the form sends them, and in words."""
    here = local(now).replace(second=0, microsecond=0, tzinfo=None)
    hour = here + timedelta(hours=1, minutes=1)
    morning = datetime.combine(here.date() + timedelta(days=1), time(5))
    return [
        (f"{hour:%Y-%m-%dT%H:%M}", _("1 giờ, đến %(clock)s", clock=f"{hour:%H:%M}")),
        (f"{morning:%Y-%m-%dT00:00}", _("Đến hết hôm nay")),
        (f"{morning:%Y-%m-%dT%H:%M}", _("Đến %(clock)s sáng mai", clock=f"{morning:%H:%M}")),
    ]


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 7 else None
