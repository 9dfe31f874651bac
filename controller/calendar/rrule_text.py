"""The text of an RFC 5545 RRULE, checked and taken apart; dateutil works out the dates."""

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr

from controller.calendar.wall import to_local
from controller.errors import BadInput

_PART = re.compile(r"[A-Z]+=[A-Z0-9,+-]+")
_UNTIL = re.compile(r"(\d{8})(?:T(\d{6})(Z?))?")
_KEYS = frozenset(
    {
        "FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYSETPOS", "BYMONTH", "BYMONTHDAY",
        "BYYEARDAY", "BYWEEKNO", "BYDAY", "BYHOUR", "BYMINUTE", "BYSECOND",
    }
)  # fmt: skip
_FREQUENCIES = frozenset({"YEARLY", "MONTHLY", "WEEKLY", "DAILY", "HOURLY", "MINUTELY", "SECONDLY"})
_NUMBERED = frozenset({"YEARLY", "MONTHLY"})  # where a day may have a number
_LATE = datetime(9950, 1, 1)  # noqa: DTZ001 - wall time
# After so many days times the interval a rule is where it was in its step.
_STEP_DAYS = {"SECONDLY": 1, "MINUTELY": 1, "HOURLY": 1, "DAILY": 1, "WEEKLY": 7}


@dataclass(frozen=True, slots=True)
class RRule:
    """`text` is the rule without COUNT and UNTIL, which are applied around it.

    `until` is a date (to its end), wall time, or, with `until_is_utc`, an instant.
    """

    text: str
    freq: str
    interval: int = 1
    count: int | None = None
    until: datetime | None = None
    until_is_utc: bool = False

    @classmethod
    def parse(cls, rule: str, field: str = "recurrence") -> "RRule":
        """From "FREQ=WEEKLY;BYDAY=MO" (also after "RRULE:"). Raises BadInput."""
        parts = _parts(rule, field)
        until, is_utc = _until(parts.pop("UNTIL", None), field)
        count = _number(parts.pop("COUNT", None), field)
        parts = _numbered_alike(parts)
        if count is not None and until is not None:
            raise _bad(field, rule)  # the standard allows one of them
        text = ";".join(f"{key}={value}" for key, value in parts.items())
        _try(parts, rule, field)
        interval = _number(parts.get("INTERVAL"), field) or 1
        return cls(text, parts["FREQ"], interval, count, until, is_utc)

    def last_local(self, tz: ZoneInfo) -> datetime | None:
        """The last wall time UNTIL allows."""
        if self.until is None or not self.until_is_utc:
            return self.until
        return to_local(self.until, tz)

    def forward(self, starts: datetime, from_: datetime) -> datetime:
        """A later start with the same phase, so that old schedules are not counted from afar."""
        days = _STEP_DAYS.get(self.freq)
        if days is None or self.count is not None or from_ <= starts:
            return starts
        step = timedelta(days=days * self.interval)
        # One step less: BYDAY may lie before the start within its week.
        return starts + max((from_ - starts) // step - 1, 0) * step


def _parts(rule: str, field: str) -> dict[str, str]:
    texts = rule.strip().removeprefix("RRULE:").upper().rstrip(";").split(";")
    if not all(_PART.fullmatch(text) for text in texts):
        raise _bad(field, rule)
    parts = dict(text.split("=") for text in texts)
    if len(parts) != len(texts) or not _KEYS.issuperset(parts):
        raise _bad(field, rule)
    if parts.get("FREQ") not in _FREQUENCIES:
        raise _bad(field, rule)
    return parts


def _numbered_alike(parts: dict[str, str]) -> dict[str, str]:
    """TU,-1FR as 1TU,2TU,…,-1FR: of plain and numbered days together dateutil keeps none."""
    days = parts.get("BYDAY", "").split(",")
    plain = [day for day in days if day.isalpha()]
    if parts["FREQ"] not in _NUMBERED or not plain or len(plain) == len(days):
        return parts
    most = 5 if parts["FREQ"] == "MONTHLY" or "BYMONTH" in parts else 53
    numbered = [f"{number}{day}" for day in plain for number in range(1, most + 1)]
    return parts | {"BYDAY": ",".join([day for day in days if day not in plain] + numbered)}


def _try(parts: dict[str, str], rule: str, field: str) -> None:
    # dateutil refuses what it does not understand only when it builds the rule, and searches for
    # what never happens (30 February) up to the year 9999: let it search the last years only.
    text = ";".join(f"{key}={value}" for key, value in parts.items() if key != "INTERVAL")
    try:
        found = next(iter(rrulestr(text, dtstart=_LATE)), None)
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise _bad(field, rule) from error
    if found is None:
        raise BadInput(
            {
                field: (
                    f"Cách lặp lại «{rule}» không bao giờ rơi vào ngày nào: hãy chọn ngày khác.",
                    f"The recurrence '{rule}' never falls on any day: choose other days.",
                )
            }
        )


def _until(text: str | None, field: str) -> tuple[datetime | None, bool]:
    if text is None:
        return None, False
    match = _UNTIL.fullmatch(text)
    if match is None:
        raise _bad(field, text)
    try:
        day = date.fromisoformat(match[1])
        moment = time.fromisoformat(match[2]) if match[2] else time.max
    except ValueError as error:
        raise _bad(field, text) from error
    value = datetime.combine(day, moment)
    if match[3]:
        return datetime.fromisoformat(f"{value.isoformat()}+00:00"), True
    return value, False


def _number(text: str | None, field: str) -> int | None:
    if text is None:
        return None
    if not text.isdecimal() or not 1 <= int(text) <= 10_000:
        raise _bad(field, text)
    return int(text)


def _bad(field: str, rule: str) -> BadInput:
    return BadInput(
        {
            field: (
                f"Không hiểu cách lặp lại «{rule}»: hãy dùng quy tắc RFC 5545 như "
                "FREQ=WEEKLY;BYDAY=MO,FR.",
                f"The recurrence '{rule}' is not understood: use an RFC 5545 rule such as "
                "FREQ=WEEKLY;BYDAY=MO,FR.",
            )
        }
    )
