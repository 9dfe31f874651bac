"""What a node could only sum up is told in its own counts, and never as airings of the log."""

from dataclasses import replace
from datetime import timedelta

import pytest

from controller.errors import NotFound
from controller.fleet import summaries
from controller.fleet.summaries import Ended
from controller.models import NodeReport
from controller.mqtt import reports
from controller.mqtt.reports import Told
from controller.outcomes import playbacks
from controller.outcomes.playbacks import PlaybackFilters
from device.outbox import summary
from protocol.messages import Report, ReportBatch
from protocol.outcomes import Outcome
from tests.controller.factories import DAY, NOW, make_node, serve


@pytest.fixture
def place(session, cast):
    node = make_node(session, cast.areas["upper"])
    return node, serve(session, node)


def summed_up(session, device_id, first=NOW - 40 * DAY):
    """Ten airings as the node itself sums them up: seven played, three in the dark."""
    told = [
        Report(
            seq=n + 1,
            airing_id=f"a{n}",
            planned_at=first + n * DAY,
            at=first + n * DAY + timedelta(minutes=1),
            outcome=Outcome.MISSED if n < 3 else Outcome.PLAYED,
            reason="powered_off" if n < 3 else "",
        )
        for n in range(10)
    ]
    batch = ReportBatch("e" * 16, (replace(summary(told), seq=11),))
    reports.commit(session, [Told(device_id, batch)], NOW, {})


def test_the_counts_are_told_most_frequent_first(session, cast, place):
    node, device = place
    summed_up(session, device.id)
    (found,) = summaries.of_node(session, cast.tom, node.id)
    assert (found.from_at, found.until_at) == (
        NOW - 40 * DAY,
        NOW - 31 * DAY + timedelta(minutes=1),
    )
    assert found.ended == (Ended("played", "", 7), Ended("missed", "powered_off", 3))
    assert found.count == 10
    assert playbacks.page(session, cast.tom, PlaybackFilters()).items == []


def test_the_log_is_told_of_those_of_its_time_and_places(session, cast, place):
    _, device = place
    summed_up(session, device.id)
    asked = (session, cast.tom, NOW - 35 * DAY, NOW)
    assert len(summaries.between(*asked)) == 1
    assert len(summaries.between(*asked, area_id=cast.areas["upper"])) == 1
    assert summaries.between(*asked, area_id=cast.areas["lower"]) == []
    assert summaries.between(session, cast.tom, NOW - 30 * DAY, NOW) == []
    assert summaries.between(session, cast.charlie, NOW - 35 * DAY, NOW) == []


def test_a_stranger_learns_nothing(session, cast, place):
    with pytest.raises(NotFound):
        summaries.of_node(session, cast.charlie, place[0].id)


@pytest.mark.parametrize("detail", ["", "[]", '{"played": "many"}', None, "{}"])
def test_a_broken_summary_is_passed_over(session, cast, place, detail):
    node, device = place
    body = {"kind": "summary", "planned_at": "2026-11-01T00:00:00Z", "at": "2026-11-02T00:00:00Z"}
    row = NodeReport(device_id=device.id, store_epoch="e", seq=1, airing_id="summary-1-2")
    row.received_at, row.body = NOW, {**body, "detail": detail}
    session.add(row)
    session.flush()
    assert summaries.of_node(session, cast.tom, node.id) == []
