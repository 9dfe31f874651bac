"""Users: who may do what where; a one-time link instead of a password; locking; the audit trail."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from sqlalchemy import select
from werkzeug.wrappers import Response

from controller import audit, people, second_factor
from controller.access import Action, require_role
from controller.api.here import Here, changing, looking, services
from controller.errors import BadInput, Conflict
from controller.models import Role, SecondFactor, User
from controller.people import UserInput
from web.forms import once
from web.i18n import _, sentence
from web.places import Places
from web.words import ROLES

bp = Blueprint("users", __name__, url_prefix="/users")

_MOST = 200
_TRAIL = 30


@bp.get("/")
def page() -> str:
    """Everybody of the visitor's areas, and what was done lately."""
    with looking() as at:
        found = people.page(
            at.session, at.actor, limit=_MOST, cursor=request.args.get("cursor") or None
        )
        trail = audit.page(at.session, at.actor, limit=_TRAIL).items
        places = Places(at.session, at.actor)
        names = {each.user_id: _name(at, each.user_id) for each in trail}
        return render_template(
            "users/page.html",
            found=found,
            factors=_with_factor(at),
            where={user.id: places.name(user.area_id) for user in found.items},
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
    return render_template("users/add.html", areas=areas, **context)


def _name(at: Here, user_id: str | None) -> str:
    user = at.session.get(User, user_id) if user_id else None
    return user.name if user else "Loa Làng"
