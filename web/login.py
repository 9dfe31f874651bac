"""Signing in and out, the one-time link that sets a password, and changing one's password.

There is no default password: whoever makes an account hands over a link that works once.
"""

from datetime import datetime, timedelta
from typing import Any, Final

from flask import Blueprint, Flask, flash, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response

from controller import database
from controller.accounts import people, second_factor
from controller.api.here import changing, services
from controller.errors import BadInput
from controller.models import User
from web import trust
from web.i18n import _, sentence
from web.limits import limited
from web.links import own_address
from web.sessions import (
    open_to_all,
    proof_needed,
    sign_in,
    sign_out,
    signed_in,
    wait_for_code,
)

bp = Blueprint("login", __name__)
Page = str | Response | tuple[str, int]

_CODE_WITHIN: Final = timedelta(minutes=10)


def install(app: Flask) -> None:
    """Slow down whoever guesses."""
    for name in ("login.enter", "login.take_code", "login.use_link", "login.change_password"):
        limited(app, name)


@bp.get("/login")
@open_to_all
def form() -> Page:
    """The form, or on to the pages for who is signed in already."""
    if signed_in():
        return redirect(own_address(request.args.get("next", "")))
    own_authority = trust.certificate() is not None
    return render_template(
        "login/page.html", next=request.args.get("next", ""), own_authority=own_authority
    )


@bp.post("/login")
@open_to_all
def enter() -> Page:
    """Check name and password; say nothing about which of them was wrong."""
    username = request.form.get("username", "")
    with database.transaction(services().engine) as db:
        user = people.authenticate(db, username, request.form.get("password", ""))
    if user is None:
        wrong = _("Tên đăng nhập hoặc mật khẩu chưa đúng. Hãy thử lại, hoặc báo quản trị.")
        page = render_template(
            "login/page.html",
            next=request.form.get("next", ""),
            username=username,
            wrong=wrong,
        )
        return page, 422
    keep, wanted = "keep" in request.form, own_address(request.form.get("next", ""))
    with database.reading(services().engine) as db:
        asks = second_factor.is_on(db, user.id)
    if asks:
        wait_for_code(user, keep=keep, wanted=wanted)
        return redirect(url_for("login.code"))
    sign_in(user, keep=keep)
    return redirect(wanted)


@bp.get("/login/code")
@open_to_all
def code() -> Page:
    """The second step, for who has a second factor."""
    if _pending() is None:
        return redirect(url_for("login.form"))
    return render_template("login/code.html")


@bp.post("/login/code")
@open_to_all
def take_code() -> Page:
    """A code from the phone, or one from the paper."""
    pending = _pending()
    if pending is None:
        return redirect(url_for("login.form"))
    at = services()
    with database.transaction(at.engine) as db:
        box, given = at.settings.factor_box, request.form.get("code", "")
        right = second_factor.check(db, box, pending["user"], given, at.clock())
        user = db.get_one(User, pending["user"])
    if not right:
        wrong = sentence(second_factor.wrong_code())
        return render_template("login/code.html", wrong=wrong), 422
    sign_in(user, keep=pending["keep"], proven=True)
    return redirect(own_address(pending["next"]))


@bp.post("/logout")
@open_to_all
def leave() -> Response:
    """End this session."""
    sign_out()
    return redirect(url_for("login.form"))


@bp.get("/link/<secret>")
@open_to_all
def link(secret: str) -> Page:
    """Move the secret out of the address: there it would stay in histories and logs."""
    session["link"] = secret
    return redirect(url_for("login.set_password"))


@bp.get("/set-password")
@open_to_all
def set_password() -> Page:
    """Whom the link is for, and a form for the new password."""
    with database.reading(services().engine) as db:
        user = people.open_link(db, session.get("link", ""), services().clock())
    return render_template("login/set_password.html", user=user)


@bp.post("/set-password")
@open_to_all
def use_link() -> Page:
    """Set it, use the link up, and begin a session."""
    secret, now = session.get("link", ""), services().clock()
    try:
        _refuse_typo()
        with database.transaction(services().engine) as db:
            user = people.use_link(db, secret, request.form.get("password", ""), now)
    except BadInput as error:
        with database.reading(services().engine) as db:
            user = people.open_link(db, secret, now)
        return render_template("login/set_password.html", user=user, wrong=sentence(error)), 422
    with database.reading(services().engine) as db:
        asks = second_factor.is_on(db, user.id)
    if asks:
        # The link stands for the password, not for the phone.
        wait_for_code(user, keep=False, wanted=url_for("today.page"))
        return redirect(url_for("login.code"))
    sign_in(user, keep=False)
    flash(_("Đã đặt mật khẩu. Chào mừng bạn!"), "good")
    return redirect(url_for("today.page"))


@bp.get("/password")
def password() -> Page:
    """A form to change one's own password."""
    return render_template("login/password.html", errors={})


@bp.post("/password")
def change_password() -> Page:
    """Needs the old one; every other session of the user ends."""
    try:
        _refuse_typo()
        with changing() as at:
            user = people.change_password(
                at.session,
                at.actor,
                request.form.get("old_password", ""),
                request.form.get("password", ""),
                at.now,
            )
    except BadInput as error:
        errors = {field: sentence(pair) for field, pair in error.errors.items()}
        return render_template("login/password.html", errors=errors), 422
    sign_in(user, keep=session.permanent, proven=not proof_needed())
    flash(_("Đã đổi mật khẩu. Các máy khác phải đăng nhập lại."), "good")
    return redirect(url_for("today.page"))


def _pending() -> dict[str, Any] | None:
    """Who has given the right password a moment ago; None when that is too long ago."""
    waiting: dict[str, Any] | None = session.get("pending")
    at = services()
    if not waiting or at.clock() - datetime.fromisoformat(waiting["at"]) > _CODE_WITHIN:
        return None
    with database.reading(at.engine) as db:
        user = db.get(User, waiting["user"])
        current = user and not user.locked_at and user.session_version == waiting["version"]
    return waiting if current else None


def _refuse_typo() -> None:
    if request.form.get("password", "") != request.form.get("again", ""):
        raise BadInput(
            {
                "password": (
                    "Hai lần nhập mật khẩu chưa giống nhau: hãy nhập lại.",
                    "The two passwords differ: type them again.",
                )
            }
        )
