"""Approvals: what waits for a decision, oldest first; listen, read, approve or return."""

from typing import Any

from flask import Blueprint, render_template

from controller.accounts.access import Action, require_role
from controller.api.here import Here, looking
from controller.scheduling import approvals
from web.places import Places
from web.schedules import entry_of

bp = Blueprint("approvals", __name__, url_prefix="/approvals")


@bp.get("/")
def page() -> str:
    """The queue."""
    with looking() as at:
        return render_template("approvals/page.html", live=True, **_queue(at))


@bp.get("/live")
def parts() -> str:
    """The queue alone, for the page to take in anew."""
    with looking() as at:
        return render_template("approvals/queue.html", **_queue(at))


def _queue(at: Here) -> dict[str, Any]:
    require_role(at.actor, Action.APPROVE)
    pending = approvals.pending(at.session, at.actor, at.now)
    places = Places(at.session, at.actor)
    return {
        "clips": [(view, places.name(view.clip.area_id)) for view in pending.clips],
        "entries": [entry_of(at, schedule, places) for schedule in pending.schedules],
    }
