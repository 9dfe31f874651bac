"""Rules that became stricter: at once, visibly, with the rule's name, and undone as easily."""

from itertools import count

import pytest
from sqlalchemy import select

from controller.accounts.access import SYSTEM
from controller.area_changes import area_edits, area_merge
from controller.area_changes.area_edits import AreaInput
from controller.errors import Conflict
from controller.library import clips
from controller.models import Airing, AiringWithheld, Clip, ServiceCommand
from controller.outcomes import playbacks, silence
from controller.outcomes.playbacks import PlaybackFilters
from controller.planning import airings
from controller.publishing import documents
from controller.scheduling import approvals, schedule_edits, schedules
from controller.territory import areas
from tests.controller.factories import (
    DAY,
    HOUR,
    NOW,
    add_version,
    make_clip,
    make_node,
    schedule_input,
)

DAILY = {"rrule": "FREQ=DAILY"}
NO_EVENINGS = {"permit": [{"from": "05:00", "to": "18:00"}], "source": "QĐ 12/2026"}


@pytest.fixture
def commune(cast):
    return cast.areas["commune"]


@pytest.fixture
def on_air(session, cast, commune):
    """Daily at the times asked for, ten minutes each, one made after the other."""
    ages = count()

    def made(*times, area_id=commune, class_="normal"):
        clip = make_clip(session, duration_ms=600_000)
        found = []
        for i, at in zip(ages, times, strict=False):
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
    area_edits.update(session, cast.alice, commune, {"policy": NO_EVENINGS}, NOW)
    assert said(session, commune) == set()
    why = rows(session, evening)[0].withheld
    assert (why["rule"], why["area"]) == ("permit", "Xã Hoà Bình")
    assert "19:00-19:10" in why["vi"]
    assert "QĐ 12/2026" in why["vi"]
    asked = session.scalars(select(ServiceCommand).order_by(ServiceCommand.id.desc())).first()
    assert commune in asked.body["area_ids"]
    area_edits.update(session, cast.alice, commune, {"policy": None}, NOW)
    assert len(said(session, commune)) > 30
    assert not any(row.withheld for row in rows(session, evening))


def test_what_was_withheld_ends_as_skipped_by_policy(session, cast, commune, on_air):
    node = make_node(session, cast.areas["upper"])
    (evening,) = on_air("19:00")
    area_edits.update(session, cast.alice, commune, {"policy": NO_EVENINGS}, NOW)
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
    area_edits.update(session, cast.alice, cast.areas["upper"], {"policy": NO_EVENINGS}, NOW)
    assert not any(row.withheld for row in rows(session, evening))
    (page, *_) = documents.area_document(session, cast.areas["upper"], NOW, 30).head.pages
    assert page.bytes > 0


@pytest.mark.parametrize("limit", [{"max_sessions_per_day": 1}, {"max_minutes_per_day": 10}])
def test_under_a_new_limit_the_older_schedule_stays(session, cast, commune, on_air, limit):
    older, newer = on_air("06:00", "17:00")
    area_edits.update(session, cast.alice, commune, {"policy": limit}, NOW)
    assert not any(row.withheld for row in rows(session, older))
    assert {row.withheld["rule"] for row in rows(session, newer)} == set(limit)
    schedules.delete(session, SYSTEM, older.id, NOW)
    assert not any(row.withheld for row in rows(session, newer))


def test_a_pause_frees_its_room_at_once_and_the_documents_say_so(session, cast, commune, on_air):
    older, newer = on_air("06:00", "17:00")
    area_edits.update(session, cast.alice, commune, {"policy": {"max_sessions_per_day": 1}}, NOW)
    before = said(session, commune)
    schedules.pause(session, SYSTEM, older.id, NOW)
    assert not any(row.withheld for row in rows(session, newer))
    assert said(session, commune).isdisjoint(before)
    asked = session.scalars(select(ServiceCommand).order_by(ServiceCommand.id.desc())).first()
    assert commune in asked.body["area_ids"]


def test_priority_stays_where_a_limit_takes_one(session, cast, commune, on_air):
    (normal,) = on_air("06:00")
    (priority,) = on_air("17:00", class_="priority")
    area_edits.update(session, cast.alice, commune, {"policy": {"max_sessions_per_day": 1}}, NOW)
    assert not any(row.withheld for row in rows(session, priority))
    assert all(row.withheld for row in rows(session, normal)[:30])


def heard_on(session, cast, area):
    """What a node there would sound, from the documents of its path, the nearest holding."""
    merged = {}
    for each in areas.path(session, cast.areas[area]):
        merged |= {a.airing_id: a for a in documents.area_document(session, each, NOW, 30).airings}
    return {each for each, airing in merged.items() if airing.parts}


SHORT, LONG = {"max_minutes_per_session": 5}, {"max_minutes_per_session": 50}


def test_a_limit_of_one_village_takes_it_off_there_and_nowhere_else(session, cast, commune, on_air):
    (daily,) = on_air("06:00")
    area_edits.update(session, cast.alice, cast.areas["lower"], {"policy": SHORT}, NOW)
    assert not any(row.withheld for row in rows(session, daily))
    assert len(heard_on(session, cast, "upper")) > 30
    assert heard_on(session, cast, "lower") == set()
    document = documents.area_document(session, cast.areas["lower"], NOW, 30)
    assert {a.withheld for a in document.airings} == {"max_minutes_per_session"}
    asked = [c.body["area_ids"] for c in session.scalars(select(ServiceCommand))]
    assert any(cast.areas["lower"] in body for body in asked)
    area_edits.update(session, cast.alice, cast.areas["lower"], {"policy": None}, NOW)
    assert len(heard_on(session, cast, "lower")) > 30
    assert airings.roll(session, NOW) == 0


def test_a_village_that_allows_more_than_its_commune_hears_it(session, cast, commune, on_air):
    (daily,) = on_air("06:00")
    area_edits.update(session, cast.alice, commune, {"policy": SHORT}, NOW)
    assert all(row.withheld for row in rows(session, daily))
    area_edits.update(session, cast.alice, cast.areas["upper"], {"policy": LONG}, NOW)
    assert len(heard_on(session, cast, "upper")) > 30
    assert heard_on(session, cast, "lower") == heard_on(session, cast, "commune") == set()


def test_what_a_village_airs_itself_counts_there_alone(session, cast, commune, on_air):
    on_air("06:00", area_id=cast.areas["upper"])
    (evening,) = on_air("17:00")
    area_edits.update(session, cast.alice, commune, {"policy": {"max_sessions_per_day": 1}}, NOW)
    assert not any(row.withheld for row in rows(session, evening))
    assert {row.airing_id for row in session.scalars(select(AiringWithheld))} == {
        row.id for row in rows(session, evening)
    }
    evenings = {row.id for row in rows(session, evening)}
    assert evenings.isdisjoint(heard_on(session, cast, "upper"))
    assert evenings <= heard_on(session, cast, "lower")


def test_each_village_has_its_own_outcome(session, cast, commune, on_air):
    nodes = {name: make_node(session, cast.areas[name], name).id for name in ("upper", "lower")}
    on_air("06:00")
    area_edits.update(session, cast.alice, cast.areas["lower"], {"policy": SHORT}, NOW)
    while silence.presume(session, NOW + DAY, HOUR / 60):
        pass
    found = playbacks.page(session, cast.bob, PlaybackFilters()).items
    assert {(v.playback.node_id, v.playback.outcome, v.playback.detail) for v in found} == {
        (nodes["upper"], "missed", ""),
        (nodes["lower"], "skipped", "max_minutes_per_session"),
    }


def test_saving_it_is_refused_naming_the_village(session, cast, commune, on_air):
    for name in ("upper", "lower"):
        area_edits.update(session, cast.alice, cast.areas[name], {"policy": SHORT}, NOW)
    with pytest.raises(Conflict) as refused:
        on_air("06:00")
    conflict = refused.value.conflicts[0]
    named = {area["id"] for area in (conflict["area"], *conflict["also"])}
    assert named == {cast.areas["upper"], cast.areas["lower"]}
    assert "Cũng ở:" in conflict["vi"]


def test_the_last_look_before_signing_leaves_out_what_a_row_forgot(session, cast, commune, on_air):
    (evening,) = on_air("19:00")
    area_edits.update(session, cast.alice, commune, {"policy": NO_EVENINGS}, NOW)
    for row in rows(session, evening):
        row.withheld = None
    session.flush()
    assert said(session, commune) == set()


DAY_10 = {"max_minutes_per_day": 25}


def test_a_longer_recording_makes_the_younger_one_give_way_at_once(session, cast, commune, on_air):
    older, newer = on_air("06:00", "17:00")
    area_edits.update(session, cast.alice, commune, {"policy": DAY_10}, NOW)
    assert not any(row.withheld for row in (*rows(session, older), *rows(session, newer)))
    clip = session.get_one(Clip, older.programme.items[0].clip_id)
    other = make_clip(session, duration_ms=600_000)
    newer.programme.items[0].clip_id = other.id
    session.flush()
    add_version(session, clip, status="pending", duration_ms=1_000_000)
    clips.approve(session, SYSTEM, clip.id, NOW)
    assert not any(row.withheld for row in rows(session, older))
    assert {row.withheld["rule"] for row in rows(session, newer)} == {"max_minutes_per_day"}


def test_the_minutes_of_two_villages_that_merge_are_counted_together(
    session, cast, commune, on_air
):
    (one,) = on_air("06:00", area_id=cast.areas["upper"])
    (two,) = on_air("17:00", area_id=cast.areas["lower"])
    area_edits.update(session, cast.alice, commune, {"policy": {"max_minutes_per_day": 15}}, NOW)
    assert not any(row.withheld for row in (*rows(session, one), *rows(session, two)))
    area_merge.merge(session, SYSTEM, [cast.areas["upper"]], cast.areas["lower"], NOW)
    assert not any(row.withheld for row in rows(session, one)[:30]), "the older one stays"
    assert all(row.withheld for row in rows(session, two)[:30])


def test_a_new_village_with_stricter_rules_is_spared_at_once(session, cast, commune, on_air):
    on_air("06:00")
    data = AreaInput("Thôn Mới", "thôn", parent_id=commune, policy=SHORT)
    new = area_edits.create(session, SYSTEM, data, NOW)
    cast.areas["new"] = new.id
    try:
        assert heard_on(session, cast, "new") == set()
    finally:
        del cast.areas["new"]


def test_moving_an_airing_may_not_cost_another_one_its_minutes(session, cast, commune, on_air):
    clip = make_clip(session, duration_ms=600_000)
    data = schedule_input(clip.id, commune, "2026-11-23T06:00", recurrence=DAILY)
    schedule, _ = schedules.create(session, SYSTEM, data, NOW)
    approvals.approve_schedule(session, SYSTEM, schedule.id, NOW)
    area_edits.update(session, cast.alice, commune, {"policy": {"max_minutes_per_day": 15}}, NOW)
    first, second = rows(session, schedule)[:2]
    with pytest.raises(Conflict) as refused:
        schedule_edits.move(session, SYSTEM, first.id, second.starts_at - HOUR, NOW)
    assert refused.value.conflicts[0]["rule"] == "max_minutes_per_day"
