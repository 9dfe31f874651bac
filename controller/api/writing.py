"""JSON as the API writes it: letters as they are, keys in their order, times as RFC 3339."""

import json
from datetime import datetime
from typing import Any

from flask import Response


def as_json(value: Any) -> str:
    """The text; whatever JSON has no word for must be a time."""
    return json.dumps(value, ensure_ascii=False, default=_time, allow_nan=False)


def json_answer(value: Any, status: int = 200) -> Response:
    """An answer nobody keeps."""
    answer = Response(as_json(value), status, content_type="application/json")
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _time(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no place in JSON")
