"""Bearer tokens: who calls. No cookies, so nothing can be forged across sites."""

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Response, current_app, g, request

from controller import database
from controller.accounts import tokens
from controller.api.here import services
from controller.api.problems import problem
from controller.api.sentences import sentence_of_status

View = TypeVar("View", bound=Callable[..., Any])
_CHALLENGE = 'Bearer realm="loalang"'


def open_to_all(view: View) -> View:
    """Mark a view that asks for no token."""
    setattr(view, "open_to_all", True)  # noqa: B010 (functions take attributes)
    return view


def identify() -> Response | None:
    """Before every call: set `g.actor`, or answer 401."""
    view = current_app.view_functions.get(request.endpoint or "")
    if getattr(view, "open_to_all", False):
        return None
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    secret = secret.strip()
    if scheme.casefold() != "bearer" or not secret:
        return _unknown(_CHALLENGE)
    at = services()
    with database.reading(at.engine) as session:
        actor = tokens.bearer(session, secret, at.clock())
    if actor is None:
        return _unknown(f'{_CHALLENGE}, error="invalid_token"')
    g.actor = actor
    return None


def _unknown(challenge: str) -> Response:
    vi, en = sentence_of_status(401)
    return problem(401, "unauthorized", vi, en, headers={"WWW-Authenticate": challenge})
