"""When a broadcast repeats: from the form's fields to the API's words, and back into a sentence."""

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from werkzeug.datastructures import MultiDict

from web.filters import session_name, weekday_name
from web.i18n import _

REPEATS = ("once", "daily", "weekly", "lunar")
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
        days = [int(each) for each in form.getlist("lunar") if each in ("1", "15")]
        return {"lunar": {"days": days or [1, 15], "offset_days": 0, "leap": "include"}}
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
    from_ = f"{starts:%d/%m/%Y}"
    recurrence = rule.get("recurrence")
    if not recurrence:
        day = weekday_name(starts.isoweekday()).lower()
        return _("%(clock)s, %(day)s ngày %(date)s", clock=clock, day=day, date=from_)
    text = _(
        "%(clock)s, %(days)s, từ %(date)s", clock=clock, days=_days_in_words(recurrence), date=from_
    )
    until = str(rule.get("until") or "")[:10]
    if until:
        text += " " + _("đến %(date)s", date=f"{date.fromisoformat(until):%d/%m/%Y}")
    return text


def _chosen_days(form: Form) -> list[str]:
    chosen = [_DAYS[int(each) - 1] for each in form.getlist("days") if re.fullmatch("[1-7]", each)]
    if chosen:
        return chosen
    try:
        first = date.fromisoformat(form.get("date", ""))
    except ValueError:
        return [_DAYS[0]]
    return [_DAYS[first.weekday()]]


def _days_in_words(recurrence: Mapping[str, Any]) -> str:
    lunar = recurrence.get("lunar")
    if lunar:
        names = {1: _("mùng một"), 15: _("rằm")}
        days = [
            names.get(day) or _("ngày %(day)s âm lịch", day=day) for day in lunar.get("days", ())
        ]
        return _("%(days)s hằng tháng âm lịch", days=", ".join(days))
    rule = str(recurrence.get("rrule", ""))
    if rule == "FREQ=DAILY":
        return _("hằng ngày")
    match = re.fullmatch(r"FREQ=WEEKLY;BYDAY=([A-Z,]+)", rule)
    if match:
        numbers = [_DAYS.index(each) + 1 for each in match[1].split(",") if each in _DAYS]
        days = [weekday_name(number).lower() for number in sorted(numbers)]
        return _("%(days)s hằng tuần", days=", ".join(days))
    return _("lặp lại theo quy tắc %(rule)s", rule=rule)
