"""Who is signed in: a signed cookie that names a user, their browser session and its version.

The session is a row, so that one browser can be signed out from another. Raising the user's
`session_version` (new password, new rights, a lock) ends all of them at the next request. The
cookie's key is made once and kept in a file of its own.
"""

import os
import secrets
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from flask import Flask, g, redirect, request, session, url_for
from sqlalchemy.exc import OperationalError
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.wrappers import Response

from controller import database
from controller.accounts import browsers, people, second_factor
from controller.accounts.access import Actor
from controller.api.here import services
from controller.models import BrowserSession, User
from controller.settings import Settings

# After this long the second factor is asked for again before an emergency.
_PROOF_LASTS: Final = timedelta(minutes=15)
_KEY_BYTES: Final = 32


def install(app: Flask, settings: Settings) -> None:
    """Set the cookie's rules and ask who calls before every page."""
    secure = settings.public_url.startswith("https://")
    app.config.update(
        SECRET_KEY=_key(settings.secret_key_file),
        SESSION_COOKIE_NAME="__Host-loalang" if secure else "loalang",
        SESSION_COOKIE_SECURE=secure,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_REFRESH_EACH_REQUEST=False,
        PERMANENT_SESSION_LIFETIME=browsers.KNOWN_PHONE,
        MAX_CONTENT_LENGTH=settings.max_upload_bytes + 100_000,
    )
    if secure:
        # HTTPS ends at the proxy the install sets up in front of us.
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1)  # type: ignore[method-assign]
    app.before_request(_identify)


def open_to_all(view: Any) -> Any:
    """Mark a page that asks nobody to sign in."""
    view.open_to_all = True
    return view


def needs_no_factor(view: Any) -> Any:
    """Mark a page that stays open to who must turn the second factor on first."""
    view.needs_no_factor = True
    return view


def sign_in(user: User, *, keep: bool, proven: bool = False) -> None:
    """Begin a session; what an earlier one left in the cookie is forgotten but the language."""
    language = session.get("language")
    session.clear()
    at = services()
    with database.transaction(at.engine) as db:
        row = browsers.begin(
            db, user, at.clock(), kept=keep, agent=_agent(request.user_agent.string), proven=proven
        )
        session["sid"] = row.id
    session["user"], session["version"] = user.id, user.session_version
    if language:
        session["language"] = language
    session.permanent = keep


def wait_for_code(user: User, *, keep: bool, wanted: str) -> None:
    """The password was right; nobody is signed in before the code is."""
    session["pending"] = {
        "user": user.id,
        "version": user.session_version,
        "keep": keep,
        "next": wanted,
        "at": services().clock().isoformat(),
    }


def prove() -> None:
    """A second factor was given just now, in this session."""
    at = services()
    with database.transaction(at.engine) as db:
        row = db.get(BrowserSession, session.get("sid", ""))
        if row is not None:
            row.proven_at = at.clock()


def proof_needed() -> bool:
    """Whether this visitor has a second factor and gave it too long ago for what shakes a village.

    What asks: an emergency that is real.
    """
    at, actor = services(), signed_in()
    with database.reading(at.engine) as db:
        if actor is None or actor.user_id is None or not second_factor.is_on(db, actor.user_id):
            return False
        row = db.get(BrowserSession, session.get("sid", ""))
        return row is None or row.proven_at is None or at.clock() - row.proven_at > _PROOF_LASTS


def sign_out() -> None:
    """Forget everything but the language, here and in the list of sessions."""
    language = session.get("language")
    at = services()
    if session.get("sid"):
        with database.transaction(at.engine) as db:
            row = db.get(BrowserSession, session["sid"])
            if row is not None:
                row.ended_at = row.ended_at or at.clock()
    session.clear()
    if language:
        session["language"] = language


def signed_in() -> Actor | None:
    """Who is signed in; None on pages open to all."""
    actor: Actor | None = g.get("actor")
    return actor


def _identify() -> Response | None:
    if _is_api():
        return None
    g.actor = _known()
    view = _view()
    if getattr(view, "open_to_all", False):
        return None
    if g.actor is None:
        asked = request.full_path if request.method == "GET" else ""
        return redirect(url_for("login.form", next=asked.rstrip("?") or None))
    if g.must_turn_on and not getattr(view, "needs_no_factor", False):
        return redirect(url_for("account.factor"))
    return None


def _is_api() -> bool:
    # The API has its own way to know who calls, and no cookie counts there.
    return request.path.startswith("/api/")


def _view() -> Any:
    from flask import current_app

    return current_app.view_functions.get(request.endpoint or "")


def _known() -> Actor | None:
    g.must_turn_on = False
    user_id, session_id = session.get("user"), session.get("sid")
    if not user_id or not session_id:
        return None
    at = services()
    now = at.clock()
    with database.reading(at.engine) as db:
        user = db.get(User, user_id)
        if user is None or user.locked_at or user.session_version != session.get("version"):
            return None
        row = browsers.alive(db, session_id, user.id, now)
        if row is None:
            return None
        state = second_factor.state(db, user)
        g.must_turn_on = state.wanted and not state.on
        noted, actor = browsers.wants_note(row, now), people.actor_of(user)
    if noted:
        _note(session_id, now)
    return actor


def _note(session_id: str, now: datetime) -> None:
    # The page goes on without it when the database is busy: it is noted with the next one.
    with suppress(OperationalError), database.transaction(services().engine) as db:
        browsers.note(db, session_id, now)


_BROWSERS: Final = ("Edg", "OPR", "SamsungBrowser", "coc_coc", "Firefox", "Chrome", "Safari")
_NAMES: Final = {"Edg": "Edge", "OPR": "Opera", "SamsungBrowser": "Samsung", "coc_coc": "Cốc Cốc"}
_SYSTEMS: Final = ("Android", "iPhone", "iPad", "Windows", "Macintosh", "Linux")


def _agent(text: str) -> str:
    """Chrome · Android: enough to know one's own phone again, and nothing more is kept."""
    browser = next((each for each in _BROWSERS if each in text), "")
    system = next((each for each in _SYSTEMS if each in text), "")
    return " · ".join(part for part in (_NAMES.get(browser, browser), system) if part)


def _key(path: Path) -> bytes:
    """The key in the file; made on the first start, readable by the owner only."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    if not path.exists():
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(_KEY_BYTES))
            os.fsync(file.fileno())
        try:
            os.link(part, path)  # another process may have been first: its key holds
        except FileExistsError:
            pass
        finally:
            part.unlink()
    return path.read_bytes()
