"""Clusters: all at a glance, one in detail with what its device says, and adding one."""

from datetime import timedelta
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from sqlalchemy import select
from werkzeug.wrappers import Response

from controller.accounts.access import Action, may, require_role, visible_areas
from controller.api.here import Here, changing, looking
from controller.errors import BadInput, Conflict
from controller.fleet import enrolment, node_care, node_story, nodes, stagger, summaries
from controller.fleet.nodes import NodeInput, NodeView
from controller.models import Clip, WaitingDevice
from controller.outcomes import playbacks
from controller.outcomes.playbacks import PlaybackFilters
from controller.territory.places import Tree
from web import advice, care, collation, fleet
from web.fleet import Cluster
from web.forms import once
from web.i18n import _, sentence
from web.places import Places

bp = Blueprint("nodes", __name__, url_prefix="/nodes")

_RECENT = 10
_EVENTS = 30
_WEEK = timedelta(days=7)


@bp.get("/")
def page() -> str:
    """All clusters of the visitor's areas: as cards, as a list by silence, or on a map."""
    with looking() as at:
        found = fleet.shown(at)
        waits = _waits(at) if found["few"] else []
        return render_template(
            "nodes/page.html", live=True, waiting=_waiting(at), waits=waits, **found
        )


@bp.get("/live")
def parts() -> str:
    """The list alone, for the page to take in anew."""
    with looking() as at:
        return render_template("nodes/list.html", **fleet.shown(at))


@bp.get("/new")
def add() -> str:
    """A form for a new cluster."""
    with looking() as at:
        require_role(at.actor, Action.OPERATE)
        return _form(at, {"area_id": at.actor.area_id or ""}, {})


@bp.post("/new")
@once
def create() -> Response | tuple[str, int]:
    """Make the place; the claim code is shown once, on the page that follows."""
    values = {name: request.form.get(name, "").strip() for name in ("name", "code", "area_id")}
    try:
        with changing() as at:
            node, code = nodes.create(
                at.session,
                at.actor,
                NodeInput(values["name"], values["code"], values["area_id"]),
                at.now,
            )
    except BadInput as error:
        with looking() as at:
            errors = {name: sentence(pair) for name, pair in error.errors.items()}
            return _form(at, values, errors), 422
    _keep_code(node.id, code)
    flash(_("Đã thêm cụm loa. Bước tiếp theo: nhập mã kích hoạt vào thiết bị."), "good")
    return redirect(url_for("nodes.detail", node_id=node.id))


@bp.post("/<node_id>/edit")
@once
def edit(node_id: str) -> Response:
    """A new name, volume or place; the device is told at once."""
    volume = request.form.get("volume", "")
    changed: dict[str, Any] = {"name": request.form.get("name", "").strip()[:100]}
    if volume.isdecimal() and len(volume) < 4:
        changed["volume"] = int(volume)
    if request.form.get("area_id"):
        changed["area_id"] = request.form["area_id"]
    try:
        with changing() as at:
            nodes.update(at.session, at.actor, node_id, changed, at.now)
    except BadInput as error:
        flash(sentence(error), "bad")
    else:
        flash(_("Đã lưu. Cụm loa nhận thay đổi ngay khi có mạng."), "good")
    return redirect(url_for("nodes.detail", node_id=node_id))


@bp.post("/<node_id>/claim-code")
@once
def new_code(node_id: str) -> Response:
    """Another claim code, for new hardware at the same place."""
    with changing() as at:
        code = nodes.new_claim_code(at.session, at.actor, node_id, at.now)
    _keep_code(node_id, code)
    return redirect(url_for("nodes.detail", node_id=node_id))


@bp.post("/<node_id>/bind")
@once
def bind(node_id: str) -> Response:
    """A new device that waits, and whose code somebody has compared, serves this cluster."""
    with changing() as at:
        device_id = request.form.get("device_id", "")
        enrolment.bind(at.session, at.actor, node_id, device_id, at.now)
    flash(_("Đã gắn thiết bị. Cụm loa nhận lịch trong ít phút."), "good")
    return redirect(url_for("nodes.detail", node_id=node_id))


@bp.post("/<node_id>/shut-out")
@once
def shut_out(node_id: str) -> Response:
    """The device was stolen: nothing it says counts any more, and the broker lets it in no more."""
    try:
        with changing() as at:
            nodes.shut_out(at.session, at.actor, node_id, at.now)
    except Conflict as error:
        flash(sentence(error), "bad")
    else:
        flash(_("Đã khoá thiết bị. Cụm loa chờ thiết bị thay thế."), "good")
    return redirect(url_for("nodes.detail", node_id=node_id))


@bp.get("/<node_id>")
def detail(node_id: str) -> str:
    """One cluster: state, problems, clips held, what it played lately."""
    kept: dict[str, str] = session.get("claim", {})
    code = kept.get(node_id)
    if code:
        session.pop("claim")
    with looking() as at:
        story = _story(at, node_id)
        places = Places(at.session, at.actor)
        areas, area_id = places.listed(), story["cluster"].view.area_id
        path = [(each, places.name(each)) for each in places.path(area_id)]
        return render_template(
            "nodes/detail.html",
            path=path,
            live=True,
            code=code,
            areas=areas,
            waiting=_waiting(at),
            **story,
        )


@bp.get("/<node_id>/live")
def story(node_id: str) -> str:
    """What changes by itself on the cluster's page."""
    with looking() as at:
        return render_template("nodes/story.html", **_story(at, node_id))


def _waits(at: Here) -> list[stagger.Wait]:
    """Whose speech waits for whose echo."""
    tree = Tree.load(at.session)
    return stagger.waits(at.session, list(at.actor.area_ids or tree.roots()), tree)


def _waiting(at: Here) -> list[WaitingDevice]:
    """New devices that somebody who may operate can bind."""
    if not may(at.actor, Action.OPERATE):
        return []
    return enrolment.waiting(at.session, at.actor, at.now)


def _keep_code(node_id: str, code: str) -> None:
    # In the visitor's own cookie until shown: nobody else can read it, and a reload forgets it.
    session["claim"] = {node_id: code}


def _story(at: Here, node_id: str) -> dict[str, Any]:
    node = nodes.get(at.session, at.actor, node_id)
    view = nodes.view(at.session, node, at.now)
    own = visible_areas(at.session, at.actor)
    filters = PlaybackFilters(node_id=node_id)
    restarts = node_story.restarts(at.session, node_id, at.now - _WEEK)
    return {
        "advice": advice.steps(view, restarts, at.now),
        "events": node_story.of_node(at.session, at.actor, node_id, limit=_EVENTS),
        "summaries": summaries.of_node(at.session, at.actor, node_id),
        "orders": care.answers(at, node_id),
        "notes": [
            (each, care.name_of(at, each.user_id))
            for each in node_care.notes(at.session, at.actor, node_id)
        ],
        "board": view.status.get("board") or {},
        "cluster": Cluster(view, Places(at.session, at.actor).name(view.area_id)),
        "clips": _held(at, view),
        "fetching": _fetching(at, view),
        "recent": playbacks.page(at.session, at.actor, filters, limit=_RECENT).items,
        "may_operate": may(at.actor, Action.OPERATE) and (own is None or view.area_id in own),
    }


def _held(at: Here, view: NodeView) -> list[Clip]:
    query = select(Clip).where(Clip.id.in_(view.holds))
    return sorted(at.session.scalars(query), key=lambda clip: collation.key(clip.title))


def _fetching(at: Here, view: NodeView) -> list[tuple[Clip, nodes.Fetching]]:
    """Clips on their way to the node, with how much of each is there."""
    clips = {each.clip_id: at.session.get_one(Clip, each.clip_id) for each in view.fetching}
    return [(clips[each.clip_id], each) for each in view.fetching]


def _form(at: Here, values: dict[str, str], errors: dict[str, str]) -> str:
    areas = Places(at.session, at.actor).listed()
    return render_template("nodes/add.html", values=values, errors=errors, areas=areas)
