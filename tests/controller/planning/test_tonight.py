"""What will play tonight, seen from one village."""

import pytest

from controller.accounts.access import SYSTEM
from controller.area_changes import area_edits
from controller.errors import NotFound
from controller.planning.tonight import tonight
from controller.scheduling import approvals, schedules
from tests.controller.factories import NOW, make_clip, schedule_input


def test_everything_that_sounds_there_until_the_morning(session, cast):
    clip = make_clip(session, area_id=cast.areas["commune"])
    for title, area, at in (
        ("Cả xã", "commune", "2026-11-22T19:00"),
        ("Thôn khác", "lower", "2026-11-22T20:00"),
        ("Sáng sớm", "upper", "2026-11-23T05:00"),
        ("Chiều mai", "upper", "2026-11-23T17:00"),
    ):
        data = schedule_input(clip.id, cast.areas[area], at, title=title)
        schedule, _ = schedules.create(session, cast.erin, data, NOW)
        approvals.approve_schedule(session, cast.bob, schedule.id, NOW)
    policy = {"permit": [{"from": "17:00", "to": "21:00"}]}
    area_edits.update(session, cast.alice, cast.areas["upper"], {"policy": policy}, NOW)
    found = tonight(session, cast.vera, cast.areas["upper"], NOW)
    assert [view.airing.title for view in found.airings] == ["Cả xã"], "05:00 is forbidden by now"
    assert found.until.isoformat() == "2026-11-23T01:00:00+00:00"
    assert [w.from_.isoformat() for w in found.hours] == ["2026-11-22T10:00:00+00:00"]


def test_an_outsider_learns_nothing(session, cast):
    with pytest.raises(NotFound):
        tonight(session, cast.charlie, cast.areas["upper"], NOW)


def test_what_the_rules_forbid_there_is_not_among_it(session, cast):
    upper, lower = cast.areas["upper"], cast.areas["lower"]
    clip = make_clip(session, duration_ms=600_000)
    data = schedule_input(clip.id, cast.areas["commune"], "2026-11-22T19:00")
    schedule, _ = schedules.create(session, SYSTEM, data, NOW)
    approvals.approve_schedule(session, SYSTEM, schedule.id, NOW)
    area_edits.update(session, SYSTEM, upper, {"policy": {"max_minutes_per_session": 5}}, NOW)
    quiet = {"quiet": [{"from": "18:00", "to": "20:00"}]}

    def heard(area_id):
        return [view.airing.title for view in tonight(session, cast.vera, area_id, NOW).airings]

    assert (heard(upper), heard(lower)) == ([], ["Bản tin chiều"])
    assert heard(cast.areas["commune"]) == ["Bản tin chiều"]
    area_edits.update(session, SYSTEM, lower, {"policy": quiet}, NOW)
    assert heard(lower) == []
