"""When a broadcast repeats: from the form's fields to the API's words, and back into the fields."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from werkzeug.datastructures import MultiDict

from controller.errors import BadInput
from web.repeat_words import shown_day

REPEATS = ("once", "daily", "weekly", "lunar")
LEAPS = ("include", "exclude", "only")
OFFSETS = tuple(str(days) for days in range(-7, 8))
HOLIDAYS = ("play", "skip", "move", "only")
KEEP = "keep"  # of a schedule that is changed: as it repeats now
MOST_SEASONS = 8
# The halves of the year as offices keep them; they count only once a time stands beside them.
USUAL_SEASONS: Final = {0: ("16/4", "15/10"), 1: ("16/10", "15/4")}
_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
Form = MultiDict[str, str]


def recurrence_of(form: Form) -> dict[str, Any] | None:
    """The API's `recurrence` for what was chosen; None: once."""
    repeat = form.get("repeat", "once")
    if repeat == "daily":
        return {"rrule": "FREQ=DAILY"}
    if repeat == "weekly":
        return {"rrule": f"FREQ=WEEKLY;BYDAY={','.join(_chosen_days(form))}"}
    if repeat == "lunar":
        days = [int(each) for each in form.getlist("lunar") if each in ("1", "15", "30")]
        offset, leap = form.get("lunar_offset", "0"), form.get("lunar_leap", LEAPS[0])
        return {
            "lunar": {
                "days": days or [1, 15],
                "offset_days": int(offset) if offset in OFFSETS else 0,
                "leap": leap if leap in LEAPS else LEAPS[0],
            }
        }
    return None


def starts_of(form: Form) -> str:
    """Local text of the first start, as the form gives it."""
    return f"{form.get('date', '')}T{form.get('time', '')}"


def until_of(form: Form) -> str | None:
    """The last day of a repetition, or None."""
    return form.get("until") or None if form.get("repeat", "once") != "once" else None


def _chosen_days(form: Form) -> list[str]:
    chosen = [_DAYS[int(each) - 1] for each in form.getlist("days") if re.fullmatch("[1-7]", each)]
    if chosen:
        return chosen
    try:
        first = date.fromisoformat(form.get("date", ""))
    except ValueError:
        return [_DAYS[0]]
    return [_DAYS[first.weekday()]]


def exceptions_of(form: Form, kept: Mapping[str, Any] | None = None) -> dict[str, Any] | None:
    """The API's `exceptions`: those kept, with what the form says of days and catching up."""
    found = dict(kept or {})
    if "extras" not in form:  # a form that does not ask
        return found or None
    repeats = form.get("repeat", "once") != "once"
    if repeats:  # a single day is a choice of its own, holiday or not
        found |= {"on_holidays": form.get("holidays", "")}
        if not _day_set(form, "on"):  # one field for both; beside "only on" a kept "not on" stays
            found["not_on"] = _day_set(form, "off")
    found["catch_up"] = bool(form.get("catch_up"))
    if found.get("on_holidays") not in HOLIDAYS[1:]:
        found.pop("on_holidays", None)
    return {name: value for name, value in found.items() if value} or None


def day_set_of(form: Form) -> str | None:
    """The set of days on which alone it airs; None: no such."""
    return None if form.get("repeat", "once") == "once" else _day_set(form, "on")


def _day_set(form: Form, way: str) -> str | None:
    found, _colon, name = form.get("day_set", "").partition(":")
    return name if found == way and name else None


def seasons_of(form: Form) -> list[dict[str, str]] | None:
    """The API's `seasons` from the lines that are filled. Raises BadInput for half a line."""
    if form.get("repeat", "once") == "once":
        return None
    found = []
    for number in range(MOST_SEASONS):
        first, last, clock = (
            form.get(f"season-{number}-{name}", "").strip() for name in ("from", "to", "time")
        )
        if clock and first and last:
            found.append({"from": month_day(first), "to": month_day(last), "time": clock[:5]})
        elif clock or ((first or last) and (first, last) != USUAL_SEASONS.get(number)):
            raise _half()
    return found or None


def season_rows(values: Form) -> list[dict[str, str]]:
    """The lines as they are, at least the two halves of the year and one blank one."""
    names = ("from", "to", "time")
    rows = [
        {name: values.get(f"season-{number}-{name}", "") for name in names}
        for number in range(MOST_SEASONS)
    ]
    filled = max((n for n, row in enumerate(rows) if any(row.values())), default=-1)
    if filled < 0:
        for number, (first, last) in USUAL_SEASONS.items():
            rows[number] |= {"from": first, "to": last}
    return rows[: max(2, filled + 2)]


def fields_of(rule: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that show a kept rule, as far as there are fields for it."""
    recurrence: Mapping[str, Any] = rule.get("recurrence") or {}
    exceptions: Mapping[str, Any] = rule.get("exceptions") or {}
    lunar: Mapping[str, Any] = recurrence.get("lunar") or {}
    values: dict[str, Any] = {
        "holidays": exceptions.get("on_holidays", "play"),
        "catch_up": "1" if exceptions.get("catch_up") else "",
        "lunar": [str(30 if day == -1 else day) for day in lunar.get("days", ())],
        "lunar_offset": str(lunar.get("offset_days", 0)),
        "lunar_leap": lunar.get("leap", LEAPS[0]),
    }
    match = re.fullmatch(r"FREQ=WEEKLY;BYDAY=([A-Z,]+)", str(recurrence.get("rrule", "")))
    values["days"] = [str(n) for n, day in enumerate(_DAYS, 1) if match and day in match[1]]
    if rule.get("day_set"):
        values["day_set"] = f"on:{rule['day_set']}"
    elif exceptions.get("not_on"):
        values["day_set"] = f"off:{exceptions['not_on']}"
    for number, season in enumerate(rule.get("seasons") or ()):
        for name in ("from", "to"):
            values[f"season-{number}-{name}"] = shown_day(season.get(name, ""))
        values[f"season-{number}-time"] = season.get("time", "")
    return values


def month_day(text: str) -> str:
    """04-16 for 16/4, as people write days. Raises BadInput."""
    day, _, month = text.strip().partition("/")
    if not (day.isdecimal() and month.isdecimal() and len(day) < 3 and len(month) < 3):
        raise BadInput(
            {
                "seasons": (
                    "Mùa chưa đúng: hãy ghi ngày/tháng, ví dụ 16/4.",
                    "The season is not understood: write day/month, such as 16/4.",
                )
            }
        )
    return f"{int(month):02}-{int(day):02}"


def _half() -> BadInput:
    return BadInput(
        {
            "seasons": (
                "Mùa còn thiếu: hãy ghi đủ từ ngày, đến ngày và giờ phát, hoặc xóa cả dòng.",
                "A season is not complete: enter its first day, last day and time, or empty "
                "the line.",
            )
        }
    )
