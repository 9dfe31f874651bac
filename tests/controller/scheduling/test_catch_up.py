"""Phát bù: to just those who missed it, inside the hours, never after expiry, once."""

import pytest
from sqlalchemy import select

from controller.area_changes import area_edits
from controller.errors import Conflict, NotAllowed, NotFound
from controller.models import Airing, Approval, Node, Playback, Schedule
from controller.planning import airings
from controller.scheduling import approvals, catch_up, schedules
from protocol.outcomes import Outcome
from tests.controller.factories import (
    DAY,
    HOUR,
    NOW,
    make_clip,
    make_node,
    schedule_input,
    serve,
)


@pytest.fixture
def clip(session, cast):
    return make_clip(session, area_id=cast.areas["commune"])


@pytest.fixture
def played(session, cast, clip):
    """An airing of the whole commune, heard in one village and missed in the other."""
    return an_airing(session, cast, clip)


def an_airing(session, cast, clip, **more):
    commune = cast.areas["commune"]
    data = schedule_input(clip.id, commune, "2026-11-22T13:00", **more)
    schedule, _ = schedules.create(session, cast.erin, data, NOW)
    approvals.approve_schedule(session, cast.bob, schedule.id, NOW)
    airing = session.scalars(select(Airing).where(Airing.schedule_id == schedule.id)).first()
    for code, area, outcome in (("A", "upper", Outcome.PLAYED), ("B", "lower", Outcome.MISSED)):
        node = make_node(session, cast.areas[area], code)
        session.add(
            Playback(
                planned_day=airing.starts_at.date(), airing_id=airing.id, node_id=node.id,
                planned_at=airing.starts_at, outcome=outcome,
            )
        )  # fmt: skip
    airing.settled_at = airing.ends_at + HOUR
    session.flush()
    return airing


LATER = NOW + 3 * HOUR


def test_it_goes_to_just_those_who_missed_it(session, cast, played):
    schedule = catch_up.play_again(session, cast.erin, played.id, LATER)
    assert schedule.status is Approval.APPROVED
    found = airings.page(session, cast.bob, now=LATER, from_=LATER).items
    (view,) = found
    assert view.area_ids == (cast.areas["lower"],)
    assert view.airing.starts_at == LATER + HOUR / 6
    assert view.airing.title == "Phát bù: Bản tin chiều"


def test_it_happens_once(session, cast, played):
    catch_up.play_again(session, cast.erin, played.id, LATER)
    with pytest.raises(Conflict) as refused:
        catch_up.play_again(session, cast.erin, played.id, LATER)
    assert refused.value.code == "caught_up"


def test_it_keeps_to_the_hours_and_out_of_the_way(session, cast, clip, played):
    policy = {"permit": [{"from": "17:00", "to": "18:00"}]}
    area_edits.update(session, cast.alice, cast.areas["lower"], {"policy": policy}, NOW)
    data = schedule_input(clip.id, cast.areas["lower"], "2026-11-22T17:00")
    other, _ = schedules.create(session, cast.erin, data, NOW)
    approvals.approve_schedule(session, cast.bob, other.id, NOW)
    found = catch_up.suggest(session, cast.erin, played.id, LATER)
    assert found.starts_at.isoformat() == "2026-11-22T10:05:00+00:00"


def test_an_expired_clip_is_not_caught_up(session, cast):
    clip = make_clip(session, area_id=cast.areas["commune"], valid_until=NOW + 2 * HOUR)
    airing = an_airing(session, cast, clip)
    with pytest.raises(Conflict) as refused:
        catch_up.play_again(session, cast.erin, airing.id, LATER)
    assert refused.value.code == "clip_expired"


def test_where_nobody_missed_it_there_is_nothing_to_do(session, cast, played):
    for row in session.scalars(select(Playback)):
        row.outcome = Outcome.PLAYED
    session.flush()
    with pytest.raises(Conflict) as refused:
        catch_up.suggest(session, cast.erin, played.id, LATER)
    assert refused.value.code == "nobody_missed"


def test_a_schedule_that_says_so_is_caught_up_by_itself(session, cast, clip):
    airing = an_airing(session, cast, clip, exceptions={"catch_up": True})
    (made,) = catch_up.run(session, LATER)
    assert schedules.get(session, cast.vera, made).rule["catch_up_of"] == airing.id
    assert catch_up.run(session, LATER) == []


def test_others_are_left_alone(session, cast, played):
    assert catch_up.run(session, LATER) == []


def test_a_viewer_and_an_outsider_catch_up_nothing(session, cast, played):
    with pytest.raises(NotAllowed):
        catch_up.play_again(session, cast.vera, played.id, LATER)
    with pytest.raises(NotFound):
        catch_up.play_again(session, cast.charlie, played.id, LATER + DAY)


def itself(session, cast, clip):
    """A missed airing of a schedule that wants it caught up by itself, and its first catch-up."""
    missed = an_airing(session, cast, clip, exceptions={"catch_up": True})
    (first,) = catch_up.run(session, LATER)
    again = session.scalars(select(Airing).where(Airing.schedule_id == first)).one()
    node_id = session.scalars(
        select(Playback.node_id).where(
            Playback.airing_id == missed.id, Playback.outcome == Outcome.MISSED
        )
    ).one()
    miss(session, again, node_id)
    return again, session.get_one(Node, node_id)


def miss(session, airing, node_id):
    session.add(
        Playback(
            planned_day=airing.starts_at.date(), airing_id=airing.id, node_id=node_id,
            planned_at=airing.starts_at, outcome=Outcome.MISSED,
        )
    )  # fmt: skip
    airing.settled_at = airing.ends_at + HOUR
    session.flush()


def test_a_catch_up_that_is_missed_too_waits_until_the_node_is_heard_of(session, cast, clip):
    again, node = itself(session, cast, clip)
    assert catch_up.run(session, LATER + 2 * HOUR) == []
    serve(session, node, now=LATER)
    (second,) = catch_up.run(session, LATER + 3 * HOUR)
    assert session.get_one(Schedule, second).rule["catch_up_of"] == again.id


def test_it_is_tried_three_times_by_itself_and_then_left_to_people(session, cast, clip):
    _, node = itself(session, cast, clip)
    serve(session, node, now=LATER)
    at = LATER
    for _ in range(2):
        at += 2 * HOUR
        (made,) = catch_up.run(session, at)
        airing = session.scalars(select(Airing).where(Airing.schedule_id == made)).one()
        miss(session, airing, node.id)
    assert catch_up.run(session, at + 2 * HOUR) == []
    assert catch_up.play_again(session, cast.erin, airing.id, at + 2 * HOUR)


def test_it_says_how_many_of_the_village_hear_it_twice(session, cast, played):
    assert catch_up.suggest(session, cast.erin, played.id, LATER).hear_twice == 0
    make_node(session, cast.areas["lower"], "C")
    assert catch_up.suggest(session, cast.erin, played.id, LATER).hear_twice == 1
