"""What asks for no token: the health check, the OpenAPI document, addresses that do not exist."""

import json
from typing import Any, Final

from flask import Blueprint, Flask, Response, abort, current_app, request
from marshmallow import Schema, fields
from sqlalchemy import text
from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.routing import RequestRedirect

from controller.api import auth, problems
from controller.api.binding import PREFIX, call, room
from controller.api.here import services

blueprint = room("front", "Chung")
# A plain blueprint: what does not exist is not documented.
beyond = Blueprint("api_beyond", __name__, url_prefix=PREFIX)
problems.install(beyond)
_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
_DOCUMENT: Final = "loalang_openapi"
_OPEN: Final[dict[str, Any]] = {"security": []}


class Health(Schema):
    """`ok`, or the call answers 503."""

    status = fields.String(required=True)


@call(blueprint, "GET", "/healthz", answer=Health, own_session=True, docs=_OPEN)
@auth.open_to_all
def healthz() -> dict[str, str]:
    """Whether the pages and the database work."""
    with services().engine.connect() as connection:
        connection.execute(text("SELECT 1"))
    return {"status": "ok"}


@call(
    blueprint,
    "GET",
    "/openapi.json",
    answer={"type": "object"},
    own_session=True,
    docs=_OPEN,
)
@auth.open_to_all
def openapi() -> Response:
    """This document."""
    return Response(current_app.extensions[_DOCUMENT], content_type="application/json")


def serve_document(app: Flask, registry: Any) -> None:
    """Keep the finished document; it does not change while the program runs."""
    app.extensions[_DOCUMENT] = json.dumps(registry.spec.to_dict(), ensure_ascii=False)


@beyond.route("/<path:rest>", methods=_METHODS, provide_automatic_options=False)
def nowhere(rest: str) -> Response:
    """Any other address below the API: a problem, not one of the pages' error pages."""
    allowed = [method for method in _METHODS if _elsewhere(method)]
    if allowed:
        raise MethodNotAllowed(valid_methods=allowed)
    abort(404)


def _elsewhere(method: str) -> bool:
    """Whether a real call answers this address with that method."""
    adapter = current_app.create_url_adapter(request)
    if adapter is None:
        return False
    try:
        endpoint, _values = adapter.match(request.path, method=method)
    except (MethodNotAllowed, NotFound, RequestRedirect):
        return False
    return bool(endpoint != "api_beyond.nowhere")
