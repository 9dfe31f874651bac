"""When a broadcast repeats: from the form's fields to the API's words, and back into a sentence."""

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from werkzeug.datastructures import MultiDict

from web.filters import lunar_text, session_name, weekday_name
from web.i18n import _

REPEATS = ("once", "daily", "weekly", "lunar")
LEAPS = ("include", "exclude", "only")
OFFSETS = tuple(str(days) for days in range(-7, 8))
HOLIDAYS = ("play", "skip", "move", "only")
KEEP = "keep"  # of a schedule that is changed: as it repeats now
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


def in_words(starts_local: str, rule: Mapping[str, Any]) -> str:
    """17:00 (chiều), thứ 2, thứ 4 hằng tuần, từ 23/11/2026."""
    starts = datetime.fromisoformat(starts_local)
    clock = f"{starts:%H:%M} ({session_name(starts.hour)})"
    from_ = _dated(starts.date())
    recurrence = rule.get("recurrence")
    if not recurrence:
        day = weekday_name(starts.isoweekday()).lower()
        return _("%(clock)s, %(day)s ngày %(date)s", clock=clock, day=day, date=from_)
    text = _(
        "%(clock)s, %(days)s, từ %(date)s", clock=clock, days=_days_in_words(recurrence), date=from_
    )
    until = str(rule.get("until") or "")[:10]
    if until:
        text += " " + _("đến %(date)s", date=_dated(date.fromisoformat(until)))
    return text


def _dated(day: date) -> str:
    """23/11/2026 (15/10 âm lịch)."""
    by_moon = lunar_text(day.isoformat())
    return f"{day:%d/%m/%Y} ({by_moon})" if by_moon else f"{day:%d/%m/%Y}"


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
    """The API's `exceptions`: those kept, with what the form says of holidays and catching up."""
    found = dict(kept or {})
    if "extras" not in form:  # a form that does not ask
        return found or None
    found |= {"on_holidays": form.get("holidays", ""), "catch_up": bool(form.get("catch_up"))}
    if found["on_holidays"] not in HOLIDAYS[1:]:
        del found["on_holidays"]
    if not found["catch_up"]:
        del found["catch_up"]
    return found or None


def _lunar_in_words(lunar: Mapping[str, Any]) -> str:
    names = {1: _("mùng một"), 15: _("rằm"), 30: _("ngày cuối tháng"), -1: _("ngày cuối tháng")}
    days = [names.get(day) or _("ngày %(day)s âm lịch", day=day) for day in lunar.get("days", ())]
    text = _("%(days)s hằng tháng âm lịch", days=", ".join(days))
    offset = int(lunar.get("offset_days") or 0)
    if offset < 0:
        text = _("%(count)s ngày trước %(days)s", count=-offset, days=text)
    elif offset:
        text = _("%(count)s ngày sau %(days)s", count=offset, days=text)
    leaps = {"exclude": _("trừ tháng nhuận"), "only": _("chỉ tháng nhuận")}
    leap = leaps.get(str(lunar.get("leap")))
    return f"{text} ({leap})" if leap else text


def _days_in_words(recurrence: Mapping[str, Any]) -> str:
    lunar = recurrence.get("lunar")
    if lunar:
        return _lunar_in_words(lunar)
    rule = str(recurrence.get("rrule", ""))
    if rule == "FREQ=DAILY":
        return _("hằng ngày")
    match = re.fullmatch(r"FREQ=WEEKLY;BYDAY=([A-Z,]+)", rule)
    if match:
        numbers = [_DAYS.index(each) + 1 for each in match[1].split(",") if each in _DAYS]
        days = [weekday_name(number).lower() for number in sorted(numbers)]
        return _("%(days)s hằng tuần", days=", ".join(days))
    return _("lặp lại theo quy tắc %(rule)s", rule=rule)
