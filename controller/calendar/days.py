"""Named days: holidays and the sets of days an area keeps (boats home, market days)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from controller.calendar.lunar import LunarRule, months
from controller.calendar.season import month_day
from controller.errors import BadInput

_MOST_DAYS = 31


@dataclass(frozen=True, slots=True)
class Holiday:
    """A day of every year (solar or lunar), or one dated day, and how many days it lasts."""

    solar: tuple[int, int] | None = None
    lunar: tuple[int, int] | None = None
    dated: date | None = None
    days: int = 1
    name: str = ""

    def first_days(self, from_: date, until: date) -> list[date]:
        """The first days that fall in [from_, until]."""
        if self.lunar is not None:
            return self._lunar_days(from_, until)
        if self.dated is not None:
            found: list[date | None] = [self.dated]
        else:
            found = [_day_of(year, self.solar) for year in range(from_.year, until.year + 1)]
        return [day for day in found if day is not None and from_ <= day <= until]

    def _lunar_days(self, from_: date, until: date) -> list[date]:
        # A feast belongs to the regular month; a leap month has none of its own.
        month, day = self.lunar or (0, 0)
        found = [m.on(day) for m in months(from_, until) if m.month == month and not m.leap]
        return [d for d in found if d is not None and from_ <= d <= until]


@dataclass(frozen=True, slots=True)
class DaySet:
    """A named set of days: by the lunar calendar, entered by hand, or both."""

    lunar: LunarRule | None = None
    dates: tuple[date, ...] = ()
    name: str = ""

    def within(self, from_: date, until: date) -> frozenset[date]:
        by_moon = self.lunar.dates(from_, until) if self.lunar else []
        return frozenset(by_moon) | {day for day in self.dates if from_ <= day <= until}


def holiday_dates(holidays: tuple[Holiday, ...], from_: date, until: date) -> frozenset[date]:
    """Every day in [from_, until] on which one of the holidays falls."""
    found = set()
    for holiday in holidays:
        for first in holiday.first_days(from_ - timedelta(days=holiday.days), until):
            found |= {first + timedelta(days=i) for i in range(holiday.days)}
    return frozenset(day for day in found if from_ <= day <= until)


def holidays_from_json(values: Any, field: str) -> tuple[Holiday, ...]:
    """From [{"date": "09-02"} | {"date": "2026-12-24"} | {"lunar": "01-01", "days": 3}]."""
    if not isinstance(values, list):
        raise _bad(field)
    return tuple(_holiday(value, field) for value in values)


def day_sets_from_json(values: Any, field: str) -> dict[str, DaySet]:
    """From {name: {"name", "lunar": {"days", …}, "dates": ["2026-12-24", …]}}."""
    if not isinstance(values, Mapping):
        raise _bad(field)
    return {str(key): _day_set(value, f"{field}.{key}") for key, value in values.items()}


def _holiday(value: Any, field: str) -> Holiday:
    if not isinstance(value, Mapping):
        raise _bad(field)
    days, name = value.get("days", 1), str(value.get("name", ""))
    if type(days) is not int or not 1 <= days <= _MOST_DAYS:
        raise _bad(field)
    if "lunar" in value:
        return Holiday(lunar=_lunar_month_day(value["lunar"], field), days=days, name=name)
    text = value.get("date")
    if isinstance(text, str) and len(text) == len("2026-09-02"):
        return Holiday(dated=_dated(text, field), days=days, name=name)
    return Holiday(solar=month_day(text, field), days=days, name=name)


def _day_set(value: Any, field: str) -> DaySet:
    if not isinstance(value, Mapping) or not isinstance(value.get("dates", []), list):
        raise _bad(field)
    lunar = LunarRule.from_json(value["lunar"], field) if value.get("lunar") else None
    dates = tuple(sorted(_dated(text, field) for text in value.get("dates", [])))
    return DaySet(lunar, dates, str(value.get("name", "")))


def _lunar_month_day(value: Any, field: str) -> tuple[int, int]:
    parts = value.split("-") if isinstance(value, str) else []
    if len(parts) != 2 or not all(part.isdecimal() and len(part) == 2 for part in parts):
        raise _bad(field)
    month, day = int(parts[0]), int(parts[1])
    if not (1 <= month <= 12 and 1 <= day <= 30):
        raise _bad(field)
    return month, day


def _dated(text: Any, field: str) -> date:
    try:
        return date.fromisoformat(text)
    except (TypeError, ValueError) as error:
        raise _bad(field) from error


def _day_of(year: int, month_day: tuple[int, int] | None) -> date | None:
    assert month_day is not None
    try:
        return date(year, *month_day)
    except ValueError:  # 29 February of a common year
        return None


def _bad(field: str) -> BadInput:
    return BadInput(
        {
            field: (
                "Ngày chưa đúng: ngày lễ ghi như 09-02, 2026-12-24 hoặc âm lịch 01-01.",
                "A day is not understood: write a holiday like 09-02, 2026-12-24 or lunar 01-01.",
            )
        }
    )
