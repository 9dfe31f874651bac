"""Dataclass ⇄ JSON, the tolerant way that lets old and new versions talk.

Unknown keys are ignored and every message field has a default, so a field can be added on either
side first. A known key with a value of the wrong shape is `Malformed`: silence would be worse.
A class with a `salvaged(known, unread)` of its own is set aside alone where it is part of
something: one airing of a later version must not cost the day, nor one report its batch.
Times are RFC 3339 in UTC with milliseconds; a JSON key is the field's name without a trailing `_`.
How a class is read and written is worked out once, from its type hints, and kept.
"""

import dataclasses
import types
from collections.abc import Callable
from datetime import UTC, date, datetime
from enum import Enum
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from protocol.errors import Malformed

T = TypeVar("T")
Reader = Callable[[Any], Any]


def to_json(value: Any) -> Any:
    """A JSON value for a message, or for anything a message may hold."""
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind is tuple or kind is list:
        return [to_json(item) for item in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return format_time(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, dict):
        return {str(key): to_json(item) for key, item in value.items()}
    if dataclasses.is_dataclass(kind):
        return {key: to_json(getattr(value, name)) for name, key in _names(kind)}
    return value


def from_json(cls: type[T], data: Any) -> T:
    """A message of class `cls` from a parsed JSON object. Raises Malformed."""
    if not isinstance(data, dict):
        raise Malformed(_no_object(cls, data))
    known = {}
    for name, key, as_is, read in _fields(cls):  # type: ignore[arg-type]
        if key in data:
            value = data[key]
            if type(value) not in as_is:
                try:
                    value = read(value)
                except _WrongShape as error:
                    raise Malformed(f"{cls.__name__}.{name}{error}") from error
            known[name] = value
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
    return moment if moment.tzinfo is UTC else moment.astimezone(UTC)


# --- how a class is read, worked out once ------------------------------------------------------

_PLAIN = frozenset({str, int, float, bool, type(None)})
_UNIONS = (Union, types.UnionType)


class _WrongShape(Exception):
    """A value that does not fit its hint; the text goes after the field's name."""


@cache
def _names(cls: type) -> tuple[tuple[str, str], ...]:
    return tuple((field.name, field.name.rstrip("_")) for field in dataclasses.fields(cls))


@cache
def _fields(cls: type) -> tuple[tuple[str, str, frozenset[object], Reader], ...]:
    """Name, JSON key, the types whose values are taken as they are, and reader of every field."""
    return tuple(
        (name, name.rstrip("_"), _as_is(hint), _reader(hint))
        for name, hint in get_type_hints(cls).items()
    )


def _as_is(hint: Any) -> frozenset[object]:
    return _PLAIN.intersection(get_args(hint) if get_origin(hint) in _UNIONS else (hint,))


def _reader(hint: Any) -> Reader:
    origin = get_origin(hint)
    if origin in _UNIONS:
        return _optional(next(arg for arg in get_args(hint) if arg is not type(None)))
    if origin is tuple:
        return _tuple(get_args(hint)[0])
    if origin is dict:
        return _dict(get_args(hint)[1])
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return _nested(hint)
    if hint is datetime:
        return _datetime
    if hint is date:
        return _date
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _enum(hint)
    return _plain(hint)


def _nested(cls: Any) -> Reader:
    salvaged = getattr(cls, "salvaged", None)
    if salvaged is None:
        return lambda value: from_json(cls, value)

    def read(value: Any) -> Any:
        try:
            return from_json(cls, value)
        except Malformed:
            return salvaged(*_legible(cls, value))

    return read


def _legible(cls: Any, data: Any) -> tuple[dict[str, Any], dict[str, str]]:
    """The fields that can be read, by name, and what is wrong with the others."""
    if not isinstance(data, dict):
        return {}, {"": _no_object(cls, data)}
    known, unread = {}, {}
    for name, key, as_is, read in _fields(cls):
        if key in data:
            try:
                value = data[key]
                known[name] = value if type(value) in as_is else read(value)
            except _WrongShape as error:
                unread[name] = f"{cls.__name__}.{name}{error}"
            except Malformed as error:
                unread[name] = str(error)
    return known, unread


def _no_object(cls: type, data: Any) -> str:
    return f"{cls.__name__}: expected an object, got {type(data).__name__}"


def _optional(inner: Any) -> Reader:
    read = _reader(inner)
    return lambda value: None if value is None else read(value)


def _tuple(inner: Any) -> Reader:
    read = _reader(inner)

    def tuple_of(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise _WrongShape(": expected a list")
        found: list[Any] = []
        try:
            found.extend(read(item) for item in value)  # what was read before an error stays
        except _WrongShape as error:
            raise _WrongShape(f"[{len(found)}]{error}") from error
        return tuple(found)

    return tuple_of


def _dict(inner: Any) -> Reader:
    read = _reader(inner)

    def dict_of(value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise _WrongShape(": expected an object")
        found: dict[str, Any] = {}
        for key, item in value.items():
            try:
                found[key] = read(item)
            except _WrongShape as error:
                raise _WrongShape(f".{key}{error}") from error
        return found

    return dict_of


def _enum(kind: type[Enum]) -> Reader:
    members = {member.value: member for member in kind}

    def member(value: Any) -> Enum:
        try:
            return members[value]
        except (KeyError, TypeError) as error:
            raise _WrongShape(f": {value!r} is not known here") from error

    return member


def _datetime(value: Any) -> datetime:
    if type(value) is not str:
        raise _WrongShape(f": {str(value)[:40]!r} is not a datetime")
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return parse_time(value)  # which says what is wrong
    return moment if moment.tzinfo is UTC else parse_time(value)


def _date(value: Any) -> date:
    if not isinstance(value, str):
        raise _WrongShape(f": {str(value)[:40]!r} is not a date")
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise _WrongShape(f": {value!r} is not a date") from error


def _plain(kind: Any) -> Reader:
    also = int if kind is float else None  # a JSON writer may leave the point of 3.0 out

    def plain(value: Any) -> Any:
        found = type(value)
        if found is kind:
            return value
        if found is also:
            return float(value)
        raise _WrongShape(f": {str(value)[:40]!r} is not a {getattr(kind, '__name__', kind)}")

    return plain
