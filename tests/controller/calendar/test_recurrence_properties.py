"""Whatever the rule, the dates are dateutil's, and where a look begins changes nothing."""

from datetime import UTC, datetime, timedelta

from dateutil.rrule import rrulestr
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st

from controller.calendar.recurrence import Rule, occurrences
from controller.calendar.rrule_text import RRule
from controller.calendar.wall import to_utc, zone
from controller.errors import BadInput

# The same examples on every run; a failing one is printed as it is.
STEADY = settings(
    max_examples=80, derandomize=True, deadline=None, phases=(Phase.explicit, Phase.generate)
)
FIRST = datetime(2026, 1, 6, 5, 30)  # noqa: DTZ001 - wall time
ZONES = ("Asia/Ho_Chi_Minh", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe")
DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


@st.composite
def rules(draw):
    freq = draw(st.sampled_from(("DAILY", "WEEKLY", "MONTHLY", "YEARLY")))
    parts = [f"FREQ={freq}", f"INTERVAL={draw(st.integers(1, 4))}"]
    if draw(st.booleans()):
        days = draw(st.lists(st.sampled_from(DAYS), min_size=1, max_size=4, unique=True))
        parts.append(f"BYDAY={','.join(days)}")
    if freq != "WEEKLY" and draw(st.booleans()):
        days = draw(st.lists(st.sampled_from((1, 2, 13, 15, 28, 31, -1, -2)), min_size=1,
                             max_size=3, unique=True))  # fmt: skip
        parts.append(f"BYMONTHDAY={','.join(map(str, days))}")
    if draw(st.booleans()):
        parts.append(f"BYMONTH={draw(st.integers(1, 12))}")
    end = draw(st.sampled_from(("", "COUNT=7", "UNTIL=20270301T000000")))
    return ";".join([*parts, end]).rstrip(";")


def found(rule, timezone, after, until):
    return list(occurrences(rule, timezone, FIRST, after, until))


@STEADY
@given(text=rules(), timezone=st.sampled_from(ZONES), start=st.integers(0, 700))
def test_the_dates_are_those_of_dateutil(text, timezone, start):
    try:
        rule = Rule(rrule=RRule.parse(text))
    except BadInput:
        assume(False)
    after = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=start)
    until = after + timedelta(days=90)
    tz = zone(timezone)
    last = until.replace(tzinfo=None) + timedelta(days=2)
    plain = (to_utc(d, tz) for d in rrulestr(text, dtstart=FIRST).between(FIRST, last, inc=True))
    expected = [instant for instant in plain if after <= instant < until]
    assert [o.starts_at for o in found(rule, timezone, after, until)] == expected


@STEADY
@given(text=rules(), timezone=st.sampled_from(ZONES), cut=st.integers(1, 89 * 24))
def test_two_looks_are_one_look(text, timezone, cut):
    try:
        rule = Rule(rrule=RRule.parse(text))
    except BadInput:
        assume(False)
    after = datetime(2026, 2, 20, tzinfo=UTC)
    until, middle = after + timedelta(days=90), after + timedelta(hours=cut)
    parts = found(rule, timezone, after, middle) + found(rule, timezone, middle, until)
    assert parts == found(rule, timezone, after, until)
