"""One's own account: where one is signed in, and the second factor from one's own phone."""

import io
from typing import Any

import segno
from flask import Blueprint, Flask, flash, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response

from controller.accounts import browsers, people, second_factor, totp
from controller.api.here import Here, changing, looking
from controller.errors import BadInput
from controller.models import User
from web.forms import once
from web.i18n import _, sentence
from web.limits import limited
from web.sessions import needs_no_factor, prove, signed_in
from web.shell import unit_name

bp = Blueprint("account", __name__, url_prefix="/account")
Page = str | Response | tuple[str, int]


def install(app: Flask) -> None:
    """Guessing codes is slowed down like guessing passwords."""
    for name in ("account.turn_on", "account.turn_off"):
        limited(app, name)


@bp.get("/")
def page() -> str:
    """Browsers one is signed in with, the second factor, the way to a new password."""
    with looking() as at:
        user = _self(at)
        return render_template(
            "account/page.html",
            user=user,
            browsers=browsers.of_user(at.session, user.id, at.now),
            this_one=session.get("sid"),
            factor=second_factor.state(at.session, user),
            recovery=session.pop("recovery", None),
        )


@bp.post("/sessions/<session_id>/end")
@once
def end(session_id: str) -> Response:
    """Sign one browser out; the one in hand has its own button for that."""
    with changing() as at:
        browsers.end(at.session, at.actor, session_id, at.now)
    flash(_("Đã đăng xuất máy đó."), "good")
    return redirect(url_for("account.page"))


@bp.get("/factor")
@needs_no_factor
def factor() -> str:
    """The square to scan, the same as text to type, and a field for the first code."""
    with changing() as at:
        return _scan(at, {})


@bp.post("/factor")
@needs_no_factor
@once
def turn_on() -> Page:
    """The phone shows the right code: from now on signing in asks for one."""
    try:
        with changing() as at:
            box, given = at.services.settings.factor_box, request.form.get("code", "")
            codes = second_factor.confirm(at.session, box, _self(at), given, at.now)
    except BadInput as error:
        with changing() as at:
            return _scan(at, {name: sentence(pair) for name, pair in error.errors.items()}), 422
    prove()
    # In the visitor's own cookie until shown, like a claim code.
    session["recovery"] = codes
    flash(_("Đã bật xác thực hai bước. Hãy chép các mã dự phòng ra giấy."), "good")
    return redirect(url_for("account.page"))


@bp.post("/factor/off")
@once
def turn_off() -> Response:
    """Needs a code, so that nobody does it at a desk left alone."""
    actor = signed_in()
    assert actor is not None and actor.user_id is not None
    with changing() as at:
        box, given = at.services.settings.factor_box, request.form.get("code", "")
        right = second_factor.check(at.session, box, actor.user_id, given, at.now)
        if right:
            second_factor.turn_off(at.session, at.actor, actor.user_id, at.now)
    if right:
        flash(_("Đã tắt xác thực hai bước."), "good")
    else:
        flash(sentence(second_factor.wrong_code()), "bad")
    return redirect(url_for("account.page"))


def _scan(at: Here, errors: dict[str, str]) -> str:
    user = _self(at)
    state = second_factor.state(at.session, user)
    secret = (
        "" if state.on else second_factor.begin(at.session, at.services.settings.factor_box, user)
    )
    context: dict[str, Any] = {"state": state, "errors": errors}
    if secret:
        address = totp.address(secret, user.username, unit_name())
        context["square"] = square(address)
        context["secret"] = " ".join(secret[i : i + 4] for i in range(0, len(secret), 4))
    return render_template("account/factor.html", **context)


def square(text: str) -> str:
    """A QR code as an SVG element to stand in a page; black on white whatever the theme."""
    out = io.BytesIO()
    segno.make(text, error="m").save(
        out, kind="svg", xmldecl=False, svgns=True, scale=6, dark="#000", light="#fff",
        svgclass="square", lineclass=None, omitsize=True,
    )  # fmt: skip
    return out.getvalue().decode()


def _self(at: Here) -> User:
    return people.get(at.session, at.actor, at.actor.user_id or "")
