"""Users: who may do what where; a one-time link instead of a password; locking; the audit trail."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from sqlalchemy import select
from werkzeug.wrappers import Response

from controller.accounts import audit, browsers, people, second_factor, user_areas
from controller.accounts.access import Action, require_role
from controller.accounts.people import UserInput
from controller.api.here import Here, changing, looking, services
from controller.errors import BadInput, Conflict
from controller.models import AuditEntry, Role, SecondFactor, User
from controller.searching import matches
from web import collation
from web.forms import once
from web.i18n import _, sentence
from web.places import Places
from web.words import ROLES

bp = Blueprint("users", __name__, url_prefix="/users")

_MOST = 200
_AT_ONCE = 500
_TRAIL = 30


@bp.get("/")
def page() -> str:
    """Everybody of the visitor's areas, and what was done lately."""
    with looking() as at:
        q = request.args.get("q", "").strip()[:100]
        places = Places(at.session, at.actor)
        found = _found(at, places, q)
        trail = audit.page(at.session, at.actor, limit=_TRAIL).items
        names = {each.user_id: _name(at, each.user_id) for each in trail}
        return render_template(
            "users/page.html",
            found=found[:_MOST],
            more=max(len(found) - _MOST, 0),
            q=q,
            factors=_with_factor(at),
            where={user.id: places.names(user.area_ids) for user in found[:_MOST]},
            trail=[(each, names[each.user_id], places.name(each.area_id)) for each in trail],
            link=session.pop("new_link", None),
        )


@bp.get("/new")
def add() -> str:
    """A form for a new account."""
    with looking() as at:
        require_role(at.actor, Action.ADMINISTER)
        return _form(at, {"area_id": at.actor.area_id or "", "role": "editor"}, {})


@bp.post("/new")
@once
def create() -> Response | tuple[str, int]:
    """Make the account; its link is shown once, on the page that follows."""
    names = ("username", "name", "role", "area_id")
    values = {name: request.form.get(name, "").strip() for name in names}
    try:
        with changing() as at:
            if values["role"] not in list(Role):
                raise BadInput({"role": ("Hãy chọn vai trò.", "Choose a role.")})
            data = UserInput(
                values["username"],
                values["name"],
                Role(values["role"]),
                values["area_id"] or at.actor.area_id,
            )
            user, secret = people.create(at.session, at.actor, data, at.now)
    except (BadInput, Conflict) as error:
        with looking() as at:
            return _form(at, values, _problems(error)), error.status
    _keep_link(user, secret)
    flash(_("Đã tạo tài khoản. Gửi liên kết bên dưới cho người dùng."), "good")
    return redirect(url_for("users.page"))


@bp.get("/<user_id>")
def edit(user_id: str) -> str:
    """One account: role, places, where it is signed in, and what it did."""
    with looking() as at:
        require_role(at.actor, Action.ADMINISTER)
        return _account(at, people.get(at.session, at.actor, user_id), {})


@bp.post("/<user_id>")
@once
def save(user_id: str) -> Response | tuple[str, int]:
    """A new name, role or place; changed rights end the user's sessions."""
    form = request.form
    try:
        with changing() as at:
            user = people.get(at.session, at.actor, user_id)
            if form.get("role", "") not in list(Role):
                raise BadInput({"role": ("Hãy chọn vai trò.", "Choose a role.")})
            wanted: dict[str, Any] = {"name": form.get("name", ""), "role": Role(form["role"])}
            everywhere = "area_id" in form and at.actor.area_id is None
            wanted["area_id"] = form.get("area_id") or (None if everywhere else user.area_id)
            changed = {
                name: value for name, value in wanted.items() if getattr(user, name) != value
            }
            if changed:
                people.update(at.session, at.actor, user_id, changed, at.now)
            _serve(at, user, set(form.getlist("also")))
    except BadInput as error:
        with looking() as at:
            user = people.get(at.session, at.actor, user_id)
            return _account(at, user, _problems(error)), 422
    flash(_("Đã lưu tài khoản."), "good")
    return redirect(url_for("users.edit", user_id=user_id))


@bp.post("/<user_id>/<any(lock, unlock, link, factor):verb>")
@once
def change(user_id: str, verb: str) -> Response:
    """Shut somebody out, let them back in, or give them a new link."""
    with changing() as at:
        if verb == "link":
            user = people.get(at.session, at.actor, user_id)
            _keep_link(user, people.new_link(at.session, at.actor, user_id, at.now))
        elif verb == "factor":
            second_factor.turn_off(at.session, at.actor, user_id, at.now)
        elif verb == "lock":
            people.lock(at.session, at.actor, user_id, at.now)
        else:
            people.unlock(at.session, at.actor, user_id, at.now)
    done = {
        "lock": _("Đã khóa tài khoản. Người này bị đăng xuất ngay."),
        "unlock": _("Đã mở khóa tài khoản."),
        "factor": _("Đã tắt xác thực hai bước của người này; họ phải đăng nhập lại."),
        "link": _("Đã tạo liên kết mới. Liên kết cũ không dùng được nữa."),
    }
    flash(done[verb], "good")
    return redirect(url_for("users.page"))


def _found(at: Here, places: Places, q: str) -> list[User]:
    """Everybody of the visitor's areas whose name, role or place fits, in Vietnamese order."""
    found: list[User] = []
    cursor: str | None = None
    while True:
        page = people.page(at.session, at.actor, limit=_AT_ONCE, cursor=cursor)
        found += page.items
        cursor = page.next_cursor
        if cursor is None:
            break
    if q:
        found = [
            user
            for user in found
            if matches(
                q, user.name, user.username, str(ROLES[user.role]), places.names(user.area_ids)
            )
        ]
    return sorted(found, key=lambda user: collation.key(user.name))


def _serve(at: Here, user: User, wanted: set[str]) -> None:
    """Bring the further places to what was ticked; those the visitor cannot see stay."""
    seen = {area.id for area, _depth in Places(at.session, at.actor).listed()}
    before = set(user.area_ids[1:])
    for area_id in sorted((wanted & seen) - before - {user.area_id}):
        user_areas.add(at.session, at.actor, user.id, area_id, at.now)
    for area_id in sorted((before & seen) - wanted):
        user_areas.remove(at.session, at.actor, user.id, area_id, at.now)


def _account(at: Here, user: User, errors: dict[str, str]) -> str:
    places = Places(at.session, at.actor)
    query = select(AuditEntry).where(AuditEntry.user_id == user.id)
    if places.own is not None:
        query = query.where(AuditEntry.area_id.in_(places.own))
    trail = at.session.scalars(query.order_by(AuditEntry.id.desc()).limit(_TRAIL)).all()
    return render_template(
        "users/edit.html",
        user=user,
        areas=places.listed(),
        whole_site=at.actor.area_id is None,
        roles=ROLES,
        browsers=browsers.of_user(at.session, user.id, at.now),
        trail=[(each, places.name(each.area_id)) for each in trail],
        errors=errors,
    )


def _with_factor(at: Here) -> set[str]:
    query = select(SecondFactor.user_id).where(SecondFactor.confirmed_at.is_not(None))
    return set(at.session.scalars(query))


def _keep_link(user: User, secret: str) -> None:
    address = services().settings.public_url + url_for("login.link", secret=secret)
    session["new_link"] = {"name": user.name, "address": address}


def _problems(error: BadInput | Conflict) -> dict[str, str]:
    if isinstance(error, BadInput):
        return {name: sentence(pair) for name, pair in error.errors.items()}
    return {"username": sentence(error)}


def _form(at: Here, values: dict[str, str], errors: dict[str, str]) -> str:
    context: dict[str, Any] = {"values": values, "errors": errors, "roles": ROLES}
    areas = Places(at.session, at.actor).listed()
    whole_site = at.actor.area_id is None
    return render_template("users/add.html", areas=areas, whole_site=whole_site, **context)


def _name(at: Here, user_id: str | None) -> str:
    user = at.session.get(User, user_id) if user_id else None
    return user.name if user else "Loa Làng"
