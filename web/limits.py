"""How often somebody may try a password: counted in memory, for there is one process of pages."""

from typing import Any

from flask import Flask, request, session
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

from web.sessions import signed_in

# Guessing must be slow from one place, and against one name from everywhere.
_FROM_ONE_PLACE = "20 per minute; 100 per hour"
_AT_ONE_NAME = "8 per minute; 30 per hour"


def install(app: Flask) -> None:
    """Make the counter."""
    limiter = Limiter(get_remote_address, storage_uri="memory://", headers_enabled=False)
    limiter.init_app(app)
    app.extensions["loalang_limits"] = limiter


def limited(app: Flask, endpoint: str) -> None:
    """Slow down tries at that page."""
    limiter: Limiter = app.extensions["loalang_limits"]
    view: Any = limiter.limit(_FROM_ONE_PLACE)(app.view_functions[endpoint])
    app.view_functions[endpoint] = limiter.limit(_AT_ONE_NAME, key_func=_whose)(view)


def _whose() -> str:
    actor = signed_in()
    pending = session.get("pending", {}).get("user")
    name = actor.user_id if actor else request.form.get("username", "").strip().casefold()
    return f"name {name or pending or session.get('link', '')}"
