"""A unit's own days as a form: holidays, and named sets of days such as «tàu về bến».

People write days as 2/9 or 24/12/2026; they are kept as 09-02 and 2026-12-24. What has no field
(leap months, days before or after a lunar day) stays as it was.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, NoReturn

from werkzeug.datastructures import MultiDict

from controller.errors import BadInput
from controller.searching import plain

Form = MultiDict[str, str]
_SPARE: Final = 2
_MOST: Final = 60
_LONGEST: Final = 100


@dataclass(frozen=True, slots=True)
class HolidayRow:
    """`day` as people write it; `lunar` "1": of the lunar calendar."""

    day: str = ""
    lunar: str = ""
    days: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class SetRow:
    """`key` is what schedules call it; `lunar` days of the lunar month; `dates` one by one."""

    key: str = ""
    name: str = ""
    lunar: str = ""
    dates: str = ""


def holiday_rows(kept: Sequence[Mapping[str, Any]] | None) -> list[HolidayRow]:
    """The holidays kept, and blank rows for more."""
    return [_holiday_row(each) for each in kept or ()] + [HolidayRow()] * _SPARE


def set_rows(kept: Mapping[str, Mapping[str, Any]] | None) -> list[SetRow]:
    """The sets of days kept, and a blank row for one more."""
    return [_set_row(key, each) for key, each in (kept or {}).items()] + [SetRow()]


def days_of(form: Form, before: Mapping[str, Any]) -> dict[str, Any]:
    """`holidays` and `day_sets` of the policy. Raises BadInput."""
    if "days_shown" not in form:  # a form that does not ask
        return {name: before[name] for name in ("holidays", "day_sets") if name in before}
    found = {"holidays": _holidays(form), "day_sets": _sets(form, before.get("day_sets") or {})}
    return {name: value for name, value in found.items() if value}


def _holidays(form: Form) -> list[dict[str, Any]]:
    found = []
    for number in range(_MOST):
        row = HolidayRow(*(_text(form, f"holiday_{number}_{n}") for n in HolidayRow.__slots__))
        if not row.day:
            if row.name:
                raise _bad("holidays", row.name)
            continue
        value: dict[str, Any] = {("lunar" if row.lunar else "date"): _kept_day(row)}
        if row.days and not row.days.isdecimal():
            _refuse(row.days)
        if row.days and row.days != "1":
            value["days"] = int(row.days)
        if row.name:
            value["name"] = row.name
        found.append(value)
    return found


def _kept_day(row: HolidayRow) -> str:
    parts = row.day.replace("-", "/").replace(".", "/").split("/")
    if not all(part.strip().isdecimal() for part in parts) or len(parts) not in (2, 3):
        _refuse(row.day)
    numbers = [int(part) for part in parts]
    if len(parts) == 2:
        return f"{numbers[1]:02}-{numbers[0]:02}"
    if row.lunar:
        _refuse(row.day)
    return _date(row.day)


def _sets(form: Form, before: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for number in range(_MOST):
        row = SetRow(*(_text(form, f"set_{number}_{n}", 2000) for n in SetRow.__slots__))
        if not (row.name or row.lunar or row.dates):
            continue
        if not row.name or not (row.lunar or row.dates):
            raise _unfinished()
        key = row.key if row.key in before else _key(row.name, {*before, *found})
        kept = before.get(key) or {}
        value: dict[str, Any] = {"name": row.name[:_LONGEST]}
        if row.lunar:
            value["lunar"] = {**(kept.get("lunar") or {}), "days": _numbers(row.lunar)}
        if row.dates:
            value["dates"] = sorted({_date(each) for each in re.split(r"[\s,;]+", row.dates)})
        found[key] = value
    return found


def _key(name: str, taken: set[str]) -> str:
    stem = re.sub(r"[^a-z0-9]+", "_", plain(name)).strip("_")[:40] or "days"
    numbered = (f"{stem}_{number}" for number in range(2, _MOST + 3))
    return next(each for each in (stem, *numbered) if each not in taken)


def _numbers(text: str) -> list[int]:
    parts = [each for each in re.split(r"[\s,;]+", text) if each]
    if not all(each.isdecimal() and 1 <= int(each) <= 30 for each in parts):
        _refuse(text)
    return sorted({int(each) for each in parts})


def _date(text: str) -> str:
    """2026-12-24 for 24/12/2026."""
    match = re.fullmatch(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4})", text.strip())
    try:
        assert match is not None
        return date(int(match[3]), int(match[2]), int(match[1])).isoformat()
    except (AssertionError, ValueError):
        _refuse(text)


def _holiday_row(value: Mapping[str, Any]) -> HolidayRow:
    text = str(value.get("lunar") or value.get("date") or "")
    parts = text.split("-")
    shown = "/".join([str(int(part)) for part in reversed(parts) if part.isdecimal()])
    days = str(value.get("days", ""))
    return HolidayRow(shown, "1" if value.get("lunar") else "", days, str(value.get("name", "")))


def _set_row(key: str, value: Mapping[str, Any]) -> SetRow:
    lunar = ", ".join(str(day) for day in (value.get("lunar") or {}).get("days", ()) if day > 0)
    dates = ", ".join(f"{date.fromisoformat(d):%d/%m/%Y}" for d in value.get("dates") or ())
    return SetRow(key, str(value.get("name") or key), lunar, dates)


def _text(form: Form, name: str, longest: int = _LONGEST) -> str:
    return form.get(name, "").strip()[:longest]


def _refuse(text: str) -> NoReturn:
    raise _bad("holidays", text)


def _bad(field: str, text: str) -> BadInput:
    return BadInput(
        {
            field: (
                f"Ngày «{text[:40]}» chưa đúng: hãy ghi như 2/9 hoặc 24/12/2026, "
                "ngày âm lịch từ 1 đến 30.",
                f"The day '{text[:40]}' is not understood: write 2/9 or 24/12/2026, "
                "lunar days from 1 to 30.",
            )
        }
    )


def _unfinished() -> BadInput:
    return BadInput(
        {
            "day_sets": (
                "Nhóm ngày cần có tên và ít nhất một ngày: hãy ghi đủ, hoặc xóa cả dòng.",
                "A set of days needs a name and at least one day: enter both, or empty the line.",
            )
        }
    )
