"""A schedule's rule as it is kept (the API's own words) to the `Rule` that is worked out.

Names a schedule uses (its set of days, holidays) are looked up in what its areas keep, so a
change there reaches every schedule at the next roll-over.
"""

from collections.abc import Mapping
from datetime import date, datetime, time
from operator import itemgetter
from typing import Any
from zoneinfo import ZoneInfo

from controller.calendar.days import DaySet, Holiday
from controller.calendar.lunar import LunarRule
from controller.calendar.recurrence import Rule
from controller.calendar.rrule_text import RRule
from controller.calendar.season import season_times_from_json
from controller.calendar.wall import as_local, end_as_local, is_date, parse_time, zone
from controller.errors import BadInput

_ON_HOLIDAYS = ("play", "skip", "only", "move")


def rule_from_json(
    rule: Mapping[str, Any],
    timezone: str,
    day_sets: Mapping[str, DaySet] | None = None,
    holidays: tuple[Holiday, ...] = (),
) -> Rule:
    """From {recurrence, seasons, day_set, until, exceptions, overrides, time}. Raises BadInput."""
    tz = zone(timezone)
    rrule, lunar = _recurrence(rule.get("recurrence"))
    exceptions = rule.get("exceptions") or {}
    if not isinstance(exceptions, Mapping):
        raise _bad("exceptions")
    until = rule.get("until")
    return Rule(
        rrule=rrule,
        lunar=lunar,
        day_set=_day_set(rule.get("day_set"), day_sets or {}, "day_set"),
        not_on=_day_set(exceptions.get("not_on"), day_sets or {}, "exceptions"),
        seasons=season_times_from_json(rule.get("seasons") or [], "seasons"),
        exdates=frozenset(_exdate(text, tz) for text in _texts(exceptions, "exdates")),
        rdates=tuple(sorted(_local(text, tz) for text in _texts(exceptions, "rdates"))),
        until=None if until is None else end_as_local(until, tz, "until"),
        holidays=holidays,
        on_holidays=_on_holidays(exceptions),
        overrides=_overrides(rule.get("overrides") or {}, tz),
        at_time=time.fromisoformat(rule["time"]) if rule.get("time") else None,
    )


def _recurrence(value: Any) -> tuple[RRule | None, LunarRule | None]:
    if value is None:
        return None, None
    if isinstance(value, Mapping) and set(value) == {"rrule"} and isinstance(value["rrule"], str):
        return RRule.parse(value["rrule"]), None
    if isinstance(value, Mapping) and set(value) == {"lunar"}:
        return None, LunarRule.from_json(value["lunar"])
    raise _bad("recurrence")


def _day_set(name: Any, day_sets: Mapping[str, DaySet], field: str) -> DaySet | None:
    if not name:
        return None
    if not isinstance(name, str):
        raise _bad(field)
    if name not in day_sets:
        raise BadInput(
            {
                field: (
                    f"Địa bàn chưa có nhóm ngày «{name}»: hãy thêm vào địa bàn trước.",
                    f"The area keeps no set of days '{name}': add it to the area first.",
                )
            }
        )
    return day_sets[name]


def _texts(exceptions: Mapping[str, Any], key: str) -> list[str]:
    values = exceptions.get(key) or []
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise _bad("exceptions")
    return values


def _on_holidays(exceptions: Mapping[str, Any]) -> str:
    value = exceptions.get("on_holidays") or "play"
    if value not in _ON_HOLIDAYS:
        raise _bad("exceptions")
    return str(value)


def _exdate(text: str, tz: ZoneInfo) -> datetime | date:
    if is_date(text):
        return date.fromisoformat(text)
    return _local(text, tz)


def _local(text: str, tz: ZoneInfo) -> datetime:
    return as_local(text, tz, "exceptions")


def _overrides(values: Mapping[str, str], tz: ZoneInfo) -> tuple[tuple[datetime, datetime], ...]:
    moved = ((_local(old, tz), parse_time(new, "overrides")) for old, new in values.items())
    return tuple(sorted(moved, key=itemgetter(0)))


def _bad(field: str) -> BadInput:
    return BadInput(
        {
            field: (
                "Cách lặp lại hoặc ngoại lệ chưa đúng: hãy chọn lại ngày lặp và các ngày bỏ qua.",
                "The recurrence or its exceptions are not understood: recurrence is "
                '{"rrule": "…"} or {"lunar": {…}}; exceptions have exdates, rdates, on_holidays '
                "and not_on.",
            )
        }
    )
