"""Coverage: sums that come from the log, by place, topic and language."""

from datetime import date

import pytest
from sqlalchemy import select

from controller.errors import NotFound
from controller.models import Airing, Playback
from controller.outcomes import coverage, feedback
from controller.outcomes.coverage import Gap
from controller.outcomes.feedback import FeedbackInput
from controller.scheduling import approvals, schedules
from controller.scheduling.schedules import ItemInput
from protocol.outcomes import Outcome
from tests.controller.factories import DAY, NOW, make_clip, make_node, schedule_input

UNTIL = NOW + 20 * DAY


@pytest.fixture
def month(session, cast):
    """Two clips a day on the first three days: heard in one village, missed in the other."""
    commune = cast.areas["commune"]
    vneid = make_clip(session, area_id=commune, topic=1)
    pay = make_clip(session, area_id=commune, topic=2, title="Thanh toán")
    data = schedule_input(
        vneid.id, commune, "2026-11-22T13:00", recurrence={"rrule": "FREQ=DAILY;COUNT=3"},
        items=[ItemInput(vneid.id), ItemInput(pay.id)],
    )  # fmt: skip
    schedule, _ = schedules.create(session, cast.erin, data, NOW)
    approvals.approve_schedule(session, cast.bob, schedule.id, NOW)
    upper = make_node(session, cast.areas["upper"], "A")
    lower = make_node(session, cast.areas["lower"], "B")
    airings = session.scalars(select(Airing).where(Airing.schedule_id == schedule.id)).all()
    for airing in airings:
        for node, outcome, ms in ((upper, Outcome.PLAYED, 120_000), (lower, Outcome.MISSED, 0)):
            session.add(
                Playback(
                    planned_day=airing.starts_at.date(), airing_id=airing.id, node_id=node.id,
                    planned_at=airing.starts_at, outcome=outcome, played_ms=ms,
                    ended_at=airing.ends_at if ms else None,
                    heard_ms=100_000 if ms else None,
                )
            )  # fmt: skip
    session.flush()
    return airings


def found(session, actor, **more):
    return {
        (row.area_name, row.topic): row
        for row in coverage.report(session, actor, NOW, UNTIL, **more)
    }


def test_each_place_and_topic_has_its_sums(session, cast, month):
    rows = found(session, cast.vera)
    assert set(rows) == {(area, topic) for area in ("Thôn Thượng", "Thôn Hạ") for topic in (1, 2)}
    heard = rows["Thôn Thượng", 1]
    assert (heard.planned, heard.played, heard.heard, heard.minutes) == (3, 3, 3, 3.0)
    assert heard.last_played_at == max(airing.ends_at for airing in month)
    missed = rows["Thôn Hạ", 1]
    assert (missed.planned, missed.played, missed.heard, missed.minutes) == (3, 0, None, 0.0)


def test_a_week_without_it_is_named(session, cast, month):
    rows = found(session, cast.vera)
    assert rows["Thôn Thượng", 1].gaps == (Gap(date(2026, 11, 25), date(2026, 12, 12)),)
    assert rows["Thôn Hạ", 1].gaps == (Gap(date(2026, 11, 22), date(2026, 12, 12)),)


def test_the_report_is_narrowed_to_a_place(session, cast, month):
    rows = found(session, cast.vera, area_id=cast.areas["upper"])
    assert {area for area, _ in rows} == {"Thôn Thượng"}


def test_an_outsider_sees_no_figure(session, cast, month):
    assert found(session, cast.charlie) == {}
    with pytest.raises(NotFound):
        found(session, cast.charlie, area_id=cast.areas["upper"])


def test_what_the_groups_saw_stands_beside_the_plays(session, cast, month):
    upper = cast.areas["upper"]
    for asked, installed in ((3, 2), (4, None)):
        data = FeedbackInput(month[0].id, upper, asked, installed)
        feedback.give(session, cast.alice, data, month[0].ends_at)
    rows = {
        (row.area_id, row.topic): (
            row.asked,
            row.installed,
            row.asked - row.asked_again,
            row.installed - row.installed_again,
        )
        for row in coverage.report(session, cast.bob, NOW, UNTIL)
    }
    assert rows[upper, 1] == (7, 2, 7, 2)
    assert rows[upper, 2] == (7, 2, 0, 0), "both content areas have it, and a total has it once"


def test_what_is_on_the_air_counts_when_it_is_over(session, cast, month):
    first = min(month, key=lambda airing: airing.starts_at)
    for row in session.scalars(select(Playback).where(Playback.airing_id == first.id)):
        row.outcome = None
    session.flush()
    rows = found(session, cast.vera)
    assert (rows["Thôn Thượng", 1].planned, rows["Thôn Thượng", 1].played) == (2, 2)
    assert rows["Thôn Hạ", 1].planned == 2
