"""This airing and all after it: nothing lost, doubled, or counted twice at the seam."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from controller.accounts.access import SYSTEM
from controller.errors import Conflict
from controller.models import Airing
from controller.planning import airings
from controller.scheduling import approvals, following, schedules
from tests.controller.factories import DAY, NOW, make_clip, schedule_input


@pytest.fixture
def commune(cast):
    return cast.areas["commune"]


@pytest.fixture
def clip(session, commune):
    return make_clip(session, area_id=commune)


@pytest.fixture
def on_air(session, clip, commune):
    def made(rrule="FREQ=DAILY", **more):
        data = schedule_input(clip.id, commune, recurrence={"rrule": rrule}, **more)
        schedule, _ = schedules.create(session, SYSTEM, data, NOW)
        return approvals.approve_schedule(session, SYSTEM, schedule.id, NOW)

    return made


def ahead(session, schedule):
    query = select(Airing).where(Airing.schedule_id == schedule.id, Airing.cancelled_at.is_(None))
    return list(session.scalars(query.order_by(Airing.starts_at)))


def days(session, *found):
    starts = [airing.starts_at.date() for each in found for airing in ahead(session, each)]
    assert len(starts) == len(set(starts)), "a day is heard twice"
    return starts


def changed(session, schedule, nth, now=NOW, **more):
    airing = ahead(session, schedule)[nth]
    entered = following.entered_from(session, airing, schedule)
    new, _ = following.change(session, SYSTEM, airing.id, replace(entered, **more), now)
    return new


def approved(session, schedule):
    return approvals.approve_schedule(session, SYSTEM, schedule.id, NOW)


def test_a_count_goes_on_and_does_not_begin_anew(session, on_air):
    daily = on_air("FREQ=DAILY;COUNT=10")
    rest = approved(session, changed(session, daily, 4, title="Tối"))
    assert (len(ahead(session, daily)), len(ahead(session, rest))) == (4, 6)
    assert len(days(session, daily, rest)) == 10


def test_a_start_before_the_airing_means_its_own_day(session, on_air, clip, commune):
    daily = on_air()
    third = ahead(session, daily)[2]
    data = schedule_input(clip.id, commune, "2026-11-23T19:00", recurrence={"rrule": "FREQ=DAILY"})
    new, _ = following.change(session, SYSTEM, third.id, data, NOW)
    approved(session, new)
    assert ahead(session, new)[0].starts_at.date() == third.starts_at.date()
    assert len(ahead(session, daily)) == 2
    days(session, daily, new)


def test_dates_added_by_hand_change_sides_at_the_seam(session, on_air):
    weekly = on_air("FREQ=WEEKLY", exceptions={"rdates": ["2026-11-25T17:00", "2026-12-09T17:00"]})
    found = ahead(session, weekly)
    assert len(found) == 7
    rest = approved(session, changed(session, weekly, 2))
    assert [a.starts_at for a in ahead(session, weekly)] == [a.starts_at for a in found[:2]]
    assert [a.starts_at for a in ahead(session, rest)] == [a.starts_at for a in found[2:]]


def test_of_two_changes_that_wait_only_one_can_take_over(session, on_air):
    daily = on_air()
    late = changed(session, daily, 8, starts_at="2026-12-01T20:00")
    early = changed(session, daily, 3, starts_at="2026-11-26T19:00")
    approved(session, early)
    before = [a.id for a in ahead(session, daily)]
    with pytest.raises(Conflict) as refused, session.begin_nested():
        approved(session, late)
    assert refused.value.code == "superseded"
    session.expire_all()
    assert [a.id for a in ahead(session, daily)] == before
    assert len(before) == 3


def test_a_look_at_it_changes_nothing_and_meets_no_ghost(session, on_air):
    daily = on_air()
    airing = ahead(session, daily)[2]
    entered = following.entered_from(session, airing, daily)
    found = following.draft(session, SYSTEM, airing.id, entered, NOW)
    assert not found.blocking
    assert found.occurrences[0].starts_at == airing.starts_at
    assert len(ahead(session, daily)) > 30
    assert airings.roll(session, NOW + DAY) >= 1
