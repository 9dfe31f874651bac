"""Parts of the year: from one day of the year to another, both included, also over New Year."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time
from typing import Any

from controller.errors import BadInput

_MONTH_DAY = re.compile(r"(\d\d)-(\d\d)")
_TIME = re.compile(r"(\d\d):(\d\d)")


@dataclass(frozen=True, slots=True)
class Season:
    """`from_` and `to` are (month, day)."""

    from_: tuple[int, int]
    to: tuple[int, int]

    def has(self, day: date) -> bool:
        place = (day.month, day.day)
        if self.from_ <= self.to:
            return self.from_ <= place <= self.to
        return place >= self.from_ or place <= self.to


@dataclass(frozen=True, slots=True)
class SeasonTime:
    """The local time of day that holds in a part of the year."""

    season: Season
    time: time


def season_from_json(value: Mapping[str, Any], field: str) -> Season:
    """From {"from": "04-16", "to": "10-15"}. Raises BadInput."""
    return Season(month_day(value.get("from"), field), month_day(value.get("to"), field))


def season_times_from_json(values: Any, field: str) -> tuple[SeasonTime, ...]:
    """From [{"from", "to", "time"}]. Raises BadInput, also when two overlap."""
    if not isinstance(values, list) or not all(isinstance(v, Mapping) for v in values):
        raise _bad(field, values)
    times = tuple(
        SeasonTime(season_from_json(value, field), clock(value.get("time"), field))
        for value in values
    )
    _refuse_overlap(times, field)
    return times


def month_day(value: Any, field: str) -> tuple[int, int]:
    """(month, day) from "MM-DD"; 29 February is a day. Raises BadInput."""
    match = _MONTH_DAY.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise _bad(field, value)
    month, day = int(match[1]), int(match[2])
    try:
        date(2024, month, day)
    except ValueError as error:
        raise _bad(field, value) from error
    return month, day


def clock(value: Any, field: str) -> time:
    """A time of day from "HH:MM"; "24:00" is the end of the day (time.max). Raises BadInput."""
    match = _TIME.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise _bad(field, value)
    if value == "24:00":
        return time.max
    try:
        return time(int(match[1]), int(match[2]))
    except ValueError as error:
        raise _bad(field, value) from error


def _refuse_overlap(times: tuple[SeasonTime, ...], field: str) -> None:
    if len(times) < 2:
        return
    for day in (date.fromordinal(date(2024, 1, 1).toordinal() + i) for i in range(366)):
        if sum(entry.season.has(day) for entry in times) > 1:
            raise BadInput(
                {
                    field: (
                        f"Hai mùa cùng chứa ngày {day:%d/%m}: hãy sửa để các mùa không chồng nhau.",
                        f"Two seasons contain {day:%d %B}: change them so that none overlap.",
                    )
                }
            )


def _bad(field: str, value: Any) -> BadInput:
    return BadInput(
        {
            field: (
                f"Không hiểu «{value}»: ngày trong năm ghi như 04-16, giờ ghi như 05:30.",
                f"'{value}' is not understood: write a day like 04-16 and a time like 05:30.",
            )
        }
    )
