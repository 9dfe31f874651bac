"""Overlaps on a timeline, and the nearest start that is free."""

from datetime import UTC, datetime, timedelta

from controller.calendar.conflicts import Busy, Timeline, nearest_free
from controller.calendar.policy import Span, Window

BEFORE = datetime(2026, 1, 1, tzinfo=UTC)


def at(text):
    return datetime.fromisoformat(f"2026-11-23T{text}:00+00:00")


def busy(start, end, what=0):
    return Busy(at(start), at(end), what)


def free(start, end, *spans, permitted=(None,), now=BEFORE):
    found = nearest_free(Span(at(start), at(end)), Timeline.of(spans), permitted, now)
    return f"{found:%H:%M}" if found else None


def test_sounds_that_only_touch_do_not_meet():
    line = Timeline.of([busy("10:00", "10:10"), busy("10:20", "10:30", 1)])
    assert list(line.meeting(at("10:10"), at("10:20"))) == []
    assert [b.what for b in line.meeting(at("10:09"), at("10:21"))] == [0, 1]


def test_a_long_sound_that_began_earlier_is_met():
    line = Timeline.of([busy("08:00", "12:00", 7), busy("10:00", "10:01", 1)])
    assert [b.what for b in line.meeting(at("11:00"), at("11:05"))] == [7]


def test_the_nearest_free_start_is_suggested():
    assert free("10:00", "10:10", busy("10:00", "10:10")) == "10:10"
    assert free("10:00", "10:10", busy("10:00", "12:00")) == "09:50"


def test_a_suggestion_lies_ahead_and_is_permitted_everywhere():
    window = Window(at("10:00"), at("10:30"))
    assert free("10:00", "10:10", busy("10:00", "10:12"), permitted=([window], None)) == "10:15"
    assert free("10:00", "10:10", busy("10:00", "12:00"), now=at("09:55")) == "12:00"


def test_a_full_day_has_no_suggestion():
    long = Busy(at("00:00") - timedelta(days=1), at("00:00") + timedelta(days=2), 0)
    assert free("10:00", "10:10", long) is None
