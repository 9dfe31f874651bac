"""What the windows permit, and that everything else is forbidden."""

from datetime import UTC, datetime, timedelta

from device.windows import CLOSED, Hours
from protocol.messages import DayPage, Window

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
FAR = NOON + timedelta(days=9)


def window(from_h, until_h, pct=100):
    return Window(NOON + from_h * HOUR, NOON + until_h * HOUR, pct)


def hours(*windows, until=FAR):
    return Hours(until, tuple(sorted(windows, key=lambda w: w.from_)))


def test_inside_a_window_is_permitted_at_its_volume():
    assert hours(window(0, 2, 80)).volume_pct(NOON + HOUR, NOON + 2 * HOUR) == 80


def test_beginning_before_or_ending_after_is_not():
    permitted = hours(window(0, 2))
    assert permitted.volume_pct(NOON - timedelta(seconds=1), NOON + HOUR) is None
    assert permitted.volume_pct(NOON, NOON + 2 * HOUR + timedelta(seconds=1)) is None


def test_windows_that_touch_count_as_one_with_the_lower_volume():
    assert hours(window(0, 2, 100), window(2, 4, 60)).volume_pct(NOON + HOUR, NOON + 3 * HOUR) == 60


def test_a_gap_between_windows_is_not_bridged():
    assert hours(window(0, 2), window(3, 4)).volume_pct(NOON + HOUR, NOON + 4 * HOUR) is None


def test_beyond_the_dated_range_nothing_is_permitted():
    assert hours(window(0, 9), until=NOON + HOUR).volume_pct(NOON, NOON + 2 * HOUR) is None


def test_no_document_permits_nothing():
    assert CLOSED.volume_pct(NOON, NOON) is None


def test_days_without_a_rule_join_over_midnight():
    pages = {day: DayPage("a", day, (), None) for day in ("2026-11-22", "2026-11-23")}
    night = datetime(2026, 11, 22, 23, 50, tzinfo=UTC)
    assert Hours.of(pages, FAR).volume_pct(night, night + HOUR) == 100


def test_a_day_that_permits_nothing_permits_nothing():
    pages = {"2026-11-22": DayPage("a", "2026-11-22", (), ())}
    assert Hours.of(pages, FAR).volume_pct(NOON, NOON + HOUR) is None


def test_a_day_without_a_page_permits_nothing():
    pages = {"2026-11-21": DayPage("a", "2026-11-21", (), None)}
    assert Hours.of(pages, FAR).volume_pct(NOON, NOON + HOUR) is None
