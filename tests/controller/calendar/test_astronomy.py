"""Eighty years of lunar months, held against the sky."""

from datetime import date, timedelta

from controller.calendar.lunar import lunar_date, months
from tests.controller.calendar.astronomy import calendar

FIRST, LAST = date(1990, 1, 1), date(2070, 12, 31)


def test_every_lunar_month_from_1990_to_2070_begins_and_is_named_as_the_sky_says():
    kept = {m.start: (m.month, m.leap) for m in months(FIRST, LAST)}
    sky = {m.start: (m.month, m.leap) for m in calendar(1989, 2072)}
    assert len(kept) > 1000
    assert {start: sky.get(start) for start in kept} == kept
    assert {start for start in sky if min(kept) <= start <= max(kept)} == kept.keys()


def test_every_day_from_1990_to_2070_has_the_date_the_sky_gives_it():
    sky = calendar(1989, 2072)
    begins = {month.start: month for month in sky}
    day = max(start for start in begins if start <= FIRST)
    month, number = begins[day], 0
    while day <= LAST:
        month, number = (begins[day], 1) if day in begins else (month, number + 1)
        found = lunar_date(day)
        assert (found.day, found.month, found.leap) == (number, month.month, month.leap), day
        day += timedelta(days=1)
