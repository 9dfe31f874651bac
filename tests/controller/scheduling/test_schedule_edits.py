"""Edits that keep ids: nothing that has begun is touched, nothing is heard twice."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from controller.area_changes import area_edits
from controller.errors import BadInput, Conflict, NotAllowed, NotFound
from controller.models import Airing, Approval, ServiceCommand
from controller.planning import airings
from controller.scheduling import approvals, following, schedule_edits, schedules
from tests.controller.factories import DAY, HOUR, NOW, make_clip, schedule_input

DAILY = {"rrule": "FREQ=DAILY"}


@pytest.fixture
def commune(cast):
    return cast.areas["commune"]


@pytest.fixture
def clip(session, commune):
    return make_clip(session, area_id=commune)


@pytest.fixture
def daily(session, cast, clip, commune):
    """Daily at 13:00 from today on: an hour from NOW."""
    data = schedule_input(clip.id, commune, "2026-11-22T13:00", recurrence=DAILY)
    schedule, _ = schedules.create(session, cast.erin, data, NOW)
    return approvals.approve_schedule(session, cast.bob, schedule.id, NOW)


def ahead(session, schedule):
    query = select(Airing).where(Airing.schedule_id == schedule.id, Airing.cancelled_at.is_(None))
    return list(session.scalars(query.order_by(Airing.starts_at)))


def test_a_change_asks_for_approval_again(session, cast, clip, commune, daily):
    data = schedule_input(clip.id, commune, "2026-11-22T18:00", recurrence=DAILY)
    schedule_edits.update(session, cast.erin, daily.id, data, NOW)
    assert approvals.pending(session, cast.bob, NOW).schedules == [daily]
    assert {airing.starts_at.hour for airing in ahead(session, daily)} == {6}, "the old one airs on"
    approvals.approve_schedule(session, cast.bob, daily.id, NOW)
    assert {airing.starts_at.hour for airing in ahead(session, daily)} == {11}
    assert approvals.pending(session, cast.bob, NOW).schedules == []


def test_a_change_that_is_returned_leaves_what_airs(session, cast, clip, commune, daily):
    before = [airing.starts_at for airing in ahead(session, daily)]
    data = schedule_input(clip.id, commune, "2026-11-22T18:00", recurrence=DAILY)
    schedule_edits.update(session, cast.erin, daily.id, data, NOW)
    approvals.reject_schedule(session, cast.bob, daily.id, NOW, "Giữ giờ cũ")
    assert (daily.status, daily.proposal) == (Approval.APPROVED, None)
    assert [airing.starts_at for airing in ahead(session, daily)] == before
    assert daily.decision_note == "Giữ giờ cũ"


def test_the_author_of_a_change_may_not_approve_it_where_two_must(
    session, cast, clip, commune, daily
):
    rules = {"approval": {"author_may_approve": False}}
    area_edits.update(session, cast.alice, commune, {"policy": rules}, NOW)
    data = schedule_input(clip.id, commune, "2026-11-22T18:00", recurrence=DAILY)
    schedule_edits.update(session, cast.bob, daily.id, data, NOW)
    with pytest.raises(NotAllowed):
        approvals.approve_schedule(session, cast.bob, daily.id, NOW)
    approvals.approve_schedule(session, cast.alice, daily.id, NOW)
    assert {airing.starts_at.hour for airing in ahead(session, daily)} == {11}


def test_a_left_out_or_moved_airing_is_put_back(session, cast, clip, commune, daily):
    first, second = ahead(session, daily)[:2]
    planned = second.starts_at
    schedule_edits.leave_out(session, cast.bob, first.id, NOW)
    schedule_edits.move(session, cast.bob, second.id, "2026-11-23T15:00", NOW)
    assert first.cancelled_at is not None
    for airing in (first, second):
        schedule_edits.put_back(session, cast.bob, airing.id, NOW)
    assert (first.cancelled_at, first.starts_at) == (None, NOW + HOUR)
    assert second.starts_at == planned
    with pytest.raises(Conflict):
        schedule_edits.put_back(session, cast.bob, first.id, NOW + 2 * HOUR)


@pytest.mark.parametrize(
    ("zone", "day", "wall", "moved", "to"),
    [
        ("Europe/Berlin", "2027-03-28", "02:30", "2027-03-28T04:00", "2027-03-28T02:00:00"),
        ("Europe/Berlin", "2027-10-31", "02:30", "2027-10-31T02:30+01:00", "2027-10-31T01:30:00"),
        ("America/New_York", "2027-03-14", "02:30", "2027-03-14T05:00", "2027-03-14T09:00:00"),
        ("Australia/Lord_Howe", "2027-10-03", "02:15", "2027-10-03T03:00", "2027-10-02T16:00:00"),
        ("Australia/Lord_Howe", "2027-04-04", "01:45", "2027-04-04T01:45+10:30",
         "2027-04-03T15:15:00"),
    ],
)  # fmt: skip
def test_the_airing_of_a_night_when_clocks_change_moves_and_is_left_out_alone(
    session, cast, clip, commune, zone, day, wall, moved, to
):
    area_edits.update(session, cast.alice, commune, {"timezone": zone}, NOW)
    start = datetime.fromisoformat(f"{day}T{wall}") - 2 * DAY
    now = start.replace(tzinfo=UTC) - 2 * DAY
    data = schedule_input(clip.id, commune, start.isoformat(), recurrence=DAILY)
    schedule, _ = schedules.create(session, cast.erin, data, now)
    approvals.approve_schedule(session, cast.bob, schedule.id, now)
    nights = ahead(session, schedule)
    night = nights[2]
    schedule_edits.move(session, cast.bob, night.id, moved, now)
    assert night.starts_at == datetime.fromisoformat(f"{to}+00:00")
    schedule_edits.put_back(session, cast.bob, night.id, now)
    assert night.starts_at == night.original_at
    schedule_edits.leave_out(session, cast.bob, night.id, now)
    assert ahead(session, schedule) == [a for a in nights if a.id != night.id]
    schedule_edits.put_back(session, cast.bob, night.id, now)
    assert ahead(session, schedule) == nights


def test_a_new_time_of_day_keeps_the_ids(session, cast, clip, commune, daily):
    before = [airing.id for airing in ahead(session, daily)]
    data = schedule_input(clip.id, commune, "2026-11-22T18:00", recurrence=DAILY)
    schedule_edits.update(session, cast.erin, daily.id, data, NOW)
    approvals.approve_schedule(session, cast.bob, daily.id, NOW)
    assert [airing.id for airing in ahead(session, daily)] == before


def test_what_was_heard_today_is_not_heard_again_at_the_new_time(
    session, cast, clip, commune, daily
):
    later = NOW + 2 * HOUR  # today's has sounded at 13:00
    data = schedule_input(clip.id, commune, "2026-11-22T18:00", recurrence=DAILY)
    schedule_edits.update(session, cast.erin, daily.id, data, later)
    approvals.approve_schedule(session, cast.bob, daily.id, later)
    first, second = ahead(session, daily)[:2]
    assert (first.starts_at, second.starts_at) == (NOW + HOUR, NOW + DAY + 6 * HOUR)


def test_a_one_off_moves_with_its_id_until_it_has_begun(session, cast, clip, commune):
    schedule, _ = schedules.create(session, cast.erin, schedule_input(clip.id, commune), NOW)
    approvals.approve_schedule(session, cast.bob, schedule.id, NOW)
    (airing,) = ahead(session, schedule)
    data = schedule_input(clip.id, commune, "2026-11-24T08:00")
    schedule_edits.update(session, cast.erin, schedule.id, data, NOW)
    approvals.approve_schedule(session, cast.bob, schedule.id, NOW)
    (moved,) = ahead(session, schedule)
    assert (moved.id, moved.starts_at.isoformat()) == (airing.id, "2026-11-24T01:00:00+00:00")
    with pytest.raises(Conflict) as refused:
        schedule_edits.update(session, cast.erin, schedule.id, data, NOW + DAY + 21 * HOUR)
    assert refused.value.code == "begun"


def test_new_clips_and_areas_reach_what_lies_ahead(session, cast, clip, commune, daily):
    longer = make_clip(session, area_id=commune, duration_ms=120_000)
    data = schedule_input(
        longer.id, cast.areas["upper"], "2026-11-22T13:00", recurrence=DAILY, title="Mới"
    )
    schedule_edits.update(session, cast.erin, daily.id, data, NOW)
    approvals.approve_schedule(session, cast.bob, daily.id, NOW)
    view = airings.page(session, cast.vera, now=NOW).items[0]
    assert (view.area_ids, view.airing.title) == ((cast.areas["upper"],), "Mới")
    assert (view.airing.ends_at - view.airing.starts_at).total_seconds() == 120
    asked = [command.body["area_ids"] for command in session.scalars(select(ServiceCommand))]
    assert [commune] in asked  # the area it left needs a new document too


def test_one_airing_moves_alone_and_keeps_its_id(session, cast, daily):
    first, second, third = ahead(session, daily)[:3]
    schedule_edits.move(session, cast.bob, second.id, "2026-11-23T18:30", NOW)
    assert [a.id for a in ahead(session, daily)[:3]] == [first.id, second.id, third.id]
    assert second.starts_at.isoformat() == "2026-11-23T11:30:00+00:00"
    assert daily.status is Approval.APPROVED


def test_an_editor_moves_nothing_where_approval_is_wanted(session, cast, commune, daily):
    airing = ahead(session, daily)[1]
    with pytest.raises(NotAllowed):
        schedule_edits.move(session, cast.erin, airing.id, "2026-11-23T18:30", NOW)
    free = {"approval": {"schedule": False}}
    area_edits.update(session, cast.alice, commune, {"policy": free}, NOW)
    schedule_edits.move(session, cast.erin, airing.id, "2026-11-23T18:30", NOW)


def test_a_move_obeys_the_hours(session, cast, commune, daily):
    policy = {"permit": [{"from": "12:00", "to": "20:00"}]}
    area_edits.update(session, cast.alice, commune, {"policy": policy}, NOW)
    with pytest.raises(Conflict) as refused:
        schedule_edits.move(session, cast.bob, ahead(session, daily)[1].id, "2026-11-23T22:00", NOW)
    assert refused.value.conflicts[0]["rule"] == "permit"


@pytest.mark.parametrize("starts_at", ["2026-11-22T11:00", "2027-03-01T13:00"])
def test_a_move_into_the_past_or_far_away_is_refused(session, cast, daily, starts_at):
    with pytest.raises(BadInput):
        schedule_edits.move(session, cast.bob, ahead(session, daily)[1].id, starts_at, NOW)


@pytest.mark.parametrize("starts_at", ["2026-11-24T13:00", "2026-11-24T12:59:30"])
def test_a_move_onto_another_airing_of_its_schedule_is_refused(session, cast, daily, starts_at):
    second = ahead(session, daily)[1]
    with pytest.raises(Conflict) as refused:
        schedule_edits.move(session, cast.bob, second.id, starts_at, NOW)
    assert "đã có một lượt khác của lịch này" in refused.value.vi
    assert second in ahead(session, daily)


def test_one_airing_is_left_out_alone(session, cast, daily):
    ids = [airing.id for airing in ahead(session, daily)]
    schedule_edits.leave_out(session, cast.bob, ids[1], NOW)
    assert [airing.id for airing in ahead(session, daily)] == [ids[0], *ids[2:]]


def test_from_here_on_makes_a_new_schedule(session, cast, clip, commune, daily):
    third = ahead(session, daily)[2]
    data = schedule_input(clip.id, commune, "2026-11-24T19:00", recurrence=DAILY, title="Tối")
    new, _ = following.change(session, cast.bob, third.id, data, NOW)
    approvals.approve_schedule(session, cast.bob, new.id, NOW)
    assert len(ahead(session, daily)) == 2
    assert ahead(session, new)[0].starts_at.isoformat() == "2026-11-24T12:00:00+00:00"


def test_what_has_begun_cannot_be_changed(session, cast, daily):
    begun = ahead(session, daily)[0]
    with pytest.raises(Conflict) as refused:
        schedule_edits.leave_out(session, cast.bob, begun.id, NOW + HOUR)
    assert refused.value.code == "begun"


def test_an_outsider_changes_nothing(session, cast, clip, commune, daily):
    airing = ahead(session, daily)[1]
    with pytest.raises(NotFound):
        schedule_edits.leave_out(session, cast.charlie, airing.id, NOW)
    with pytest.raises(NotFound):
        data = schedule_input(clip.id, commune)
        schedule_edits.update(session, cast.charlie, daily.id, data, NOW)
