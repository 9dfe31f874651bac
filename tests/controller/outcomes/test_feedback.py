"""What village heads note after an airing, and how it adds up."""

import pytest
from sqlalchemy import select

from controller.accounts.access import Actor
from controller.errors import BadInput, NotAllowed, NotFound
from controller.models import Airing, Role
from controller.outcomes import coverage, feedback
from controller.outcomes.feedback import FeedbackInput
from controller.scheduling import approvals, schedules
from tests.controller.factories import DAY, HOUR, NOW, make_clip, schedule_input

LATER = NOW + 2 * HOUR


@pytest.fixture
def airing(session, cast):
    """What the upper village heard at 13:00."""
    clip = make_clip(session, area_id=cast.areas["commune"])
    data = schedule_input(clip.id, cast.areas["upper"], "2026-11-22T13:00")
    schedule, _ = schedules.create(session, cast.erin, data, NOW)
    approvals.approve_schedule(session, cast.bob, schedule.id, NOW)
    return session.scalars(select(Airing).where(Airing.schedule_id == schedule.id)).one()


@pytest.fixture
def head(cast):
    return Actor(cast.erin.user_id, "Trưởng thôn", Role.VILLAGE_HEAD, cast.areas["upper"])


def test_a_village_head_notes_who_asked_and_it_adds_up(session, cast, airing, head):
    upper = cast.areas["upper"]
    feedback.give(session, head, FeedbackInput(airing.id, upper, 3, 2), LATER)
    feedback.give(session, head, FeedbackInput(airing.id, upper, 1, note=" hỏi VNeID "), LATER)
    found = feedback.page(session, cast.vera, airing_id=airing.id).items
    assert {row.note for row in found} == {None, "hỏi VNeID"}
    commune = cast.areas["commune"]
    [row] = coverage.report(session, cast.vera, NOW, NOW + DAY, commune)
    assert (row.asked, row.installed) == (4, 2)
    assert coverage.report(session, cast.vera, NOW - DAY, NOW, commune) == []


def test_notes_are_found_by_place_and_by_the_airing_s_time(session, cast, airing, head):
    upper = cast.areas["upper"]
    feedback.give(session, head, FeedbackInput(airing.id, upper, note="loa nhỏ"), LATER)

    def notes(**asked):
        return [row.note for row in feedback.page(session, cast.vera, **asked).items]

    assert notes(area_id=cast.areas["commune"], from_=NOW, until=NOW + DAY) == ["loa nhỏ"]
    assert notes(area_id=cast.areas["lower"]) == notes(until=NOW) == notes(from_=LATER) == []
    with pytest.raises(NotFound):
        feedback.page(session, cast.charlie, area_id=upper)


@pytest.mark.parametrize(
    ("values", "field"),
    [({}, "asked"), ({"asked": -1}, "asked"), ({"installed": -1}, "installed"),
     ({"note": "x" * 2001}, "note")],
)  # fmt: skip
def test_what_cannot_be_is_refused(session, cast, airing, head, values, field):
    with pytest.raises(BadInput) as refused:
        data = FeedbackInput(airing.id, cast.areas["upper"], **values)
        feedback.give(session, head, data, LATER)
    assert field in refused.value.errors


def test_nothing_is_noted_before_it_sounded(session, cast, airing, head):
    with pytest.raises(BadInput):
        feedback.give(session, head, FeedbackInput(airing.id, cast.areas["upper"], 1), NOW)


def test_only_where_it_sounded(session, cast, airing):
    with pytest.raises(NotFound):
        data = FeedbackInput(airing.id, cast.areas["lower"], 1)
        feedback.give(session, cast.erin, data, LATER)


def test_a_viewer_notes_nothing_and_an_outsider_sees_nothing(session, cast, airing, head):
    upper = cast.areas["upper"]
    with pytest.raises(NotAllowed):
        feedback.give(session, cast.vera, FeedbackInput(airing.id, upper, 1), LATER)
    feedback.give(session, head, FeedbackInput(airing.id, upper, 1), LATER)
    assert feedback.page(session, cast.charlie).items == []
    with pytest.raises(NotFound):
        feedback.give(session, cast.charlie, FeedbackInput(airing.id, upper, 1), LATER)
