"""Errors as RFC 9457 `application/problem+json`, in Vietnamese unless English is asked for.

Every refusal of the controller already carries its sentences; here they get `type`, `title`,
`status`, `detail`, and `errors` (field → sentence) where something entered was wrong.
"""

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, g, request
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import HTTPException, default_exceptions

from audio_library.errors import AudioError, StoreCorrupt
from controller.api.sentences import field_sentence, sentence_of_status, title_of
from controller.api.writing import as_json
from controller.errors import BadInput, Conflict, ControllerError
from controller.services import Services

CONTENT_TYPE = "application/problem+json"
_TYPES = "urn:loalang:problem:"
_RETRY_AFTER_S = "30"


def language() -> str:
    """What the caller reads: the header's choice, else the user's own, else the site's."""
    if request.accept_languages:
        best = request.accept_languages.best_match(["vi", "en"])
        if best:
            return best
    actor = g.get("actor")
    return actor.language if actor else _services().settings.language


def problem(
    status: int,
    code: str,
    vi: str,
    en: str,
    *,
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> Response:
    """The answer; `more` are members beside the standard ones."""
    english = language() == "en"
    body = {
        "type": _TYPES + code,
        "title": title_of(status, english=english),
        "status": status,
        "detail": en if english else vi,
        "code": code,
        **more,
    }
    answer = Response(as_json(body), status, content_type=CONTENT_TYPE)
    answer.headers["Content-Language"] = "en" if english else "vi"
    answer.headers["Cache-Control"] = "no-store"
    answer.headers.extend(dict(headers or {}))
    return answer


def install(blueprint: Blueprint) -> None:
    """Answer every error of the blueprint's calls with a problem.

    Handlers are set per status as well, because an application's handler for one status would
    otherwise come before the blueprint's for all of them.
    """
    blueprint.register_error_handler(ControllerError, _of_controller)
    blueprint.register_error_handler(AudioError, _of_audio)
    blueprint.register_error_handler(OperationalError, _of_database)
    blueprint.register_error_handler(RecursionError, _of_recursion)
    for code in default_exceptions:
        blueprint.register_error_handler(code, _of_http)


def _of_controller(error: ControllerError) -> Response:
    more: dict[str, Any] = {}
    if isinstance(error, BadInput):
        which = 1 if language() == "en" else 0
        more["errors"] = {field: pair[which] for field, pair in error.errors.items()}
    if isinstance(error, Conflict):
        more["conflicts"] = error.conflicts
    return problem(error.status, error.code, error.vi, error.en, **more)


def _of_audio(error: AudioError) -> Response:
    if isinstance(error, StoreCorrupt):
        return problem(500, error.code, error.vi, error.en)  # our loss, not the caller's fault
    if error.retryable:
        wait = {"Retry-After": _RETRY_AFTER_S}
        return problem(503, error.code, error.vi, error.en, headers=wait)
    sentence = error.en if language() == "en" else error.vi
    return problem(422, error.code, error.vi, error.en, errors={"file": sentence})


def _of_database(_error: OperationalError) -> Response:
    vi, en = sentence_of_status(503)
    return problem(503, "database_busy", vi, en, headers={"Retry-After": _RETRY_AFTER_S})


def _of_recursion(_error: RecursionError) -> Response:
    vi, en = sentence_of_status(400)
    return problem(400, "bad_request", vi, en)


def _of_http(error: HTTPException) -> Response:
    status = error.code or 500
    code = HTTPStatus(status).name.lower()
    vi, en = sentence_of_status(status)
    headers = {
        name: value
        for name, value in error.get_headers()
        if name.lower() in ("allow", "www-authenticate", "retry-after", "content-range")
    }
    found = dict(fields_of((getattr(error, "data", None) or {}).get("messages") or {}))
    if not found:
        return problem(status, code, vi, en, headers=headers)
    vi, en = next(iter(found.values()))
    which = 1 if language() == "en" else 0
    errors = {field: pair[which] for field, pair in found.items()}
    return problem(status, "bad_input", vi, en, headers=headers, errors=errors)


def fields_of(messages: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, str]]]:
    """Field → sentences, from marshmallow's findings: {location: {field: {index: [text]}}}."""
    for found in messages.values():
        yield from _flat(found, "")


def _flat(found: Any, path: str) -> Iterator[tuple[str, tuple[str, str]]]:
    if isinstance(found, Mapping):
        for key, inner in found.items():
            # "_schema" is marshmallow's word for "the whole of it".
            step = "" if key == "_schema" else str(key)
            yield from _flat(inner, f"{path}.{step}".strip("."))
    else:
        texts = found if isinstance(found, list) else [found]
        yield path or "body", field_sentence(texts[0] if texts else "")


def _services() -> Services:
    from controller.api.here import services

    return services()
