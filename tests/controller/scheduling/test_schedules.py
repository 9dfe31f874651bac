"""Schedules: what an official enters, what it would do, and what forbids it."""

from datetime import datetime

import pytest

from controller.area_changes import area_edits
from controller.errors import BadInput, Conflict, NotAllowed, NotFound
from controller.models import Approval
from controller.planning import airings
from controller.scheduling import approvals, schedules
from tests.controller.factories import DAY, HOUR, NOW, make_clip, make_node, schedule_input


@pytest.fixture
def clip(session, cast):
    return make_clip(session, area_id=cast.areas["commune"])


@pytest.fixture
def commune(cast):
    return cast.areas["commune"]


def test_a_local_time_is_in_the_areas_zone(session, cast, clip, commune):
    found = schedules.draft(session, cast.erin, schedule_input(clip.id, commune), NOW)
    (only,) = found.occurrences
    assert only.starts_at.isoformat() == "2026-11-23T10:00:00+00:00"
    assert (only.ends_at - only.starts_at).total_seconds() == 60


def test_a_time_with_an_offset_is_that_instant(session, cast, clip, commune):
    data = schedule_input(clip.id, commune, "2026-11-23T17:00+09:00")
    (only,) = schedules.draft(session, cast.erin, data, NOW).occurrences
    assert only.starts_at.isoformat() == "2026-11-23T08:00:00+00:00"


@pytest.mark.parametrize("recurrence", [None, {"rrule": "FREQ=DAILY"}])
def test_a_start_keeps_its_milliseconds(session, cast, clip, commune, recurrence):
    starts_at = "2026-11-22T05:00:20.797+00:00"
    data = schedule_input(clip.id, commune, starts_at, recurrence=recurrence)
    schedule, _ = schedules.create(session, cast.erin, data, NOW)
    approvals.approve_schedule(session, cast.bob, schedule.id, NOW)
    airing = airings.page(session, cast.bob, now=NOW).items[0].airing
    session.expire(airing)
    assert airing.starts_at == datetime.fromisoformat(starts_at)
    assert airings.expand(session, schedule, NOW) == 0


def test_a_time_that_has_passed_is_refused(session, cast, clip, commune):
    with pytest.raises(BadInput) as refused:
        data = schedule_input(clip.id, commune, "2026-11-22T11:59")
        schedules.create(session, cast.erin, data, NOW)
    assert "starts_at" in refused.value.errors


def test_a_pending_schedule_has_no_airings(session, cast, clip, commune):
    schedule, _ = schedules.create(session, cast.erin, schedule_input(clip.id, commune), NOW)
    assert schedule.status == Approval.PENDING
    assert airings.page(session, cast.bob, now=NOW).items == []


def test_approval_puts_a_weekly_schedule_on_the_air(session, cast, clip, commune):
    data = schedule_input(clip.id, commune, recurrence={"rrule": "FREQ=WEEKLY;BYDAY=MO,FR"})
    schedule, _ = schedules.create(session, cast.erin, data, NOW)
    approvals.approve_schedule(session, cast.bob, schedule.id, NOW)
    found = airings.page(session, cast.bob, now=NOW).items
    assert [view.airing.starts_at.strftime("%a %H") for view in found][:3] == [
        "Mon 10",
        "Fri 10",
        "Mon 10",
    ]
    assert len(found) == 9
    assert {view.area_ids for view in found} == {(commune,)}


def test_an_editor_may_not_approve(session, cast, clip, commune):
    schedule, _ = schedules.create(session, cast.erin, schedule_input(clip.id, commune), NOW)
    with pytest.raises(NotAllowed):
        approvals.approve_schedule(session, cast.erin, schedule.id, NOW)


def test_the_author_may_not_approve_where_policy_says_so(session, cast, clip, commune):
    policy = {"approval": {"author_may_approve": False}}
    area_edits.update(session, cast.alice, commune, {"policy": policy}, NOW)
    schedule, _ = schedules.create(session, cast.bob, schedule_input(clip.id, commune), NOW)
    with pytest.raises(NotAllowed) as refused:
        approvals.approve_schedule(session, cast.bob, schedule.id, NOW)
    assert refused.value.code == "author_may_not_approve"
    approvals.approve_schedule(session, cast.alice, schedule.id, NOW)
    assert schedule.status == Approval.APPROVED


def test_where_policy_wants_no_approval_it_airs_at_once(session, cast, clip, commune):
    policy = {"approval": {"schedule": False}}
    area_edits.update(session, cast.alice, commune, {"policy": policy}, NOW)
    schedule, _ = schedules.create(session, cast.erin, schedule_input(clip.id, commune), NOW)
    assert schedule.status == Approval.APPROVED
    assert len(airings.page(session, cast.erin, now=NOW).items) == 1


def test_a_430_item_is_refused_by_the_rule_that_forbids_it(session, cast, clip, commune):
    policy = {
        "permit": [{"days": [1, 2, 3, 4, 5], "from": "05:30", "to": "06:30"}],
        "source": "Quy chế xã Hoà Bình",
    }
    area_edits.update(session, cast.alice, commune, {"policy": policy}, NOW)
    data = schedule_input(clip.id, cast.areas["upper"], "2026-11-23T04:30")
    with pytest.raises(Conflict) as refused:
        schedules.create(session, cast.erin, data, NOW)
    (conflict,) = refused.value.conflicts
    assert conflict["rule"] == "permit"
    assert conflict["airing"] == "2026-11-22T21:30:00Z"
    assert "04:30" in conflict["vi"] and "05:30-06:30" in conflict["vi"]
    assert "Quy chế xã Hoà Bình" in conflict["vi"]


def test_an_emergency_passes_the_hours(session, cast, clip, commune):
    area_edits.update(session, cast.alice, commune, {"policy": {"permit": []}}, NOW)
    data = schedule_input(clip.id, commune, "2026-11-23T03:15", class_="emergency")
    _, found = schedules.create(session, cast.erin, data, NOW)
    assert len(found.occurrences) == 1


def test_a_clash_names_the_other_and_the_nearest_free_time(session, cast, clip, commune):
    make_node(session, cast.areas["upper"])
    first, _ = schedules.create(session, cast.erin, schedule_input(clip.id, commune), NOW)
    approvals.approve_schedule(session, cast.bob, first.id, NOW)
    data = schedule_input(clip.id, cast.areas["upper"], "2026-11-23T17:00:30", title="Khác")
    with pytest.raises(Conflict) as refused:
        schedules.create(session, cast.erin, data, NOW)
    (conflict,) = refused.value.conflicts
    assert conflict["kind"] == "clash"
    assert conflict["with"]["schedule_id"] == first.id
    assert conflict["suggestion"] == "2026-11-23T10:05:30Z"


def test_a_clash_far_ahead_is_found(session, cast, clip, commune):
    daily = schedule_input(clip.id, commune, recurrence={"rrule": "FREQ=DAILY"})
    first, _ = schedules.create(session, cast.erin, daily, NOW)
    approvals.approve_schedule(session, cast.bob, first.id, NOW)
    monthly = schedule_input(
        clip.id,
        commune,
        "2026-11-24T16:00",
        recurrence={"rrule": "FREQ=MONTHLY;BYMONTHDAY=24"},
        exceptions={"rdates": ["2027-06-01T17:00"]},
    )
    with pytest.raises(Conflict) as refused:
        schedules.create(session, cast.erin, monthly, NOW)
    assert [c["airing"] for c in refused.value.conflicts] == ["2027-06-01T10:00:00Z"]


def test_a_sibling_village_at_the_same_time_is_no_clash(session, cast, clip):
    for name in ("upper", "lower"):
        data = schedule_input(clip.id, cast.areas[name])
        schedule, found = schedules.create(session, cast.erin, data, NOW)
        assert not found.conflicts
        approvals.approve_schedule(session, cast.bob, schedule.id, NOW)


def test_two_pending_ones_warn_and_the_second_approval_is_refused(session, cast, clip, commune):
    first, _ = schedules.create(session, cast.erin, schedule_input(clip.id, commune), NOW)
    second, found = schedules.create(session, cast.erin, schedule_input(clip.id, commune), NOW)
    assert [c["blocking"] for c in found.conflicts] == [False]
    approvals.approve_schedule(session, cast.bob, first.id, NOW)
    with pytest.raises(Conflict):
        approvals.approve_schedule(session, cast.bob, second.id, NOW)


def test_a_schedule_whose_time_passed_while_it_waited_is_not_approved(session, cast, clip, commune):
    schedule, _ = schedules.create(session, cast.erin, schedule_input(clip.id, commune), NOW)
    with pytest.raises(Conflict) as refused:
        approvals.approve_schedule(session, cast.bob, schedule.id, NOW + 2 * DAY)
    assert refused.value.code == "past"


def test_pause_takes_what_lies_ahead_off_and_resume_brings_it_back(session, cast, clip, commune):
    data = schedule_input(clip.id, commune, recurrence={"rrule": "FREQ=DAILY"})
    schedule, _ = schedules.create(session, cast.erin, data, NOW)
    approvals.approve_schedule(session, cast.bob, schedule.id, NOW)
    before = [v.airing.id for v in airings.page(session, cast.bob, now=NOW).items]
    schedules.pause(session, cast.erin, schedule.id, NOW + HOUR)
    assert airings.page(session, cast.bob, now=NOW).items == []
    schedules.resume(session, cast.erin, schedule.id, NOW + 2 * HOUR)
    after = [v.airing.id for v in airings.page(session, cast.bob, now=NOW).items]
    assert before == after


def test_a_deleted_schedule_is_gone_and_its_airings_with_it(session, cast, clip, commune):
    schedule, _ = schedules.create(session, cast.erin, schedule_input(clip.id, commune), NOW)
    approvals.approve_schedule(session, cast.bob, schedule.id, NOW)
    schedules.delete(session, cast.erin, schedule.id, NOW)
    assert airings.page(session, cast.bob, now=NOW).items == []
    with pytest.raises(NotFound):
        schedules.get(session, cast.erin, schedule.id)


def test_an_outsider_sees_and_changes_nothing(session, cast, clip, commune):
    schedule, _ = schedules.create(session, cast.erin, schedule_input(clip.id, commune), NOW)
    approvals.approve_schedule(session, cast.bob, schedule.id, NOW)
    assert schedules.page(session, cast.charlie).items == []
    assert airings.page(session, cast.charlie, now=NOW).items == []
    with pytest.raises(NotFound):
        schedules.get(session, cast.charlie, schedule.id)
    with pytest.raises(NotFound):
        schedules.pause(session, cast.charlie, schedule.id, NOW)
    with pytest.raises(NotFound):
        schedules.create(session, cast.charlie, schedule_input(clip.id, commune), NOW)


def overlapping(session, cast, clip, commune, first_class, second_class, second_at, late_s=120):
    """The conflicts of a second schedule that overlaps the first, approved one."""
    data = schedule_input(clip.id, commune, title="Trước", class_=first_class, late_s=late_s)
    first, _ = schedules.create(session, cast.erin, data, NOW)
    approvals.approve_schedule(session, cast.bob, first.id, NOW)
    data = schedule_input(clip.id, commune, second_at, class_=second_class, late_s=late_s)
    return schedules.draft(session, cast.erin, data, NOW).conflicts


@pytest.mark.parametrize(
    ("second_at", "late_s", "effect"),
    [
        ("2026-11-23T16:59:30", 120, "shorten"),
        ("2026-11-23T17:00:30", 120, "wait"),
        ("2026-11-23T17:00:30", 10, "skip"),
        ("2026-11-23T17:00:00", 120, "skip"),  # both last a minute: nothing would be left
    ],
)
def test_a_normal_one_gives_way_and_it_is_said_how(
    session, cast, clip, commune, second_at, late_s, effect
):
    (found,) = overlapping(
        session, cast, clip, commune, "priority", "normal", second_at, late_s=late_s
    )
    assert (found["loser"], found["effect"], found["blocking"]) == ("this", effect, False)
    assert "«Trước» được ưu tiên" in found["vi"]


def test_a_priority_one_takes_the_time_of_a_normal_one(session, cast, clip, commune):
    (found,) = overlapping(
        session, cast, clip, commune, "normal", "priority", "2026-11-23T17:00:30"
    )
    assert (found["loser"], found["effect"], found["blocking"]) == ("other", "shorten", False)


def test_the_official_orders_two_priority_ones(session, cast, clip, commune):
    (found,) = overlapping(
        session, cast, clip, commune, "priority", "priority", "2026-11-23T17:00:30"
    )
    assert (found["kind"], found["blocking"]) == ("clash", True)
    assert found["suggestion"]


def test_half_past_four_is_refused_in_words_that_name_rule_document_and_a_free_time(session, cast):
    commune = cast.areas["commune"]
    policy = {"permit": [{"from": "05:30", "to": "06:30"}], "source": "QĐ 12/2026/QĐ-UBND"}
    area_edits.update(session, cast.alice, commune, {"policy": policy}, NOW)
    data = schedule_input(
        make_clip(session).id, commune, "2026-11-23T04:30", recurrence={"rrule": "FREQ=DAILY"}
    )
    with pytest.raises(Conflict) as refused:
        schedules.create(session, cast.erin, data, NOW)
    assert refused.value.vi == (
        "Xã Hoà Bình: lượt phát 04:30-04:31 ngày 23/11/2026 nằm ngoài khung giờ được phát "
        "(05:30-06:30) theo QĐ 12/2026/QĐ-UBND."
    )
    assert len(refused.value.conflicts) > 300, "every occurrence is named"
    assert refused.value.conflicts[0]["suggestion"] == "2026-11-22T22:30:00Z"
