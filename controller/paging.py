"""Lists a page at a time: keyset cursors that stay right while rows are added."""

import base64
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, literal, tuple_

from controller.errors import BadInput
from controller.models import UtcDateTime

T = TypeVar("T")
MAX_LIMIT = 500
DEFAULT_LIMIT = 50


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """Some items, and the cursor that asks for those after them (None: these were the last)."""

    items: list[T]
    next_cursor: str | None


def every(page: Callable[..., Page[T]]) -> Iterator[T]:
    """All items of a paged list: `page(limit=, cursor=)` is asked again until nothing is left."""
    cursor: str | None = None
    while True:
        part = page(limit=MAX_LIMIT, cursor=cursor)
        yield from part.items
        cursor = part.next_cursor
        if cursor is None:
            return


def limited(limit: int | None) -> int:
    """A limit within bounds. Raises BadInput."""
    if limit is None:
        return DEFAULT_LIMIT
    if not 1 <= limit <= MAX_LIMIT:
        raise BadInput(
            {
                "limit": (
                    f"Số dòng mỗi trang phải từ 1 đến {MAX_LIMIT}.",
                    f"The limit must be from 1 to {MAX_LIMIT}.",
                )
            }
        )
    return limit


def cursor_of(*values: str | int | datetime) -> str:
    """The cursor after the row with these key values."""
    texts = [v.isoformat() if isinstance(v, datetime) else v for v in values]
    return base64.urlsafe_b64encode(json.dumps(texts).encode()).decode().rstrip("=")


def beyond(columns: Sequence[Any], cursor: str, *, descending: bool = False) -> ColumnElement[bool]:
    """The condition for rows after the cursor in the order of `columns`. Raises BadInput."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        texts = json.loads(base64.urlsafe_b64decode(padded.encode()))
        values = [_typed(column, text) for column, text in zip(columns, texts, strict=True)]
    except (ValueError, TypeError) as error:
        raise BadInput(
            {
                "cursor": (
                    "Trang danh sách này không còn dùng được. Hãy mở lại từ đầu.",
                    "This cursor cannot be used. Start again without one.",
                )
            }
        ) from error
    key = tuple_(*columns)
    mark = tuple_(*(literal(v, c.type) for v, c in zip(values, columns, strict=True)))
    return key < mark if descending else key > mark


def page_of(rows: Sequence[T], limit: int, key: Any) -> Page[T]:
    """A page from `limit + 1` rows; `key(row)` gives the cursor's values."""
    items = list(rows[:limit])
    more = len(rows) > limit
    return Page(items, cursor_of(*key(items[-1])) if more else None)


def _typed(column: Any, text: Any) -> Any:
    if isinstance(column.type, UtcDateTime):
        value = datetime.fromisoformat(text)
        if value.tzinfo is None:
            raise ValueError("a cursor's time carries an offset")
        return value
    if not isinstance(text, column.type.python_type):
        raise TypeError("a cursor's value has the type of its column")
    return text
