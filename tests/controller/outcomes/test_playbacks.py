"""The playback log: filters, areas as they were, pages that follow each other."""

import pytest

from controller.errors import NotFound
from controller.fleet import nodes
from controller.models import Airing, Playback
from controller.outcomes import playbacks
from controller.outcomes.playbacks import PlaybackFilters
from protocol.outcomes import AiringClass, Outcome
from tests.controller.factories import DAY, HOUR, NOW, make_node


@pytest.fixture
def log(session, cast):
    """Two nodes, two airings each, one of a stranger's commune."""
    upper = make_node(session, cast.areas["upper"], "A")
    lower = make_node(session, cast.areas["lower"], "B")
    foreign = make_node(session, cast.areas["elsewhere"], "C")
    for number, at in enumerate((NOW - 2 * DAY, NOW - DAY)):
        session.add(airing(f"a{number}", at))
        for node, outcome in ((upper, Outcome.PLAYED), (lower, Outcome.MISSED), (foreign, None)):
            session.add(row(f"a{number}", node, at, outcome))
    session.flush()
    return {"A": upper, "B": lower, "C": foreign}


def airing(airing_id, at):
    return Airing(
        id=airing_id, original_at=at, starts_at=at, ends_at=at + HOUR,
        class_=AiringClass.NORMAL, title="Bản tin", late_s=120,
    )  # fmt: skip


def row(airing_id, node, at, outcome):
    return Playback(
        planned_day=at.date(), airing_id=airing_id, node_id=node.id, planned_at=at, outcome=outcome
    )


def seen(session, actor, **filters):
    found = playbacks.page(session, actor, PlaybackFilters(**filters))
    return [(view.playback.airing_id, view.node.code) for view in found.items]


def test_the_newest_come_first_and_only_of_the_own_areas(session, cast, log):
    assert [airing_id for airing_id, _ in seen(session, cast.vera)] == ["a1", "a1", "a0", "a0"]
    assert {code for _, code in seen(session, cast.vera)} == {"A", "B"}
    assert {code for _, code in seen(session, cast.charlie)} == {"C"}


def test_filters_narrow_the_log(session, cast, log):
    assert seen(session, cast.vera, node_id=log["A"].id) == [("a1", "A"), ("a0", "A")]
    assert seen(session, cast.vera, outcome=Outcome.MISSED) == [("a1", "B"), ("a0", "B")]
    assert set(seen(session, cast.vera, airing_id="a0")) == {("a0", "A"), ("a0", "B")}
    assert set(seen(session, cast.vera, from_=NOW - DAY)) == {("a1", "A"), ("a1", "B")}
    assert set(seen(session, cast.vera, until=NOW - DAY)) == {("a0", "A"), ("a0", "B")}
    assert set(seen(session, cast.vera, area_id=cast.areas["upper"])) == {("a0", "A"), ("a1", "A")}


def test_a_row_stays_where_the_node_was(session, cast, log):
    nodes.update(session, cast.tom, log["A"].id, {"area_id": cast.areas["lower"]}, NOW)
    found = playbacks.page(session, cast.vera, PlaybackFilters(node_id=log["A"].id))
    assert {view.area_id for view in found.items} == {cast.areas["upper"]}


def test_pages_follow_each_other(session, cast, log):
    collected, cursor = [], None
    for _ in range(4):
        found = playbacks.page(session, cast.vera, PlaybackFilters(), limit=1, cursor=cursor)
        collected += [(v.playback.airing_id, v.node.code) for v in found.items]
        cursor = found.next_cursor
    assert cursor is None
    assert collected == seen(session, cast.vera)


def test_planned_stands_beside_played(session, cast, log):
    view = playbacks.page(session, cast.vera, PlaybackFilters()).items[0]
    assert view.airing.title == "Bản tin"
    assert view.playback.planned_at == view.airing.starts_at


def test_the_export_streams_every_row(session, cast, log):
    found = list(playbacks.rows(session, cast.vera, PlaybackFilters()))
    assert [(v.playback.airing_id, v.node.code) for v in found] == seen(session, cast.vera)


def test_an_outsider_may_not_even_ask_for_the_area(session, cast, log):
    with pytest.raises(NotFound):
        seen(session, cast.charlie, area_id=cast.areas["upper"])
