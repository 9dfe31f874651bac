"""The Vietnamese lunar calendar (UTC+7): its months, and rules made of lunar days.

The calendar itself comes from the package lunar-vn; here its months are laid out as spans of
solar days, so that a rule asks for each month once and not for each day.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any

import lunar_vn

from controller.errors import BadInput

FIRST_YEAR, LAST_YEAR = 1901, 2099  # what the package covers, less a margin at both ends
_LONGEST_MONTH = 30


class Leap(StrEnum):
    """What a rule does with a leap month."""

    INCLUDE = "include"
    EXCLUDE = "exclude"
    ONLY = "only"


@dataclass(frozen=True, slots=True)
class LunarDate:
    """A day of the lunar calendar."""

    year: int
    month: int
    day: int
    leap: bool = False


@dataclass(frozen=True, slots=True)
class LunarMonth:
    """A lunar month as solar days: from `start`, for 29 or 30 days."""

    start: date
    days: int
    year: int
    month: int
    leap: bool

    def on(self, day: int) -> date | None:
        """The solar day of the lunar `day`; 30 is also the last of 29, -1 counts from the end."""
        if day < 0:
            return self.start + timedelta(days=self.days + day)
        if day > self.days:
            day = self.days if day == _LONGEST_MONTH else 0
        return self.start + timedelta(days=day - 1) if day else None


@dataclass(frozen=True, slots=True)
class LunarRule:
    """Days of the lunar month, each moved by `offset_days`."""

    days: tuple[int, ...]
    offset_days: int = 0
    leap: Leap = Leap.INCLUDE

    @classmethod
    def from_json(cls, value: Any, field: str = "recurrence") -> "LunarRule":
        """From {"days": [1, 15], "offset_days": 0, "leap": "include"}. Raises BadInput."""
        if not isinstance(value, Mapping):
            raise _bad(field)
        days, offset = value.get("days"), value.get("offset_days", 0)
        leap = value.get("leap", Leap.INCLUDE.value)
        if not isinstance(days, list) or not days or not all(_is_day(day) for day in days):
            raise _bad(field)
        if type(offset) is not int or abs(offset) > _LONGEST_MONTH or leap not in set(Leap):
            raise _bad(field)
        return cls(tuple(sorted(set(days))), offset, Leap(leap))

    def dates(self, from_: date, until: date) -> list[date]:
        """The solar days in [from_, until], in order, each once."""
        shift = timedelta(days=self.offset_days)
        found = {
            day + shift
            for month in months(from_ - shift, until - shift)
            if self._takes(month)
            for number in self.days
            if (day := month.on(number)) is not None
        }
        return sorted(day for day in found if from_ <= day <= until)

    def _takes(self, month: LunarMonth) -> bool:
        return self.leap is Leap.INCLUDE or month.leap is (self.leap is Leap.ONLY)


def lunar_date(day: date) -> LunarDate:
    """The lunar date of a solar day (1901 to 2099). Raises BadInput outside."""
    for month in reversed(_months_of(day.year) if day.year > FIRST_YEAR else ()):
        if month.start <= day:
            return LunarDate(month.year, month.month, (day - month.start).days + 1, month.leap)
    return _convert(day)


def months(from_: date, until: date) -> Iterator[LunarMonth]:
    """The lunar months that have a day in [from_, until], in order."""
    for year in range(from_.year - 1, until.year + 1):
        for month in _months_of(year):
            if month.start <= until and month.start + timedelta(days=month.days) > from_:
                yield month


@lru_cache(maxsize=256)
def _months_of(year: int) -> tuple[LunarMonth, ...]:
    """The lunar months that start in a solar year."""
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise BadInput(
            {
                "recurrence": (
                    f"Âm lịch chỉ tính được từ năm {FIRST_YEAR} đến năm {LAST_YEAR}.",
                    f"The lunar calendar is known from {FIRST_YEAR} to {LAST_YEAR} only.",
                )
            }
        )
    found = []
    start = _next_start(date(year - 1, 12, 31))
    while start.year == year:
        following = _next_start(start)
        first = _convert(start)
        length = (following - start).days
        found.append(LunarMonth(start, length, first.year, first.month, first.leap))
        start = following
    return tuple(found)


def _next_start(day: date) -> date:
    """The first day of the lunar month after the one `day` is in."""
    guess = day + timedelta(days=_LONGEST_MONTH - _convert(day).day)
    # `guess` is the 30th, or the 1st of the next month when this one has 29 days.
    return guess if _convert(guess).day == 1 else guess + timedelta(days=1)


def _convert(day: date) -> LunarDate:
    found = lunar_vn.solar_to_lunar(day)
    return LunarDate(found.year, found.month, found.day, bool(found.leap))


def _is_day(value: Any) -> bool:
    return type(value) is int and (1 <= value <= _LONGEST_MONTH or value == -1)


def _bad(field: str) -> BadInput:
    return BadInput(
        {
            field: (
                "Lịch âm chưa đúng: chọn ngày từ 1 đến 30, số ngày lệch, và tháng nhuận "
                "(include, exclude hoặc only).",
                "The lunar rule is not understood: days from 1 to 30, offset_days, and leap "
                "(include, exclude or only).",
            )
        }
    )
