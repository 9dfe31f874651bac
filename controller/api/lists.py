"""Lists: `?limit=&cursor=` in, `{"items", "next_cursor"}` out, and local times of a query."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from marshmallow import Schema, fields
from sqlalchemy.orm import Session

from controller.api.fields import Text, whole
from controller.paging import MAX_LIMIT
from controller.territory import areas


class ListQuery(Schema):
    """What every list takes."""

    limit = whole(1, MAX_LIMIT)
    cursor = Text(500)


def page_of(item: type[Schema]) -> type[Schema]:
    """The schema of a page of such items."""
    return Schema.from_dict(
        {
            "items": fields.List(fields.Nested(item), required=True),
            "next_cursor": fields.String(allow_none=True, required=True),
        },
        name=item.__name__.removesuffix("Out") + "Page",
    )


def as_instant(
    session: Session, value: datetime | str | None, area_id: str | None
) -> datetime | None:
    """An aware time as it is; a local one in the area's zone (the country's without an area)."""
    if not isinstance(value, str):
        return value
    zone = areas.effective(session, area_id).timezone if area_id else areas.DEFAULT_TIMEZONE
    return datetime.fromisoformat(value).replace(tzinfo=ZoneInfo(zone))


def without_none(values: dict[str, Any]) -> dict[str, Any]:
    """Filters that were left empty are no filters."""
    return {name: value for name, value in values.items() if value is not None}
