"""Dataclass ⇄ JSON, the tolerant way that lets old and new versions talk.

Unknown keys are ignored and every message field has a default, so a field can be added on either
side first. A known key with a value of the wrong shape is `Malformed`: silence would be worse.
Times are RFC 3339 in UTC with milliseconds; a JSON key is the field's name without a trailing `_`.
"""

import dataclasses
import types
from datetime import UTC, date, datetime
from enum import Enum
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from protocol.errors import Malformed

T = TypeVar("T")


def to_json(value: Any) -> Any:
    """A JSON value for a message, or for anything a message may hold."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            field.name.rstrip("_"): to_json(getattr(value, field.name))
            for field in dataclasses.fields(value)
        }
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return format_time(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return [to_json(item) for item in value]
    if isinstance(value, dict):
        return {str(key): to_json(item) for key, item in value.items()}
    return value


def from_json(cls: type[T], data: Any) -> T:
    """A message of class `cls` from a parsed JSON object. Raises Malformed."""
    if not isinstance(data, dict):
        raise Malformed(f"{cls.__name__}: expected an object, got {type(data).__name__}")
    known = {
        name: _read(hint, data[name.rstrip("_")], f"{cls.__name__}.{name}")
        for name, hint in _hints(cls).items()  # type: ignore[arg-type]
        if name.rstrip("_") in data
    }
    return cls(**known)


def format_time(moment: datetime) -> str:
    """`2026-11-22T05:00:00.000Z`. Raises ValueError for a naive datetime."""
    if moment.tzinfo is None:
        raise ValueError("a time on the wire needs a zone: pass an aware datetime")
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_time(text: str) -> datetime:
    """The aware UTC time in an RFC 3339 string. Raises Malformed."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise Malformed(f"{text!r} is not an RFC 3339 time") from error
    if moment.tzinfo is None:
        raise Malformed(f"{text!r} has no zone")
    return moment.astimezone(UTC)


@cache
def _hints(cls: type) -> dict[str, Any]:
    return get_type_hints(cls)


def _read(hint: Any, value: Any, where: str) -> Any:
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return _read_optional(hint, value, where)
    if origin is tuple:
        return _read_tuple(hint, value, where)
    if origin is dict:
        return _read_dict(hint, value, where)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return from_json(hint, value)
    return _read_plain(hint, value, where)


def _read_optional(hint: Any, value: Any, where: str) -> Any:
    if value is None:
        return None
    inner = next(arg for arg in get_args(hint) if arg is not type(None))
    return _read(inner, value, where)


def _read_dict(hint: Any, value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Malformed(f"{where}: expected an object")
    inner = get_args(hint)[1]
    return {key: _read(inner, item, f"{where}.{key}") for key, item in value.items()}


def _read_tuple(hint: Any, value: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise Malformed(f"{where}: expected a list")
    inner = get_args(hint)[0]
    return tuple(_read(inner, item, f"{where}[{i}]") for i, item in enumerate(value))


def _read_plain(hint: Any, value: Any, where: str) -> Any:
    if hint is datetime and isinstance(value, str):
        return parse_time(value)
    if hint is date and isinstance(value, str):
        return _read_date(value, where)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _read_enum(hint, value, where)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(hint, type) and type(value) is hint:
        return value
    raise Malformed(f"{where}: {str(value)[:40]!r} is not a {getattr(hint, '__name__', hint)}")


def _read_date(value: str, where: str) -> date:
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise Malformed(f"{where}: {value!r} is not a date") from error


def _read_enum(hint: type[Enum], value: Any, where: str) -> Any:
    try:
        return hint(value)
    except ValueError as error:
        raise Malformed(f"{where}: {value!r} is not known here") from error
