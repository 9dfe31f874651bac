"""One outcome for every airing and node, whatever becomes of node, device, area, clip, schedule."""

from collections import Counter

import pytest
from sqlalchemy import select

from controller.accounts.access import SYSTEM
from controller.area_changes import area_merge
from controller.fleet import nodes
from controller.library import clips
from controller.models import Airing, DeviceBinding, Playback, ServiceCommand
from controller.outcomes import silence
from controller.publishing import documents
from controller.scheduling import approvals, schedule_edits, schedules
from tests.controller.factories import (
    DAY,
    HOUR,
    NOW,
    add_version,
    make_clip,
    make_node,
    schedule_input,
    serve,
    sha,
)

SOUNDS = NOW + 6 * HOUR  # 18:00 in the village


@pytest.fixture
def clip(session, cast):
    return make_clip(session, area_id=cast.areas["commune"])


@pytest.fixture
def village(session, cast):
    """Two nodes in the upper village, one in the lower."""
    found = [make_node(session, cast.areas["upper"], code) for code in ("A", "B")]
    return [*found, make_node(session, cast.areas["lower"], "C")]


@pytest.fixture
def schedule(session, cast, clip, village):
    data = schedule_input(
        clip.id, cast.areas["commune"], "2026-11-22T18:00", recurrence={"rrule": "FREQ=DAILY"}
    )
    made, _ = schedules.create(session, cast.erin, data, NOW)
    return approvals.approve_schedule(session, cast.bob, made.id, NOW)


def settle(session, at):
    while silence.presume(session, at, HOUR / 60):
        pass


def outcomes(session, schedule):
    """(airing's start, node's code) → how often it has an outcome, and which reason."""
    ids = {
        a.id: a for a in session.scalars(select(Airing).where(Airing.schedule_id == schedule.id))
    }
    names = {n.id: n.code for n in nodes.nodes_in(session, [schedule.areas[0].area_id], SOUNDS)}
    rows = [p for p in session.scalars(select(Playback)) if p.airing_id in ids]
    assert max(Counter((p.airing_id, p.node_id) for p in rows).values(), default=0) <= 1
    return {
        (ids[p.airing_id].starts_at, names.get(p.node_id)): (p.outcome.value, p.reason)
        for p in rows
    }


MISSED = ("missed", "offline_unknown")


def test_a_node_replaced_moved_or_given_up_keeps_what_it_was_due(session, cast, schedule, village):
    first, second, third = village
    old = serve(session, first)
    after = SOUNDS + HOUR / 60
    binding = session.scalars(select(DeviceBinding).where(DeviceBinding.device_id == old.id)).one()
    binding.until_at = after  # the Pi was swapped a minute into the airing
    nodes.update(session, SYSTEM, second.id, {"area_id": cast.areas["lower"]}, after)
    nodes.retire(session, SYSTEM, third.id, after)
    settle(session, SOUNDS + 2 * HOUR)
    assert outcomes(session, schedule) == {(SOUNDS, code): MISSED for code in ("A", "B", "C")}
    settle(session, SOUNDS + DAY + 2 * HOUR)
    tomorrow = {code for at, code in outcomes(session, schedule) if at == SOUNDS + DAY}
    assert tomorrow == {"A", "B"}, "a node that was given up is due nothing"


def test_an_area_merged_while_it_sounds_still_accounts_for_its_nodes(
    session, cast, schedule, village
):
    upper, lower = cast.areas["upper"], cast.areas["lower"]
    area_merge.merge(session, SYSTEM, [upper], lower, SOUNDS + HOUR / 60)
    settle(session, SOUNDS + DAY + 2 * HOUR)
    expected = {(SOUNDS + n * DAY, code): MISSED for n in (0, 1) for code in ("A", "B", "C")}
    assert outcomes(session, schedule) == expected


def test_a_schedule_deleted_later_leaves_what_it_was_due(session, cast, schedule):
    schedules.delete(session, cast.erin, schedule.id, SOUNDS + HOUR)
    settle(session, SOUNDS + DAY + 2 * HOUR)
    assert outcomes(session, schedule) == {(SOUNDS, code): MISSED for code in ("A", "B", "C")}


def test_a_clip_withdrawn_later_does_not_change_why_it_was_missed(session, cast, schedule, clip):
    clips.withdraw(session, cast.bob, clip.id, SOUNDS + HOUR)
    settle(session, SOUNDS + DAY + 2 * HOUR)
    skipped = ("skipped", "withdrawn")
    assert {key[0]: value for key, value in outcomes(session, schedule).items()} == {
        SOUNDS: MISSED,
        SOUNDS + DAY: skipped,
    }


def said(session, cast):
    """The first part of each airing that nodes of the commune are told of, from now on."""
    document = documents.area_document(session, cast.areas["commune"], NOW, 30)
    return {airing.parts[0] for airing in document.airings}


def test_a_new_version_takes_over_when_it_is_approved(session, cast, schedule, clip):
    old = clip.versions[-1].sha256
    new = add_version(session, clip, status="pending")
    assert {part.sha256 for part in said(session, cast)} == {old}
    clips.approve(session, cast.bob, clip.id, NOW)
    assert {(part.sha256, part.fallback_sha256) for part in said(session, cast)} == {
        (new.sha256, old)
    }
    assert new.sha256 == sha(f"{clip.id}/2")


def test_a_withdrawn_clip_is_told_to_its_areas_in_the_same_breath(session, cast, schedule, clip):
    clips.withdraw(session, cast.bob, clip.id, NOW)
    assert said(session, cast) == set()
    asked = session.scalars(select(ServiceCommand).order_by(ServiceCommand.id.desc())).first()
    assert asked.body["clip_id"] == clip.id
    assert asked.body["area_ids"] == [cast.areas["commune"]]


def test_an_expired_clip_is_in_no_document_from_that_day_on(session, cast, village):
    clip = make_clip(session, area_id=cast.areas["commune"], valid_until=NOW + 3 * DAY)
    data = schedule_input(
        clip.id, cast.areas["commune"], "2026-11-22T18:00", recurrence={"rrule": "FREQ=DAILY"}
    )
    made, draft = schedules.create(session, cast.erin, data, NOW)
    assert "not_valid" in {conflict["rule"] for conflict in draft.conflicts}
    approvals.approve_schedule(session, cast.bob, made.id, NOW)
    document = documents.area_document(session, cast.areas["commune"], NOW, 30)
    assert [airing.starts_at for airing in document.airings] == [SOUNDS + n * DAY for n in range(3)]


def test_a_moved_airing_has_one_outcome_at_its_new_time(session, cast, schedule):
    airing = session.scalars(
        select(Airing).where(Airing.schedule_id == schedule.id).order_by(Airing.starts_at)
    ).first()
    schedule_edits.move(session, cast.bob, airing.id, "2026-11-22T20:00", NOW)
    settle(session, SOUNDS + 4 * HOUR)
    assert {at for at, _ in outcomes(session, schedule)} == {SOUNDS + 2 * HOUR}
