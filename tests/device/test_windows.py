"""What the windows permit, and that everything else is forbidden."""

from datetime import UTC, datetime, timedelta

import pytest

from device.windows import CLOSED, Hours, later_wait_s
from protocol.messages import DayPage, Window

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
FAR = NOON + timedelta(days=9)


def window(from_h, until_h, pct=100):
    return Window(NOON + from_h * HOUR, NOON + until_h * HOUR, pct)


def hours(*windows, until=FAR):
    return Hours(until, tuple(sorted(windows, key=lambda w: w.from_)))


def loudest(permitted, start, end):
    """The per cent of each band in turn."""
    return [band.volume_pct for band in permitted.bands(start, end)]


def test_inside_a_window_is_permitted_at_its_volume():
    assert loudest(hours(window(0, 2, 80)), NOON + HOUR, NOON + 2 * HOUR) == [80]


def test_beginning_before_or_ending_after_is_not():
    permitted = hours(window(0, 2))
    assert loudest(permitted, NOON - timedelta(seconds=1), NOON + HOUR) == []
    assert loudest(permitted, NOON, NOON + 2 * HOUR + timedelta(seconds=1)) == []


def test_windows_that_touch_count_as_one_each_at_its_volume():
    assert loudest(hours(window(0, 2, 100), window(2, 4, 60)), NOON + HOUR, NOON + 3 * HOUR) == [
        100,
        60,
    ]


def test_a_band_begins_where_its_window_does_and_overlaps_take_the_quieter():
    permitted = hours(window(0, 4, 100), window(2, 3, 40), window(3, 6, 70))
    bands = permitted.bands(NOON + HOUR, NOON + 5 * HOUR)
    assert [(band.from_ - NOON, band.volume_pct) for band in bands] == [
        (HOUR, 100),
        (2 * HOUR, 40),
        (3 * HOUR, 70),
    ]


def test_a_gap_between_windows_is_not_bridged():
    assert loudest(hours(window(0, 2), window(3, 4)), NOON + HOUR, NOON + 4 * HOUR) == []


def test_beyond_the_dated_range_nothing_is_permitted():
    assert loudest(hours(window(0, 9), until=NOON + HOUR), NOON, NOON + 2 * HOUR) == []


def test_no_document_permits_nothing():
    assert loudest(CLOSED, NOON, NOON) == []


def test_days_without_a_rule_join_over_midnight():
    pages = {day: DayPage("a", day, (), None) for day in ("2026-11-22", "2026-11-23")}
    night = datetime(2026, 11, 22, 23, 50, tzinfo=UTC)
    assert loudest(Hours.of(pages, FAR), night, night + HOUR) == [100]


def test_a_day_that_permits_nothing_permits_nothing():
    pages = {"2026-11-22": DayPage("a", "2026-11-22", (), ())}
    assert loudest(Hours.of(pages, FAR), NOON, NOON + HOUR) == []


def test_a_day_without_a_page_permits_nothing():
    pages = {"2026-11-21": DayPage("a", "2026-11-21", (), None)}
    assert loudest(Hours.of(pages, FAR), NOON, NOON + HOUR) == []


@pytest.mark.parametrize(
    ("hours", "clock", "expected"),
    [
        ("", "12:00", (0, 600)),
        ("15:00-22:00", "16:00", (0, 600)),
        ("15:00-22:00", "21:55", (0, 300)),
        ("15:00-22:00", "12:00", (3 * 3600, 6.5 * 3600)),
        ("15:00-22:00", "22:00", (17 * 3600, 20.5 * 3600)),
        ("22:00-02:00", "01:00", (0, 600)),
        ("22:00-02:00", "02:00", (20 * 3600, 22 * 3600)),
        ("at new moon", "12:00", (0, 600)),
        ("22:00-02:00", None, (0, 600)),
    ],
)
def test_what_is_needed_days_from_now_is_begun_in_its_hours(hours, clock, expected):
    now = clock and datetime.fromisoformat(f"2026-11-22T{clock}:00+00:00")
    assert later_wait_s(hours, now) == expected
