"""Binds a function to an address: reads what comes in, opens the session, writes what goes out.

    @call(areas, "GET", "/areas/<id>", answer=AreaOut)
    def show_area(here: Here, id: str) -> Area: ...

The same line documents the call in OpenAPI, so neither can say what the other does not.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Final, TypeVar

from flask import Response, abort, request
from flask_smorest import Blueprint
from marshmallow import Schema

from controller.api import auth, once, problems
from controller.api.here import changing, looking
from controller.api.writing import json_answer

PREFIX: Final = "/api/v1"
View = TypeVar("View", bound=Callable[..., Any])
_MAX_JSON_BYTES: Final = 1_000_000
_PLAIN_ID: Final = re.compile(r"[0-9A-Za-z_-]{1,64}")


@dataclass(frozen=True, slots=True)
class Call:
    """How a view is reached and what goes in and out.

    `own_session`: the view opens its sessions itself (slow work, streams) and gets no `here`.
    """

    method: str
    rule: str
    answer: type[Schema] | Mapping[str, Any] | None = None
    status: int = 200
    query: type[Schema] | None = None
    body: type[Schema] | None = None
    body_required: bool = True
    own_session: bool = False
    content_type: str | None = None
    docs: Mapping[str, Any] = field(default_factory=dict)


def room(name: str, description: str) -> Any:
    """A blueprint of the API: signs in by token, answers errors as problems."""
    blueprint = Blueprint(f"api_{name}", __name__, url_prefix=PREFIX, description=description)
    blueprint.before_request(_bounds)
    blueprint.before_request(auth.identify)
    problems.install(blueprint)
    return blueprint


def call(blueprint: Any, method: str, rule: str, **more: Any) -> Callable[[View], View]:
    """Register a view; `more` as in `Call`.

    The view gets `here`, the address's parts, then query and body as dicts. If it returns a Flask
    response it has said everything; anything else goes through `answer`.
    """
    how = Call(method, rule, **more)

    def bind(view: View) -> View:
        @wraps(view)
        def run(*inputs: Any, **address: Any) -> Response:
            if how.own_session:
                return _written(view(*inputs, **address), how)
            with (looking if method == "GET" else changing)() as here:
                return _written(view(here, *inputs, **address), how)

        _register(blueprint, how, once.only(run) if method == "POST" else run)
        return view

    return bind


def _written(result: Any, how: Call) -> Response:
    """The answer, dumped while the session is still open."""
    if isinstance(result, Response):
        return result
    if how.answer is None:
        return Response(status=204)
    assert isinstance(how.answer, type)
    return json_answer(how.answer().dump(result), how.status)


def _register(blueprint: Any, how: Call, run: Callable[..., Any]) -> None:
    """smorest's decorators, innermost first; each wraps the one before."""
    view = run
    if how.body is not None:
        view = blueprint.arguments(how.body, required=how.body_required)(view)
        view = _json_only(view)
    if how.query is not None:
        view = blueprint.arguments(how.query, location="query")(view)
    view = blueprint.alt_response("default", response="DEFAULT_ERROR")(view)
    status = how.status if how.answer is not None else 204
    view = blueprint.response(status, how.answer, content_type=how.content_type)(view)
    view = blueprint.doc(operationId=run.__name__, **how.docs)(view)
    blueprint.route(how.rule, methods=[how.method])(view)


def _json_only(view: Callable[..., Any]) -> Callable[..., Any]:
    """A body of another kind would only look like missing fields."""

    @wraps(view)
    def checked(*inputs: Any, **address: Any) -> Any:
        has_body = bool(request.content_length) or "Transfer-Encoding" in request.headers
        if has_body and not request.is_json:
            abort(415)
        return view(*inputs, **address)

    return checked


def _bounds() -> None:
    """Ids that cannot exist are not asked of the database; JSON bodies are small."""
    request.max_content_length = _MAX_JSON_BYTES
    if not all(_PLAIN_ID.fullmatch(str(part)) for part in (request.view_args or {}).values()):
        abort(404)
