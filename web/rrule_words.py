"""An RFC 5545 rule in words, also those that have no form; what has none is shown as it stands."""

import re
from datetime import date

from web.filters import in_line, weekday_name
from web.i18n import _

_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_KNOWN = frozenset({"FREQ", "INTERVAL", "BYDAY", "BYMONTHDAY", "BYMONTH", "COUNT", "UNTIL", "WKST"})


def of_rule(rule: str, first: date) -> str:
    """thứ 2, thứ 4 hằng tuần; `first` is the day it begins, which says what a rule leaves open."""
    parts = _parts(rule)
    text = _frequency(parts, first) if parts and _KNOWN.issuperset(parts) else ""
    if not text:
        return _("lặp lại theo quy tắc %(rule)s", rule=rule)
    return ", ".join([text, *_limits(parts)])


def _parts(rule: str) -> dict[str, str]:
    texts = rule.strip().removeprefix("RRULE:").upper().rstrip(";").split(";")
    pairs = (text.partition("=") for text in texts)
    return {key: value for key, _sign, value in pairs if value}


def _frequency(parts: dict[str, str], first: date) -> str:
    every = int(parts.get("INTERVAL", "1"))
    numbered = "BYDAY" in parts and re.search(r"\d", parts["BYDAY"])
    match parts.get("FREQ"):
        case "DAILY":
            return _daily(parts, every)
        case "WEEKLY" if not numbered and "BYMONTHDAY" not in parts:
            days = _weekdays(parts) or [in_line(weekday_name(first.isoweekday()))]
            return _joined(days, _weeks(every), parts)
        case "MONTHLY":
            return _joined(_of_month(parts, first), _months(every), parts)
        case "YEARLY":
            return _yearly(parts, first, every)
        case "HOURLY" | "MINUTELY" if {*parts} <= {"FREQ", "INTERVAL", "COUNT", "UNTIL"}:
            hours = parts["FREQ"] == "HOURLY"
            return _("%(n)s giờ một lần", n=every) if hours else _("%(n)s phút một lần", n=every)
    return ""


def _daily(parts: dict[str, str], every: int) -> str:
    if "BYMONTHDAY" in parts or (every > 1 and "BYDAY" in parts):
        return ""
    text = _("hằng ngày") if every == 1 else _("%(n)s ngày một lần", n=every)
    days = _weekdays(parts)
    return _joined(days, _weeks(1), parts) if days else _joined([], text, parts)


def _yearly(parts: dict[str, str], first: date, every: int) -> str:
    often = _("hằng năm") if every == 1 else _("%(n)s năm một lần", n=every)
    if "BYDAY" in parts:
        # Without a month a numbered weekday counts through the year, which nobody says aloud.
        return _joined(_of_month(parts, first), often, parts) if "BYMONTH" in parts else ""
    days = parts.get("BYMONTHDAY", str(first.day)).split(",")
    months = parts.get("BYMONTH", str(first.month)).split(",")
    if any(not day.isdecimal() for day in days):
        return ""
    dates = [f"{day}/{month}" for month in months for day in days]
    return _("ngày %(dates)s %(often)s", dates=", ".join(dates), often=often)


def _of_month(parts: dict[str, str], first: date) -> list[str]:
    if "BYDAY" in parts and "BYMONTHDAY" in parts:
        return []
    if "BYDAY" in parts:
        return [_numbered(each) for each in parts["BYDAY"].split(",")]
    days = [int(each) for each in parts.get("BYMONTHDAY", str(first.day)).split(",")]
    return [_day_of_month(day) for day in days]


def _day_of_month(day: int) -> str:
    if day == -1:
        return _("ngày cuối tháng")
    if day < 0:
        return _("ngày thứ %(n)s từ cuối tháng", n=-day)
    return _("ngày %(n)s", n=day)


def _numbered(text: str) -> str:
    """1MO: thứ 2 đầu tiên; -1FR: thứ 6 cuối cùng; MO: mọi thứ 2."""
    match = re.fullmatch(r"([+-]?\d+)?(MO|TU|WE|TH|FR|SA|SU)", text)
    if match is None:
        return text
    day, number = in_line(weekday_name(_DAYS.index(match[2]) + 1)), int(match[1] or 0)
    if number == 0:
        return _("mọi %(day)s", day=day)
    if number == 1:
        return _("%(day)s đầu tiên", day=day)
    if number == -1:
        return _("%(day)s cuối cùng", day=day)
    if number < 0:
        return _("%(day)s thứ %(n)s từ cuối lên", day=day, n=-number)
    return _("%(day)s lần thứ %(n)s", day=day, n=number)


def _weekdays(parts: dict[str, str]) -> list[str]:
    numbers = [_DAYS.index(each) + 1 for each in parts.get("BYDAY", "").split(",") if each in _DAYS]
    return [in_line(weekday_name(number)) for number in sorted(numbers)]


def _weeks(every: int) -> str:
    return _("hằng tuần") if every == 1 else _("(%(n)s tuần một lần)", n=every)


def _months(every: int) -> str:
    return _("hằng tháng") if every == 1 else _("(%(n)s tháng một lần)", n=every)


def _joined(days: list[str], often: str, parts: dict[str, str]) -> str:
    text = f"{', '.join(days)} {often}".strip()
    if parts.get("BYMONTH") and parts.get("FREQ") != "YEARLY":
        text = _("%(days)s (chỉ tháng %(months)s)", days=text, months=_listed(parts["BYMONTH"]))
    elif parts.get("BYMONTH"):
        text = _("%(days)s (vào tháng %(months)s)", days=text, months=_listed(parts["BYMONTH"]))
    return text


def _listed(numbers: str) -> str:
    return ", ".join(numbers.split(","))


def _limits(parts: dict[str, str]) -> list[str]:
    found = []
    if "COUNT" in parts:
        found.append(_("tất cả %(n)s lượt", n=parts["COUNT"]))
    match = re.match(r"(\d{4})(\d\d)(\d\d)", parts.get("UNTIL", ""))
    if match:
        found.append(_("đến %(date)s", date=f"{match[3]}/{match[2]}/{match[1]}"))
    return found
