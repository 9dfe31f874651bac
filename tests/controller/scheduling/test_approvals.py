"""Decisions on schedules, and the queue of what waits for one."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from controller.area_changes import area_edits
from controller.errors import NotAllowed, NotFound
from controller.library import clips
from controller.models import Airing, Approval, AuditEntry, ServiceCommand
from controller.planning import airings
from controller.scheduling import approvals, schedule_edits, schedules
from protocol.outcomes import AiringClass
from tests.controller.factories import DAY, HOUR, NOW, make_clip, schedule_input


@pytest.fixture
def waiting(session, cast):
    """A schedule that waits for approval."""
    clip = make_clip(session, area_id=cast.areas["commune"])
    data = schedule_input(clip.id, [cast.areas["upper"], cast.areas["lower"]])
    schedule, _ = schedules.create(session, cast.erin, data, NOW)
    return schedule


def test_approval_is_recorded_and_asks_for_the_areas_documents(session, cast, waiting):
    approvals.approve_schedule(session, cast.bob, waiting.id, NOW, "được")
    assert (waiting.decided_by, waiting.decision_note) == (cast.bob.user_id, "được")
    (command,) = session.scalars(select(ServiceCommand)).all()
    touched = sorted([cast.areas["upper"], cast.areas["lower"]])
    assert (command.kind, command.body) == ("schedules_changed", {"area_ids": touched})
    approved = select(AuditEntry).where(AuditEntry.action == "schedule.approve")
    assert {entry.area_id for entry in session.scalars(approved)} == set(touched)


def test_approving_twice_changes_nothing(session, cast, waiting):
    approvals.approve_schedule(session, cast.bob, waiting.id, NOW)
    approvals.approve_schedule(session, cast.alice, waiting.id, NOW + HOUR)
    assert waiting.decided_by == cast.bob.user_id


def test_a_rejection_carries_its_reason(session, cast, waiting):
    approvals.reject_schedule(session, cast.bob, waiting.id, NOW, "sai giờ")
    assert (waiting.status, waiting.decision_note) == (Approval.REJECTED, "sai giờ")
    assert airings.page(session, cast.bob, now=NOW).items == []


def test_rejecting_what_airs_takes_it_off(session, cast, waiting):
    approvals.approve_schedule(session, cast.bob, waiting.id, NOW)
    approvals.reject_schedule(session, cast.bob, waiting.id, NOW)
    assert airings.page(session, cast.bob, now=NOW).items == []


def test_the_queue_holds_clips_and_schedules_oldest_first(session, cast, waiting):
    for number in (2, 1):
        make_clip(
            session, title=f"Bản {number}", area_id=cast.areas["upper"],
            status=Approval.PENDING, now=NOW - number * DAY,
        )  # fmt: skip
    make_clip(session, title="Đã duyệt", area_id=cast.areas["upper"])
    queue = approvals.pending(session, cast.bob, NOW)
    assert [view.clip.title for view in queue.clips] == ["Bản 2", "Bản 1"]
    assert [schedule.id for schedule in queue.schedules] == [waiting.id]


def test_the_queue_empties_as_decisions_fall(session, cast, waiting):
    clip = make_clip(session, area_id=cast.areas["upper"], status=Approval.PENDING)
    clips.reject(session, cast.bob, clip.id, NOW)
    approvals.approve_schedule(session, cast.bob, waiting.id, NOW)
    queue = approvals.pending(session, cast.bob, NOW)
    assert (queue.clips, queue.schedules) == ([], [])


def test_an_outsider_decides_nothing_and_sees_no_queue(session, cast, waiting):
    queue = approvals.pending(session, cast.charlie, NOW)
    assert (queue.clips, queue.schedules) == ([], [])
    for decide in (approvals.approve_schedule, approvals.reject_schedule):
        with pytest.raises(NotFound):
            decide(session, cast.charlie, waiting.id, NOW)


def test_an_author_may_not_carry_his_own_schedule_where_he_may_not_decide(session, cast):
    strict = {"approval": {"author_may_approve": False}}
    area_edits.update(session, cast.alice, cast.areas["lower"], {"policy": strict}, NOW)
    data = schedule_input(make_clip(session).id, cast.areas["upper"])
    schedule, _ = schedules.create(session, cast.bob, data, NOW)
    approvals.approve_schedule(session, cast.bob, schedule.id, NOW)
    moved = replace(data, area_ids=[cast.areas["lower"]])
    schedule_edits.update(session, cast.bob, schedule.id, moved, NOW)
    with pytest.raises(NotAllowed):
        approvals.approve_schedule(session, cast.bob, schedule.id, NOW)
    approvals.approve_schedule(session, cast.alice, schedule.id, NOW)
    assert [area.area_id for area in schedule.areas] == [cast.areas["lower"]]


@pytest.fixture
def alarm(session, cast):
    """What Bob wants to sound as an emergency, in a commune where two must agree on one."""
    rules = {"approval": {"emergency_people": 2, "schedule": False}}
    area_edits.update(session, cast.alice, cast.areas["commune"], {"policy": rules}, NOW)
    clip = make_clip(session, area_id=cast.areas["commune"])
    return schedule_input(clip.id, [cast.areas["upper"]], class_=AiringClass.EMERGENCY)


def test_a_schedule_is_no_way_around_the_second_person_of_an_emergency(session, cast, alarm):
    schedule, _ = schedules.create(session, cast.bob, alarm, NOW)
    assert schedule.status == Approval.PENDING
    with pytest.raises(NotAllowed):
        approvals.approve_schedule(session, cast.bob, schedule.id, NOW)
    approvals.approve_schedule(session, cast.alice, schedule.id, NOW)
    assert schedule.decided_by == cast.alice.user_id


def test_an_ordinary_schedule_does_not_become_an_emergency_by_one_persons_word(
    session, cast, alarm
):
    ordinary = replace(alarm, class_=AiringClass.NORMAL)
    schedule, _ = schedules.create(session, cast.bob, ordinary, NOW)
    assert schedule.status == Approval.APPROVED
    schedule_edits.update(session, cast.bob, schedule.id, alarm, NOW)
    assert schedule.proposal is not None
    with pytest.raises(NotAllowed):
        approvals.approve_schedule(session, cast.bob, schedule.id, NOW)
    approvals.approve_schedule(session, cast.alice, schedule.id, NOW)
    assert schedule.class_ == AiringClass.EMERGENCY


def test_an_author_may_not_move_his_own_airing_where_he_may_not_decide(session, cast):
    strict = {"approval": {"author_may_approve": False}}
    area_edits.update(session, cast.alice, cast.areas["commune"], {"policy": strict}, NOW)
    data = schedule_input(make_clip(session).id, cast.areas["upper"])
    schedule, _ = schedules.create(session, cast.bob, data, NOW)
    approvals.approve_schedule(session, cast.alice, schedule.id, NOW)
    airing = session.scalars(select(Airing).where(Airing.schedule_id == schedule.id)).one()
    with pytest.raises(NotAllowed):
        schedule_edits.move(session, cast.bob, airing.id, "2026-11-23T19:00", NOW)
    schedule_edits.move(session, cast.alice, airing.id, "2026-11-23T19:00", NOW)
    schedule_edits.leave_out(session, cast.bob, airing.id, NOW)
