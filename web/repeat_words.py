"""When a broadcast repeats, in words an official reads out: any rule kept, also by the API."""

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from web.filters import in_line, lunar_text, session_name, weekday_name
from web.i18n import _
from web.rrule_words import of_rule

_MOST_DATES = 4


def in_words(
    starts_local: str, rule: Mapping[str, Any], day_sets: Mapping[str, str] | None = None
) -> str:
    """17:00 (chiều), thứ 2, thứ 4 hằng tuần, từ 23/11/2026; nghỉ ngày lễ.

    `rule` as a schedule keeps it; `day_sets`: the names of the areas' sets of days by key.
    """
    starts = datetime.fromisoformat(starts_local)
    from_, names = _dated(starts.date()), day_sets or {}
    days = _days(rule, starts.date(), names)
    if not days:
        day = in_line(weekday_name(starts.isoweekday()))
        text = _("%(clock)s, %(day)s ngày %(date)s", clock=_clock(starts), day=day, date=from_)
        return "; ".join([text, *_exceptions(rule, names)])
    text = _("%(clock)s, %(days)s, từ %(date)s", clock=_clock(starts), days=days, date=from_)
    until = str(rule.get("until") or "")[:10]
    if until:
        text += " " + _("đến %(date)s", date=_dated(date.fromisoformat(until)))
    return "; ".join([text, *_seasons(rule), *_exceptions(rule, names)])


def repeats(rule: Mapping[str, Any]) -> bool:
    """Whether it airs more than once."""
    return bool(rule.get("recurrence") or rule.get("day_set"))


def days_in_words(
    rule: Mapping[str, Any], starts_local: str, day_sets: Mapping[str, str] | None = None
) -> str:
    """Only how it repeats: thứ 2 hằng tuần, chỉ vào «Tàu về bến». Empty: once."""
    return _days(rule, datetime.fromisoformat(starts_local).date(), day_sets or {})


def _clock(starts: datetime) -> str:
    return f"{starts:%H:%M} ({session_name(starts.hour)})"


def _dated(day: date) -> str:
    """23/11/2026 (15/10 âm lịch)."""
    by_moon = lunar_text(day.isoformat())
    return f"{day:%d/%m/%Y} ({by_moon})" if by_moon else f"{day:%d/%m/%Y}"


def _days(rule: Mapping[str, Any], first: date, names: Mapping[str, str]) -> str:
    recurrence, found = rule.get("recurrence"), []
    if recurrence:
        found.append(_regular(recurrence, first))
    key = rule.get("day_set")
    if key:
        found.append(_("chỉ vào ngày «%(name)s»", name=names.get(key) or key))
    return ", ".join(found)


def _regular(recurrence: Mapping[str, Any], first: date) -> str:
    lunar = recurrence.get("lunar")
    if lunar:
        return _lunar(lunar)
    return of_rule(str(recurrence.get("rrule", "")), first)


def _lunar(lunar: Mapping[str, Any]) -> str:
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


def _seasons(rule: Mapping[str, Any]) -> list[str]:
    """riêng từ 16/4 đến 15/10 phát lúc 05:00 (sáng)"""
    return [
        _(
            "riêng từ %(first)s đến %(last)s phát lúc %(clock)s",
            first=shown_day(each.get("from", "")),
            last=shown_day(each.get("to", "")),
            clock=f"{each.get('time')} ({session_name(int(str(each.get('time'))[:2]))})",
        )
        for each in rule.get("seasons") or ()
    ]


def _exceptions(rule: Mapping[str, Any], names: Mapping[str, str]) -> list[str]:
    kept: Mapping[str, Any] = rule.get("exceptions") or {}
    found = []
    key = kept.get("not_on")
    if key:
        found.append(_("không phát vào ngày «%(name)s»", name=names.get(key) or key))
    holidays = {
        "skip": _("nghỉ ngày lễ"),
        "move": _("gặp ngày lễ thì dời sang ngày kế tiếp"),
        "only": _("chỉ vào ngày lễ"),
    }
    if kept.get("on_holidays") in holidays:
        found.append(holidays[kept["on_holidays"]])
    if kept.get("exdates"):
        found.append(_("trừ %(dates)s", dates=_dates(kept["exdates"])))
    if kept.get("rdates"):
        found.append(_("thêm %(dates)s", dates=_dates(kept["rdates"])))
    return found


def _dates(texts: list[str]) -> str:
    days = [f"{date.fromisoformat(text[:10]):%d/%m/%Y}" for text in texts[:_MOST_DATES]]
    rest = len(texts) - _MOST_DATES
    more = " " + _("và %(n)s ngày khác", n=rest) if rest > 0 else ""
    return ", ".join(days) + more


def shown_day(text: str) -> str:
    """16/4 for 04-16, as people write days; anything else as it is."""
    match = re.fullmatch(r"(\d\d)-(\d\d)", text)
    return f"{int(match[2])}/{int(match[1])}" if match else text
