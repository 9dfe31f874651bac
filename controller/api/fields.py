"""The kinds of values calls take and give: text, ids, instants, plain JSON.

Each field refuses what would later break a database or a page: control characters, lone
surrogates, numbers beyond 64 bits, times beyond our calendars. A refusal is a pair (vi, en).
"""

import math
import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import marshmallow as ma
from marshmallow import fields, validate

_ID: Final = re.compile(r"[0-9A-Za-z_-]{1,64}")
_YEARS: Final = range(2000, 2200)
_MAX_INTEGER: Final = 2**53  # what every JSON reader keeps exactly
_MAX_DEPTH: Final = 8


class Text(fields.String):
    """One line of text, NFC, trimmed; `lines=True` allows line breaks. Empty becomes None."""

    def __init__(self, longest: int = 200, *, lines: bool = False, **more: Any) -> None:
        metadata = {"maxLength": longest, **more.pop("metadata", {})}
        super().__init__(metadata=metadata, **more)
        self.longest = longest
        self.lines = lines

    def _deserialize(self, value: Any, attr: Any, data: Any, **more: Any) -> Any:
        text = unicodedata.normalize("NFC", super()._deserialize(value, attr, data, **more))
        text = "\n".join(line.rstrip() for line in text.splitlines()) if self.lines else text
        text = text.strip()
        if len(text) > self.longest:
            raise _refused(
                f"Nội dung dài quá {self.longest} ký tự: hãy viết ngắn lại.",
                f"This is longer than {self.longest} characters: shorten it.",
            )
        if not printable(text, lines=self.lines):
            raise _refused(
                "Có ký tự không dùng được: hãy gõ lại.",
                "It has unusable characters: type it again.",
            )
        if text or not self.required:
            return text or None
        raise _refused("Hãy điền mục này.", "Fill in this field.")


class Id(fields.String):
    """An id of ours. One that cannot exist is refused here, not asked of the database."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **more: Any) -> Any:
        text = super()._deserialize(value, attr, data, **more)
        if text == "" and not self.required:
            return None
        if not _ID.fullmatch(text):
            raise _refused(
                "Mã này không đúng: hãy chọn lại từ danh sách.",
                "This is not an id: choose again from the list.",
            )
        return text


class Instant(fields.Field[datetime | str]):
    """RFC 3339 with an offset → aware datetime; without one → text, local to the area."""

    def __init__(self, **more: Any) -> None:
        super().__init__(metadata={"type": "string"} | more.pop("metadata", {}), **more)

    def _deserialize(self, value: Any, attr: Any, data: Any, **more: Any) -> Any:
        if value == "" and not self.required:
            return None
        text = value.strip() if isinstance(value, str) else ""
        # A + that was not escaped in an address arrives as a blank.
        text = text[:10] + text[10:11].replace(" ", "T") + text[11:].replace(" ", "+")
        try:
            if not re.match(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d", text):
                raise ValueError("not a date and a time of day")
            instant = datetime.fromisoformat(text.upper())
        except ValueError as error:
            raise _no_instant() from error
        if instant.year not in _YEARS:
            raise _no_instant()
        return instant.isoformat() if instant.tzinfo is None else instant

    def _serialize(self, value: Any, attr: Any, obj: Any, **more: Any) -> Any:
        return value.isoformat() if isinstance(value, datetime) else value


class Whole(fields.Integer):
    """A whole number; 1.5 is refused, not cut."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **more: Any) -> Any:
        if isinstance(value, float) and not value.is_integer():
            raise self.make_error("invalid")
        return super()._deserialize(value, attr, data, **more)


class Plain(fields.Dict):
    """A JSON object whose inside the domain reads; only its letters and numbers are checked."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **more: Any) -> Any:
        if not isinstance(value, Mapping):
            raise self.make_error("invalid")
        if not harmless(value):
            raise _refused(
                "Có giá trị không dùng được bên trong: hãy sửa lại.",
                "A value inside cannot be used: mend it.",
            )
        return dict(value)


def whole(lowest: int, highest: int = _MAX_INTEGER, **more: Any) -> Whole:
    """A whole number within bounds."""
    return Whole(validate=validate.Range(lowest, highest), **more)


def decimal(lowest: float, highest: float, **more: Any) -> fields.Float:
    """A number within bounds; never NaN."""
    return fields.Float(validate=validate.Range(lowest, highest), **more)


def one_of(*words: str, **more: Any) -> fields.String:
    """One word of a list."""
    return fields.String(validate=validate.OneOf(words), **more)


def many(
    field: fields.Field[Any], longest: int, shortest: int = 0, **more: Any
) -> fields.List[Any]:
    """A list of bounded length."""
    return fields.List(field, validate=validate.Length(shortest, longest), **more)


def printable(text: str, *, lines: bool = False) -> bool:
    """Whether a text has no control characters and no half letters (lone surrogates)."""
    return all(
        unicodedata.category(character) not in ("Cc", "Cs") or (lines and character in "\n\t")
        for character in text
    )


def harmless(value: Any, depth: int = 0) -> bool:
    """Whether any database can keep this JSON value and any reader read it."""
    if depth > _MAX_DEPTH:
        return False
    if isinstance(value, str):
        return len(value) <= 10_000 and printable(value, lines=True)
    if isinstance(value, Mapping):
        return all(harmless(k, depth + 1) and harmless(v, depth + 1) for k, v in value.items())
    if isinstance(value, list):
        return all(harmless(inner, depth + 1) for inner in value)
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or abs(value) <= _MAX_INTEGER


def _no_instant() -> ma.ValidationError:
    return _refused(
        "Hãy điền ngày giờ dạng 2026-11-22T17:00 (giờ địa phương) hoặc …+07:00.",
        "Give a time such as 2026-11-22T17:00 (local) or …+07:00.",
    )


def _refused(vi: str, en: str) -> ma.ValidationError:
    # One message that is a pair: marshmallow keeps whatever stands in the list.
    return ma.ValidationError([(vi, en)])
