"""The OpenAPI 3.1 document, made from the calls themselves; no page of ours loads a CDN for it."""

from http import HTTPStatus
from importlib.metadata import version
from typing import Any

from flask import Flask
from flask_smorest import Api
from marshmallow import Schema, fields

from controller.api.problems import CONTENT_TYPE

_DESCRIPTION = """\
Times are RFC 3339; a local time without an offset is in the area's zone. Errors are RFC 9457
problems with a sentence in Vietnamese, or in English with `Accept-Language: en`. Lists take `limit`
and `cursor`. A POST with an `Idempotency-Key` is done once, however often it is sent within a day.
"""


class Problem(Schema):
    """RFC 9457: what went wrong and what to do."""

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True)
    code = fields.String()
    errors = fields.Dict(keys=fields.String(), values=fields.String())
    conflicts = fields.List(fields.Dict())


class Document(Api):  # type: ignore[misc]
    """smorest's registry, without its pages and without its error handlers for the whole app."""

    ERROR_SCHEMA = Problem

    def _register_doc_blueprint(self) -> None:
        """Our own call serves the document."""

    def _register_error_handlers(self) -> None:
        """Ours are on the API's blueprints; the pages have their own."""

    def _register_responses(self) -> None:
        for status in HTTPStatus:
            self._problem(status.name, status.phrase)
        self._problem("DEFAULT_ERROR", "Lỗi: một câu cho biết phải làm gì")

    def _problem(self, name: str, description: str) -> None:
        content = {CONTENT_TYPE: {"schema": Problem}}
        answer = {"description": description, "content": content}
        self.spec.components.response(name, answer, lazy=True)


def document(app: Flask) -> Any:
    """An empty registry for `app`; blueprints are registered through it."""
    registry = Document(
        app,
        spec_kwargs={
            "title": "Loa Làng",
            "version": version("loalang"),
            "openapi_version": "3.1.0",
            "info": {"description": _DESCRIPTION, "license": {"name": "MIT", "identifier": "MIT"}},
            "security": [{"bearer": []}],
        },
        config_prefix="LOALANG_API",
    )
    registry.spec.components.security_scheme("bearer", {"type": "http", "scheme": "bearer"})
    return registry
