"""Wall time and UTC: the one place where a zone's rules are applied to what people write.

Wall time is what people mean, so rules are worked out in it and converted last: a time that does
not exist (clocks go forward) moves forward by the gap, one that exists twice is the first.
"""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from controller.errors import BadInput


@lru_cache(maxsize=64)
def zone(name: str) -> ZoneInfo:
    """The time zone of that name. Raises BadInput."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise BadInput(
            {
                "timezone": (
                    f"Không có múi giờ «{name}»: hãy ghi tên như Asia/Ho_Chi_Minh.",
                    f"There is no time zone '{name}': write a name such as Asia/Ho_Chi_Minh.",
                )
            }
        ) from error


def to_utc(local: datetime, timezone: ZoneInfo) -> datetime:
    """The instant of a wall time without offset."""
    # fold=0 takes the first of two; in a gap it applies the old offset, which lands after it.
    return local.replace(tzinfo=timezone, fold=0).astimezone(UTC)


def to_local(instant: datetime, timezone: ZoneInfo) -> datetime:
    """The wall time of an instant, without offset."""
    return instant.astimezone(timezone).replace(tzinfo=None, fold=0)


def parse_local(text: str, field: str) -> datetime:
    """Wall time from RFC 3339 text without offset. Raises BadInput naming the field."""
    value = parse_time(text, field)
    if value.tzinfo is not None:
        raise _bad_time(text, field)
    return value


def parse_time(text: str, field: str) -> datetime:
    """A time with or without offset; a date alone is its midnight. Raises BadInput."""
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise _bad_time(text, field) from error


def as_utc(value: datetime | str, timezone: ZoneInfo, field: str) -> datetime:
    """What a caller gave as a time: an offset counts, without one it is local."""
    moment = parse_time(value, field) if isinstance(value, str) else value
    return moment.astimezone(UTC) if moment.tzinfo else to_utc(moment, timezone)


def as_local(value: datetime | str, timezone: ZoneInfo, field: str) -> datetime:
    """The same, as wall time of the zone."""
    moment = parse_time(value, field) if isinstance(value, str) else value
    return to_local(moment, timezone) if moment.tzinfo else moment


def end_as_local(value: datetime | str, timezone: ZoneInfo, field: str) -> datetime:
    """An end as wall time: a date alone lasts until its last moment."""
    moment = as_local(value, timezone, field)
    if isinstance(value, str) and is_date(value):
        return datetime.combine(moment.date(), time.max)
    return moment


def is_date(text: str) -> bool:
    """Whether the text is a date alone, without a time of day."""
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def days_between(from_: date, until: date) -> list[date]:
    """Every date from the first to the last, both included."""
    return [from_ + timedelta(days=i) for i in range((until - from_).days + 1)]


def _bad_time(text: str, field: str) -> BadInput:
    return BadInput(
        {
            field: (
                f"«{text}» không phải là ngày giờ: hãy ghi như 2026-11-22T17:00.",
                f"'{text}' is not a time: write it like 2026-11-22T17:00.",
            )
        }
    )
