"""Who lacks what: the next airing's sounds first, and nobody is told twice."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from controller.models import Airing, AuditEntry, Change, ClipVersion
from controller.publishing import documents
from controller.publishing.readiness import Holder, Watch, blobs_lacking, check, holders
from controller.scheduling import approvals, schedules
from protocol import messages
from tests.controller.factories import (
    HOUR,
    NOW,
    make_clip,
    make_node,
    schedule_input,
    serve,
)

HALF_AN_HOUR = timedelta(minutes=30)


@pytest.fixture
def node(session, cast):
    return make_node(session, cast.areas["upper"])


@pytest.fixture
def on_air(session, cast):
    """An approved schedule of a fresh clip; its airing and the clip's hash."""

    def make(starts_at="2026-11-22T17:00", title="Bản tin"):
        clip = make_clip(session, area_id=cast.areas["commune"], title=title)
        data = schedule_input(clip.id, cast.areas["commune"], starts_at)
        made, _ = schedules.create(session, cast.erin, data, NOW)
        approvals.approve_schedule(session, cast.bob, made.id, NOW)
        airing = session.scalars(select(Airing).where(Airing.schedule_id == made.id)).one()
        sha256 = session.scalars(
            select(ClipVersion.sha256).where(ClipVersion.clip_id == clip.id)
        ).one()
        return airing, sha256

    return make


def dated(session, cast):
    document = documents.area_document(session, cast.areas["commune"], NOW, 30)
    return {cast.areas["commune"]: document.airings}


def not_ready(session):
    query = select(AuditEntry).where(AuditEntry.action == "airing.not_ready")
    return list(session.scalars(query))


def told(session, airing):
    query = select(Change).where(Change.kind == "airing", Change.subject_id == airing.id)
    return len(session.scalars(query).all())


def test_sounds_that_a_node_lacks_come_in_the_order_of_air_time(session, cast, node, on_air):
    serve(session, node)
    _, later = on_air("2026-11-23T17:00")
    _, sooner = on_air("2026-11-22T18:00", title="Sớm hơn")
    found = blobs_lacking(dated(session, cast), holders(session, NOW), NOW)
    assert list(found) == [sooner, later]


def test_what_every_node_holds_is_not_lacking(session, cast, node, on_air):
    _, sha256 = on_air()
    serve(session, node, holds=[sha256])
    assert blobs_lacking(dated(session, cast), holders(session, NOW), NOW) == {}


def test_an_airing_that_is_over_needs_nothing(session, cast, node, on_air):
    on_air("2026-11-22T17:00")
    serve(session, node)
    after = NOW + 6 * HOUR
    assert blobs_lacking(dated(session, cast), holders(session, after), after) == {}


def test_a_node_lacks_only_what_it_would_play():
    parts = (
        messages.Part("tune", 1),
        messages.Part("vi", 2, item=1, language="vi", fallback_sha256="old", fallback_bytes=3),
        messages.Part("hmn", 4, item=1, language="hmn"),
    )
    holder = Holder("n", ("a",), ("vi",), frozenset({"tune"}))
    assert holder.lacks(parts) == {"vi": 2, "old": 3}
    assert not holder.ready_for(parts)


def test_the_former_recording_will_do_but_the_new_one_is_still_fetched():
    parts = (messages.Part("new", 2, fallback_sha256="old", fallback_bytes=3),)
    holder = Holder("n", ("a",), ("vi",), frozenset({"old"}))
    assert holder.ready_for(parts)
    assert holder.lacks(parts) == {"new": 2}


def test_half_an_hour_before_air_time_a_lacking_node_is_written_down(session, node, on_air):
    airing, _ = on_air()
    serve(session, node)
    watch, at = Watch(), airing.starts_at - timedelta(minutes=29)
    check(session, watch, at, HALF_AN_HOUR)
    assert check(session, watch, at + timedelta(seconds=61), HALF_AN_HOUR) == 1
    (entry,) = not_ready(session)
    assert entry.detail["nodes"] == [node.id]
    assert airing.checked_at is not None


def test_it_is_written_down_once_and_the_pages_hear_when_it_is_mended(session, node, on_air):
    airing, sha256 = on_air()
    device = serve(session, node)
    watch, at = Watch(), airing.starts_at - timedelta(minutes=29)
    before = told(session, airing)
    for seconds in (0, 61, 70, 80):
        check(session, watch, at + timedelta(seconds=seconds), HALF_AN_HOUR)
    assert told(session, airing) == before + 1
    device.status = {"holds": [sha256]}
    session.flush()
    assert check(session, watch, at + timedelta(seconds=90), HALF_AN_HOUR) == 0
    assert told(session, airing) == before + 2
    assert len(not_ready(session)) == 1


def test_a_schedule_made_minutes_before_gets_time_to_be_delivered(session, node, on_air):
    airing, sha256 = on_air()
    device = serve(session, node)
    watch, at = Watch(), airing.starts_at - timedelta(minutes=2)
    check(session, watch, at, HALF_AN_HOUR)
    device.status = {"holds": [sha256]}
    session.flush()
    assert check(session, watch, at + timedelta(seconds=20), HALF_AN_HOUR) == 0
    assert not_ready(session) == []


def test_a_node_without_hardware_is_not_ready(session, node, on_air):
    airing, _ = on_air()
    watch, at = Watch(), airing.starts_at - timedelta(seconds=9)
    assert check(session, watch, at, HALF_AN_HOUR) == 1


def test_earlier_than_that_nobody_looks(session, node, on_air):
    airing, _ = on_air()
    at = airing.starts_at - timedelta(minutes=31)
    assert check(session, Watch(), at, HALF_AN_HOUR) == 0
    assert airing.checked_at is None
