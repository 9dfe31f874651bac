"""Clips about to leave the air."""

from controller.accounts.access import SYSTEM
from controller.area_changes import area_edits
from controller.library.expiry import expiring
from controller.scheduling import schedules
from tests.controller.factories import DAY, NOW, add_version, make_clip, schedule_input


def test_what_falls_silent_soon_is_named_with_its_schedules(session, cast):
    commune = cast.areas["commune"]
    soon = make_clip(session, title="Sắp hết", area_id=commune, valid_until=NOW + 3 * DAY)
    make_clip(session, title="Còn lâu", area_id=commune, valid_until=NOW + 30 * DAY)
    renewed = make_clip(session, title="Đã thay", area_id=commune, valid_until=NOW + 2 * DAY)
    add_version(session, renewed)
    free = {"approval": {"schedule": False}}
    area_edits.update(session, cast.alice, commune, {"policy": free}, NOW)
    data = schedule_input(soon.id, commune, recurrence={"rrule": "FREQ=DAILY;COUNT=2"})
    schedule, _ = schedules.create(session, cast.erin, data, NOW)
    (found,) = expiring(session, cast.erin, NOW)
    assert (found.clip.title, found.at) == ("Sắp hết", NOW + 3 * DAY)
    assert [each.id for each in found.schedules] == [schedule.id]
    assert expiring(session, cast.charlie, NOW) == []


def test_a_clip_from_above_is_named_where_own_schedules_use_it(session, cast):
    province = area_edits.create(session, SYSTEM, area_edits.AreaInput("Tỉnh", "tỉnh"), NOW)
    area_edits.update(session, SYSTEM, cast.areas["commune"], {"parent_id": province.id}, NOW)
    area_edits.update(session, SYSTEM, cast.areas["elsewhere"], {"parent_id": province.id}, NOW)
    shared = make_clip(session, area_id=province.id, valid_until=NOW + 3 * DAY)
    assert expiring(session, cast.erin, NOW) == []
    for area in ("commune", "elsewhere"):
        data = schedule_input(
            shared.id, cast.areas[area], recurrence={"rrule": "FREQ=DAILY;COUNT=2"}
        )
        schedule, _ = schedules.create(session, SYSTEM, data, NOW)
        schedule.status = "approved"
    (found,) = expiring(session, cast.erin, NOW)
    assert found.clip.id == shared.id
    assert len(found.schedules) == 1, "another commune's schedule is not theirs to know"
