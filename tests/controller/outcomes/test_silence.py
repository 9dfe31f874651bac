"""Nobody's silence goes unnoticed, and nobody is called missing who spoke."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from controller.library import clips
from controller.models import Airing, Change, Playback, ProgrammeItem
from controller.outcomes.silence import presume
from controller.scheduling import approvals, schedules
from protocol.outcomes import Outcome
from tests.controller.factories import DAY, NOW, make_clip, make_node, schedule_input

GRACE = timedelta(seconds=30)


@pytest.fixture
def nodes(session, cast):
    return [make_node(session, cast.areas["upper"], f"TH-0{n}") for n in (1, 2)]


@pytest.fixture
def airing(session, cast, nodes):
    clip = make_clip(session, area_id=cast.areas["commune"], duration_ms=60_000)
    data = schedule_input(clip.id, cast.areas["commune"], late_s=120)
    made, _ = schedules.create(session, cast.erin, data, NOW)
    approvals.approve_schedule(session, cast.bob, made.id, NOW)
    return session.scalars(select(Airing)).one()


def rows(session):
    query = select(Playback).order_by(Playback.node_id)
    return {row.node_id: row for row in session.scalars(query)}


def over(airing, extra=timedelta(seconds=1)):
    return airing.ends_at + timedelta(seconds=airing.late_s) + GRACE + extra


def test_before_the_last_word_is_due_nobody_is_missing(session, airing):
    assert presume(session, over(airing, timedelta(seconds=-2)), GRACE) == 0
    assert rows(session) == {}


def test_every_silent_target_is_presumed_missed(session, airing, nodes):
    assert presume(session, over(airing), GRACE) == 1
    found = rows(session)
    assert set(found) == {node.id for node in nodes}
    for row in found.values():
        assert (row.outcome, row.reason) == (Outcome.MISSED, "offline_unknown")
        assert (row.presumed_outcome, row.presumed_at) == (Outcome.MISSED, over(airing))
        assert (row.planned_at, row.reported_at) == (airing.starts_at, None)


def test_a_settled_airing_is_not_looked_at_again(session, airing):
    presume(session, over(airing), GRACE)
    assert presume(session, over(airing) + DAY, GRACE) == 0


def test_a_node_that_reported_keeps_its_row(session, airing, nodes):
    session.add(
        Playback(
            planned_day=airing.starts_at.date(),
            airing_id=airing.id,
            node_id=nodes[0].id,
            planned_at=airing.starts_at,
            outcome=Outcome.PLAYED,
            reported_at=NOW,
        )
    )
    presume(session, over(airing), GRACE)
    found = rows(session)
    assert found[nodes[0].id].outcome == Outcome.PLAYED
    assert found[nodes[0].id].presumed_outcome is None
    assert found[nodes[1].id].outcome == Outcome.MISSED


def test_one_that_began_and_never_ended_is_presumed_interrupted(session, airing, nodes):
    session.add(
        Playback(
            planned_day=airing.starts_at.date(),
            airing_id=airing.id,
            node_id=nodes[0].id,
            planned_at=airing.starts_at,
            started_at=airing.starts_at,
        )
    )
    presume(session, over(airing), GRACE)
    row = rows(session)[nodes[0].id]
    assert (row.outcome, row.presumed_outcome) == (Outcome.INTERRUPTED, Outcome.INTERRUPTED)
    assert row.reason == "offline_unknown"


def test_what_was_withdrawn_before_it_aired_was_skipped_not_missed(session, cast, airing):
    clip_id = airing_clip(session)
    clips.withdraw(session, cast.bob, clip_id, NOW)
    airing.cancelled_at = None  # the schedule stands; only its sound is gone
    presume(session, over(airing), GRACE)
    assert {(r.outcome, r.reason) for r in rows(session).values()} == {
        (Outcome.SKIPPED, "withdrawn")
    }


def test_a_cancelled_airing_is_nobody_s_miss(session, airing):
    airing.cancelled_at = NOW
    assert presume(session, over(airing), GRACE) == 0
    assert rows(session) == {}


def test_a_node_that_came_later_was_no_target(session, cast, airing, nodes):
    late = make_node(session, cast.areas["upper"], "TH-09", now=airing.starts_at + DAY)
    presume(session, over(airing) + DAY, GRACE)
    assert late.id not in rows(session)


def test_pages_are_told_of_each_row(session, airing, nodes, cast):
    presume(session, over(airing), GRACE)
    told = session.scalars(select(Change).where(Change.kind == "playback")).all()
    assert [(c.subject_id, c.area_id) for c in told] == [(airing.id, cast.areas["upper"])] * 2


def airing_clip(session):
    return session.scalars(select(ProgrammeItem.clip_id)).one()
