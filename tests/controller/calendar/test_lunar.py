"""The lunar calendar: dates known from history, and rules of lunar days."""

from datetime import date, timedelta
from itertools import pairwise

import pytest

from controller.calendar.days import holiday_dates, holidays_from_json
from controller.calendar.lunar import Leap, LunarRule, lunar_date, months
from controller.errors import BadInput

# Tết, as kept in Viet Nam; in 1985, 2007 and 2030 another day than in China.
TET = ["1985-01-21", "2007-02-17", "2020-01-25", "2023-01-22", "2024-02-10", "2025-01-29",
       "2026-02-17", "2027-02-06", "2028-01-26", "2030-02-02"]  # fmt: skip


@pytest.mark.parametrize("day", TET)
def test_tet_is_the_first_day_of_the_first_month(day):
    found = lunar_date(date.fromisoformat(day))
    assert (found.month, found.day, found.leap) == (1, 1, False)


@pytest.mark.parametrize(
    ("year", "leap_month"), [(2020, 4), (2023, 2), (2025, 6), (2028, 5), (2031, 3), (2033, 11)]
)
def test_leap_months_are_where_the_calendar_has_them(year, leap_month):
    found = [m.month for m in months(date(year, 1, 1), date(year, 12, 31)) if m.leap]
    assert found == [leap_month]


def test_months_follow_each_other_without_a_gap():
    found = list(months(date(1990, 1, 1), date(2070, 12, 31)))
    for month, following in pairwise(found):
        assert month.days in (29, 30)
        assert month.start + timedelta(days=month.days) == following.start


def test_every_day_of_a_month_counts_up():
    for month in months(date(2025, 1, 1), date(2026, 12, 31)):
        for day in (1, 15, month.days):
            found = lunar_date(month.start + timedelta(days=day - 1))
            assert (found.day, found.month, found.leap) == (day, month.month, month.leap)


def test_the_thirtieth_is_the_last_of_a_short_month():
    rule = LunarRule((30,))
    for day in rule.dates(date(2026, 1, 1), date(2026, 12, 31)):
        assert lunar_date(day + timedelta(days=1)).day == 1


def test_an_offset_moves_each_day():
    exact = LunarRule((15,)).dates(date(2026, 11, 1), date(2026, 12, 31))
    before = LunarRule((15,), offset_days=-1).dates(date(2026, 11, 1), date(2026, 12, 31))
    assert [day - timedelta(days=1) for day in exact] == before


def test_a_leap_month_is_in_out_or_alone():
    year = (date(2025, 1, 29), date(2026, 2, 16))
    counts = {leap: len(LunarRule((15,), leap=leap).dates(*year)) for leap in Leap}
    assert counts == {Leap.INCLUDE: 13, Leap.EXCLUDE: 12, Leap.ONLY: 1}


def test_holidays_by_the_moon_last_their_days():
    tet = holidays_from_json([{"lunar": "01-01", "days": 3}, {"date": "09-02"}], "holidays")
    found = holiday_dates(tet, date(2026, 1, 1), date(2026, 12, 31))
    assert sorted(str(day) for day in found) == [
        "2026-02-17",
        "2026-02-18",
        "2026-02-19",
        "2026-09-02",
    ]


def test_a_holiday_that_begins_the_year_before_reaches_over():
    eve = holidays_from_json([{"date": "12-31", "days": 2}], "holidays")
    assert holiday_dates(eve, date(2027, 1, 1), date(2027, 1, 5)) == {date(2027, 1, 1)}


@pytest.mark.parametrize(
    "rule",
    [{}, {"days": [0]}, {"days": [31]}, {"days": [1], "leap": "often"}, {"days": "1"}, None,
     {"days": [True]}, {"days": [1], "offset_days": 99}],
)  # fmt: skip
def test_a_lunar_rule_that_cannot_be_is_refused(rule):
    with pytest.raises(BadInput):
        LunarRule.from_json(rule)
