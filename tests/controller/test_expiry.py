"""Clips about to leave the air."""

from controller import areas, schedules
from controller.expiry import expiring
from tests.controller.factories import DAY, NOW, add_version, make_clip, schedule_input


def test_what_falls_silent_soon_is_named_with_its_schedules(session, cast):
    commune = cast.areas["commune"]
    soon = make_clip(session, title="Sắp hết", area_id=commune, valid_until=NOW + 3 * DAY)
    make_clip(session, title="Còn lâu", area_id=commune, valid_until=NOW + 30 * DAY)
    renewed = make_clip(session, title="Đã thay", area_id=commune, valid_until=NOW + 2 * DAY)
    add_version(session, renewed)
    free = {"approval": {"schedule": False}}
    areas.update(session, cast.alice, commune, {"policy": free}, NOW)
    data = schedule_input(soon.id, commune, recurrence={"rrule": "FREQ=DAILY;COUNT=2"})
    schedule, _ = schedules.create(session, cast.erin, data, NOW)
    (found,) = expiring(session, cast.erin, NOW)
    assert (found.clip.title, found.at) == ("Sắp hết", NOW + 3 * DAY)
    assert [each.id for each in found.schedules] == [schedule.id]
    assert expiring(session, cast.charlie, NOW) == []
