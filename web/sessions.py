"""Who is signed in: a signed cookie that names a user and the version of their sessions.

Raising the user's `session_version` (new password, new rights, a lock) ends all their sessions at
the next request. The cookie's key is made once and kept in a file of its own.
"""

import os
import secrets
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from flask import Flask, g, redirect, request, session, url_for
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.wrappers import Response

from controller import database, people
from controller.access import Actor
from controller.api.here import services
from controller.models import User
from controller.settings import Settings

KNOWN_PHONE: Final = timedelta(days=90)
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
        PERMANENT_SESSION_LIFETIME=KNOWN_PHONE,
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


def sign_in(user: User, *, keep: bool) -> None:
    """Begin a session; what an earlier one left in the cookie is forgotten but the language."""
    language = session.get("language")
    session.clear()
    session["user"], session["version"] = user.id, user.session_version
    if language:
        session["language"] = language
    session.permanent = keep


def sign_out() -> None:
    """Forget everything but the language."""
    language = session.get("language")
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
    if g.actor is None and not getattr(view, "open_to_all", False):
        asked = request.full_path if request.method == "GET" else ""
        return redirect(url_for("login.form", next=asked.rstrip("?") or None))
    return None


def _is_api() -> bool:
    # The API has its own way to know who calls, and no cookie counts there.
    return request.path.startswith("/api/")


def _view() -> Any:
    from flask import current_app

    return current_app.view_functions.get(request.endpoint or "")


def _known() -> Actor | None:
    user_id = session.get("user")
    if not user_id:
        return None
    with database.reading(services().engine) as db:
        user = db.get(User, user_id)
        if user is None or user.locked_at or user.session_version != session.get("version"):
            return None
        return people.actor_of(user)


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
