"""Airings: stable ids, expansion that loses and doubles nothing, what each is to sound."""

from datetime import UTC, datetime
from itertools import pairwise

import pytest
from sqlalchemy import func, select

from controller.area_changes import area_edits
from controller.errors import NotFound
from controller.fleet import nodes
from controller.library import clips
from controller.models import Airing, Approval, Change, Tune
from controller.planning import airings
from controller.scheduling import approvals, schedules
from controller.scheduling.schedules import ItemInput
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

DAILY = {"rrule": "FREQ=DAILY"}


@pytest.fixture
def commune(cast):
    return cast.areas["commune"]


@pytest.fixture
def clip(session, commune):
    return make_clip(session, area_id=commune)


def on_air(session, cast, clip_id, area_id, starts_at="2026-11-23T17:00", **more):
    """An approved schedule."""
    data = schedule_input(clip_id, area_id, starts_at, **more)
    schedule, _ = schedules.create(session, cast.erin, data, NOW)
    return approvals.approve_schedule(session, cast.bob, schedule.id, NOW)


def rows(session, schedule):
    query = select(Airing).where(Airing.schedule_id == schedule.id).order_by(Airing.starts_at)
    return list(session.scalars(query))


def test_an_id_is_the_hash_of_schedule_and_original_instant():
    at = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
    assert airings.airing_id("abc", at) == sha("abc/2026-11-23T10:00:00Z")[:32]


def test_expanding_again_changes_nothing(session, cast, clip, commune):
    schedule = on_air(session, cast, clip.id, commune, recurrence=DAILY)
    before = [(a.id, a.starts_at, a.cancelled_at) for a in rows(session, schedule)]
    assert len(before) == 31
    assert airings.expand(session, schedule, NOW) == 0
    assert [(a.id, a.starts_at, a.cancelled_at) for a in rows(session, schedule)] == before


def test_the_horizon_moves_on_with_the_days(session, cast, clip, commune):
    schedule = on_air(session, cast, clip.id, commune, recurrence=DAILY)
    assert airings.roll(session, NOW + 3 * DAY) == 3
    assert airings.roll(session, NOW + 3 * DAY) == 0
    assert len(rows(session, schedule)) == 34


def test_a_controller_that_was_down_for_months_accounts_for_every_day(session, cast, clip, commune):
    schedule = on_air(session, cast, clip.id, commune, recurrence=DAILY)
    airings.roll(session, NOW + 100 * DAY)
    found = rows(session, schedule)
    assert len(found) == 131
    gaps = {after.starts_at - before.starts_at for before, after in pairwise(found)}
    assert gaps == {DAY}


def test_what_has_begun_is_never_touched(session, cast, clip, commune):
    schedule = on_air(session, cast, clip.id, commune, "2026-11-22T13:00", recurrence=DAILY)
    begun = NOW + HOUR  # 13:00 in Viet Nam is NOW + 1 h
    schedules.pause(session, cast.erin, schedule.id, begun)
    found = rows(session, schedule)
    assert found[0].cancelled_at is None
    assert all(airing.cancelled_at == begun for airing in found[1:])


def test_a_pause_leaves_a_gap_and_no_more(session, cast, clip, commune):
    schedule = on_air(session, cast, clip.id, commune, recurrence=DAILY)
    schedules.pause(session, cast.erin, schedule.id, NOW + 2 * DAY)
    airings.roll(session, NOW + 5 * DAY)
    schedules.resume(session, cast.erin, schedule.id, NOW + 10 * DAY)
    aired = [a for a in rows(session, schedule) if a.cancelled_at is None]
    days = [(airing.starts_at - NOW).days for airing in aired]
    assert days == [1, *range(10, 42)]


def test_a_pending_schedule_is_not_expanded(session, cast, clip, commune):
    schedule, _ = schedules.create(session, cast.erin, schedule_input(clip.id, commune), NOW)
    assert airings.roll(session, NOW) == 0
    assert rows(session, schedule) == []


def test_the_parts_are_tune_and_items_in_order(session, cast, commune):
    session.add(Tune(name="sang", title="Nhạc hiệu", sha256=sha("t"), bytes=9, duration_ms=4000))
    first = make_clip(session, area_id=commune)
    second = make_clip(session, area_id=commune, duration_ms=30_000)
    items = [ItemInput(first.id, times=2, gap_s=3), ItemInput(second.id)]
    schedule = on_air(session, cast, first.id, commune, items=items, tune="sang")
    (airing,) = rows(session, schedule)
    tune, one, two = airings.parts_of(session, airing, NOW)
    assert (tune.sha256, tune.language, tune.item) == (sha("t"), "", 0)
    assert (one.clip_id, one.times, one.gap_ms, one.item) == (first.id, 2, 3000, 1)
    assert (two.clip_id, two.duration_ms, two.item) == (second.id, 30_000, 2)
    # 4 s of tune, twice a minute and a gap of 3 s, half a minute.
    assert (airing.ends_at - airing.starts_at).total_seconds() == 4 + 2 * 63 + 30


def test_a_new_version_has_the_old_one_behind_it(session, cast, clip, commune):
    schedule = on_air(session, cast, clip.id, commune)
    old = clip.versions[0]
    new = add_version(session, clip)
    (part,) = airings.parts_of(session, rows(session, schedule)[0], NOW)
    assert (part.sha256, part.fallback_sha256) == (new.sha256, old.sha256)
    assert part.fallback_bytes == old.bytes


def test_an_unapproved_clip_never_sounds_and_a_tune_alone_neither(session, cast, commune):
    session.add(Tune(name="sang", title="Nhạc hiệu", sha256=sha("t"), bytes=9, duration_ms=4000))
    clip = make_clip(session, area_id=commune, status=Approval.PENDING)
    schedule = on_air(session, cast, clip.id, commune, tune="sang")
    (airing,) = rows(session, schedule)
    assert airings.parts_of(session, airing, NOW) == ()
    assert (airing.ends_at - airing.starts_at).total_seconds() == 64


def test_validity_is_judged_at_the_airings_own_start(session, cast, commune):
    clip = make_clip(session, area_id=commune, valid_until=NOW + 3 * DAY)
    schedule = on_air(session, cast, clip.id, commune, recurrence=DAILY)
    sounding = [bool(airings.parts_of(session, a, NOW)) for a in rows(session, schedule)]
    assert sounding[:4] == [True, True, False, False]


def test_each_village_hears_its_languages_and_the_longest_counts(session, cast, commune):
    original = make_clip(session, area_id=commune, duration_ms=60_000)
    make_clip(
        session, area_id=commune, language="hmn", translation_of=original.id, duration_ms=80_000
    )
    area_edits.update(session, cast.alice, cast.areas["upper"], {"languages": ["vi", "hmn"]}, NOW)
    schedule = on_air(session, cast, original.id, commune)
    (airing,) = rows(session, schedule)
    parts = airings.parts_of(session, airing, NOW)
    assert [(part.language, part.item) for part in parts] == [("vi", 1), ("hmn", 1)]
    assert (airing.ends_at - airing.starts_at).total_seconds() == 140


def test_a_withdrawn_original_takes_its_translations_with_it(session, cast, commune):
    original = make_clip(session, area_id=commune)
    make_clip(session, area_id=commune, language="hmn", translation_of=original.id)
    schedule = on_air(session, cast, original.id, commune)
    clips.withdraw(session, cast.bob, original.id, NOW)
    assert airings.parts_of(session, rows(session, schedule)[0], NOW) == ()


def test_stricter_hours_take_what_lies_ahead_off_at_once(session, cast, clip, commune):
    schedule = on_air(session, cast, clip.id, commune, recurrence=DAILY)
    weekdays = {"permit": [{"days": [1, 2, 3, 4, 5], "from": "05:00", "to": "20:00"}]}
    area_edits.update(session, cast.alice, commune, {"policy": weekdays}, NOW)
    aired = [a for a in rows(session, schedule) if a.withheld is None]
    assert {airing.starts_at.isoweekday() for airing in aired} == {1, 2, 3, 4, 5}


def test_targets_are_those_who_belonged_there_at_the_start(session, cast, clip, commune):
    schedule = on_air(session, cast, clip.id, cast.areas["upper"])
    (airing,) = rows(session, schedule)
    node = make_node(session, cast.areas["upper"])
    nodes.update(
        session, cast.tom, node.id, {"area_id": cast.areas["lower"]}, airing.starts_at + HOUR
    )
    assert [n.id for n in airings.targets(session, airing)] == [node.id]
    late = make_node(session, cast.areas["upper"], "TH-02", now=airing.starts_at + HOUR)
    assert late not in airings.targets(session, airing)


def test_readiness_counts_nodes_that_hold_every_sound(session, cast, clip, commune):
    on_air(session, cast, clip.id, commune)
    first = make_node(session, cast.areas["upper"], "A")
    serve(session, first, holds=[clip.versions[0].sha256])
    make_node(session, cast.areas["lower"], "B")
    (view,) = airings.page(session, cast.bob, now=NOW).items
    assert (view.readiness.ready, view.readiness.total) == (1, 2)
    add_version(session, clip)  # the old one is held: it can stand in
    (view,) = airings.page(session, cast.bob, now=NOW).items
    assert view.readiness.ready == 1


def test_nothing_to_sound_is_never_ready(session, cast, commune):
    clip = make_clip(session, area_id=commune, status=Approval.PENDING)
    on_air(session, cast, clip.id, commune)
    serve(session, make_node(session, cast.areas["upper"]))
    (view,) = airings.page(session, cast.bob, now=NOW).items
    assert (view.readiness.ready, view.readiness.total) == (0, 1)


def test_the_list_is_filtered_by_time_area_and_node(session, cast, clip, commune):
    daily = on_air(session, cast, clip.id, commune, recurrence=DAILY)
    upper = on_air(session, cast, clip.id, cast.areas["upper"], "2026-11-24T08:00")
    node = make_node(session, cast.areas["lower"])

    def found(**filters):
        page = airings.page(session, cast.vera, now=NOW, **filters)
        return [view.airing.schedule_id for view in page.items]

    two_days = {"from_": NOW + DAY, "until": NOW + 3 * DAY}
    assert found(**two_days) == [daily.id, upper.id, daily.id]
    assert upper.id not in found(area_id=cast.areas["lower"])
    assert daily.id in found(area_id=cast.areas["lower"])
    assert set(found(node_id=node.id)) == {daily.id}


def test_the_list_goes_on_from_its_cursor(session, cast, clip, commune):
    on_air(session, cast, clip.id, commune, recurrence=DAILY)
    seen, cursor = [], None
    for _ in range(3):
        page = airings.page(session, cast.vera, now=NOW, limit=11, cursor=cursor)
        seen += [view.airing.starts_at for view in page.items]
        cursor = page.next_cursor
    assert cursor is None
    assert len(seen) == 31 and seen == sorted(set(seen))


def test_an_outsider_finds_no_airing(session, cast, clip, commune):
    schedule = on_air(session, cast, clip.id, commune)
    (airing,) = rows(session, schedule)
    with pytest.raises(NotFound):
        airings.get(session, cast.charlie, airing.id)
    assert airings.get(session, cast.vera, airing.id) is airing


def test_one_change_line_an_area_and_not_an_airing(session, cast, clip, commune):
    on_air(session, cast, clip.id, commune, recurrence=DAILY)
    query = select(func.count()).select_from(Change).where(Change.kind == "airing")
    assert session.scalar(query) == 1
