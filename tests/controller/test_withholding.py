"""Rules that became stricter: at once, visibly, with the rule's name, and undone as easily."""

import pytest
from sqlalchemy import select

from controller import airings, approvals, areas, documents, playbacks, schedules, silence
from controller.access import SYSTEM
from controller.models import Airing, ServiceCommand
from controller.playbacks import PlaybackFilters
from tests.controller.factories import DAY, HOUR, NOW, make_clip, make_node, schedule_input

DAILY = {"rrule": "FREQ=DAILY"}
NO_EVENINGS = {"permit": [{"from": "05:00", "to": "18:00"}], "source": "QĐ 12/2026"}


@pytest.fixture
def commune(cast):
    return cast.areas["commune"]


@pytest.fixture
def on_air(session, cast, commune):
    """Daily at 19:00 and at the other times asked for, ten minutes each."""

    def made(*times, area_id=commune, class_="normal"):
        clip = make_clip(session, duration_ms=600_000)
        found = []
        for i, at in enumerate(times):
            data = schedule_input(
                clip.id, area_id, f"2026-11-23T{at}", recurrence=DAILY, title=at, class_=class_
            )
            schedule, _ = schedules.create(session, SYSTEM, data, NOW + i * HOUR / 100)
            found.append(approvals.approve_schedule(session, SYSTEM, schedule.id, NOW))
        return found

    return made


def rows(session, schedule):
    query = select(Airing).where(Airing.schedule_id == schedule.id, Airing.cancelled_at.is_(None))
    return list(session.scalars(query.order_by(Airing.starts_at)))


def said(session, area_id):
    return {a.airing_id for a in documents.area_document(session, area_id, NOW, 30).airings}


def test_stricter_hours_take_what_lies_ahead_off_at_once_and_name_the_rule(
    session, cast, commune, on_air
):
    (evening,) = on_air("19:00")
    assert len(said(session, commune)) > 30
    areas.update(session, cast.alice, commune, {"policy": NO_EVENINGS}, NOW)
    assert said(session, commune) == set()
    why = rows(session, evening)[0].withheld
    assert (why["rule"], why["area"]) == ("permit", "Xã Hoà Bình")
    assert "19:00-19:10" in why["vi"]
    assert "QĐ 12/2026" in why["vi"]
    asked = session.scalars(select(ServiceCommand).order_by(ServiceCommand.id.desc())).first()
    assert commune in asked.body["area_ids"]
    areas.update(session, cast.alice, commune, {"policy": None}, NOW)
    assert len(said(session, commune)) > 30
    assert not any(row.withheld for row in rows(session, evening))


def test_what_was_withheld_ends_as_skipped_by_policy(session, cast, commune, on_air):
    node = make_node(session, cast.areas["upper"])
    (evening,) = on_air("19:00")
    areas.update(session, cast.alice, commune, {"policy": NO_EVENINGS}, NOW)
    later = NOW + 2 * DAY
    while silence.presume(session, later, HOUR / 60):
        pass
    (view,) = playbacks.page(session, cast.bob, PlaybackFilters()).items
    assert (view.playback.node_id, view.playback.outcome, view.playback.reason) == (
        node.id,
        "skipped",
        "policy",
    )
    assert view.playback.airing_id == rows(session, evening)[0].id


def test_where_one_village_still_permits_it_the_nodes_judge(session, cast, commune, on_air):
    (evening,) = on_air("19:00")
    areas.update(session, cast.alice, cast.areas["upper"], {"policy": NO_EVENINGS}, NOW)
    assert not any(row.withheld for row in rows(session, evening))
    (page, *_) = documents.area_document(session, cast.areas["upper"], NOW, 30).head.pages
    assert page.bytes > 0


@pytest.mark.parametrize("limit", [{"max_sessions_per_day": 1}, {"max_minutes_per_day": 10}])
def test_under_a_new_limit_the_older_schedule_stays(session, cast, commune, on_air, limit):
    older, newer = on_air("06:00", "17:00")
    areas.update(session, cast.alice, commune, {"policy": limit}, NOW)
    assert not any(row.withheld for row in rows(session, older))
    assert {row.withheld["rule"] for row in rows(session, newer)} == set(limit)
    schedules.delete(session, SYSTEM, older.id, NOW)
    airings.roll(session, NOW)
    assert not any(row.withheld for row in rows(session, newer))


def test_priority_stays_where_a_limit_takes_one(session, cast, commune, on_air):
    (normal,) = on_air("06:00")
    (priority,) = on_air("17:00", class_="priority")
    areas.update(session, cast.alice, commune, {"policy": {"max_sessions_per_day": 1}}, NOW)
    assert not any(row.withheld for row in rows(session, priority))
    assert all(row.withheld for row in rows(session, normal)[:30])


def test_a_limit_of_one_village_holds_for_what_the_commune_airs(session, cast, commune, on_air):
    (daily,) = on_air("06:00")
    policy = {"max_minutes_per_session": 5}
    areas.update(session, cast.alice, cast.areas["lower"], {"policy": policy}, NOW)
    assert {row.withheld["area_id"] for row in rows(session, daily)} == {cast.areas["lower"]}
    assert said(session, commune) == set()


def test_the_last_look_before_signing_leaves_out_what_a_row_forgot(session, cast, commune, on_air):
    (evening,) = on_air("19:00")
    areas.update(session, cast.alice, commune, {"policy": NO_EVENINGS}, NOW)
    for row in rows(session, evening):
        row.withheld = None
    session.flush()
    assert said(session, commune) == set()
