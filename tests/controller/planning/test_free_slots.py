"""The suggestion beside a broken rule: taking it makes the rule hold, and none is said plainly."""

from dataclasses import replace
from datetime import datetime

import pytest

from controller.accounts.access import SYSTEM
from controller.area_changes import area_edits
from controller.scheduling import approvals, schedules
from tests.controller.factories import NOW, make_clip, schedule_input

DAILY = {"rrule": "FREQ=DAILY"}


@pytest.fixture
def commune(cast):
    return cast.areas["commune"]


@pytest.fixture
def busy(session, commune):
    """Ten minutes at 06:00 and at 17:00 every day, and the rules asked for."""

    def made(**policy):
        area_edits.update(session, SYSTEM, commune, {"policy": policy}, NOW)
        clip = make_clip(session, duration_ms=600_000)
        for at in ("06:00", "17:00"):
            data = schedule_input(clip.id, commune, f"2026-11-22T{at}", recurrence=DAILY, title=at)
            found, _ = schedules.create(session, SYSTEM, data, NOW)
            approvals.approve_schedule(session, SYSTEM, found.id, NOW)

    return made


def asked(session, area_id, at="2026-11-25T11:00", minutes=2, **more):
    clip = make_clip(session, duration_ms=minutes * 60_000)
    return schedule_input(clip.id, area_id, at, title="Thêm", **more)


def first(session, data):
    return schedules.draft(session, SYSTEM, data, NOW).blocking[0]


def taken(session, data, conflict):
    """What still forbids it at the suggested start."""
    start = datetime.fromisoformat(conflict["suggestion"])
    moved = replace(data, starts_at=start, recurrence=None)
    return schedules.draft(session, SYSTEM, moved, NOW).blocking


@pytest.mark.parametrize(
    ("policy", "minutes"),
    [
        ({"max_sessions_per_day": 2}, 2),
        ({"max_minutes_per_session": 15, "max_sessions_per_day": 2}, 4),
        ({"max_minutes_per_day": 25, "permit": [{"from": "05:00", "to": "20:00"}]}, 5),
    ],
)
@pytest.mark.parametrize("recurrence", [None, DAILY])
def test_a_limit_comes_with_a_start_that_keeps_it(
    session, commune, busy, policy, minutes, recurrence
):
    busy(**policy)
    at = "2026-11-25T04:00" if "permit" in policy else "2026-11-25T11:00"
    data = asked(session, commune, at, minutes, recurrence=recurrence)
    conflict = first(session, data)
    assert taken(session, data, conflict) == []


def test_a_session_too_long_moves_away_from_what_makes_it_long(session, commune, busy):
    busy(max_minutes_per_session=11)
    data = asked(session, commune, "2026-11-25T17:20", minutes=5)
    conflict = first(session, data)
    assert conflict["rule"] == "max_minutes_per_session"
    assert conflict["suggestion"] == "2026-11-25T10:40:00Z"
    assert taken(session, data, conflict) == []


def test_the_start_beside_a_clash_keeps_the_limits_too(session, commune, busy):
    busy(max_minutes_per_session=15)
    data = asked(session, commune, "2026-11-25T17:05", minutes=8)
    assert {c["rule"] for c in schedules.draft(session, SYSTEM, data, NOW).blocking} == {
        "overlap",
        "max_minutes_per_session",
    }
    assert taken(session, data, first(session, data)) == []


def test_where_no_start_keeps_the_limit_it_says_so(session, commune, busy):
    busy(max_minutes_per_session=15)
    conflict = first(session, asked(session, commune, minutes=16))
    assert conflict["suggestion"] is None
    assert "không có giờ trống nào hợp quy định" in conflict["vi"]
    assert "No free start" in conflict["en"]


def test_where_it_looked_no_further_it_says_so(session, commune, busy):
    busy(max_minutes_per_session=15)
    data = asked(session, commune, minutes=16, recurrence=DAILY)
    found = schedules.draft(session, SYSTEM, data, NOW).blocking
    assert all("không có giờ trống" in each["vi"] for each in found[:3])
    assert all("Chưa tìm giờ trống" in each["vi"] for each in found[3:])
    assert len(found) > 3


def test_a_village_that_rests_all_week_is_offered_the_end_of_it(session, commune):
    permit = [{"from": "08:00", "to": "10:00", "days": [6, 7]}]
    area_edits.update(session, SYSTEM, commune, {"policy": {"permit": permit}}, NOW)
    data = asked(session, commune, "2026-11-25T09:00")  # a Wednesday
    conflict = first(session, data)
    assert conflict["suggestion"] == "2026-11-28T01:00:00Z"
    assert taken(session, data, conflict) == []
