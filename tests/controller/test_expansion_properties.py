"""Whatever is edited, paused, rolled over and interrupted: no airing lost, doubled or rewritten."""

import shutil
from datetime import datetime, time, timedelta

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from controller.accounts.access import SYSTEM
from controller.area_changes import area_edits, area_merge
from controller.calendar.policy import windows
from controller.calendar.wall import to_local, zone
from controller.database import open_engine, sqlite_url
from controller.errors import Conflict
from controller.models import Airing
from controller.planning import airings
from controller.publishing import documents
from controller.scheduling import approvals, schedule_edits, schedules
from controller.territory import areas
from tests.controller.factories import DAY, NOW, Cast, make_clip, schedule_input

HANOI = zone("Asia/Ho_Chi_Minh")
DAILY = {"rrule": "FREQ=DAILY"}
FIRST = datetime(2026, 11, 23)  # noqa: DTZ001 - a day on the wall

# The same examples on every run; a failing one is printed as it is.
QUICK = settings(
    max_examples=25,
    derandomize=True,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow],
)

hours = st.integers(min_value=5, max_value=20)
waits = st.integers(min_value=0, max_value=40 * 24)
steps = st.one_of(
    st.tuples(st.just("wait"), waits),
    st.tuples(st.just("roll"), st.just(0)),
    st.tuples(st.just("crash"), st.just(0)),
    st.tuples(st.just("pause"), st.just(0)),
    st.tuples(st.just("resume"), st.just(0)),
    st.tuples(st.just("retime"), hours),
    st.tuples(st.just("move"), hours),
    st.tuples(st.just("leave_out"), st.just(0)),
    st.tuples(st.just("put_back"), st.just(0)),
    st.tuples(st.just("rules"), hours),
    st.tuples(st.just("no_rules"), st.just(0)),
    st.tuples(st.just("merge"), st.just(0)),
)


class Life:
    """One schedule through a sequence of events, and what people would expect of it."""

    def __init__(self, session, cast):
        self.session, self.now = session, NOW
        clip = make_clip(session)
        self.commune = cast.areas["commune"]
        self.place, self.neighbour = cast.areas["upper"], cast.areas["lower"]
        self.data = schedule_input(clip.id, self.place, "2026-11-23T17:00", recurrence=DAILY)
        self.schedule, _ = schedules.create(session, SYSTEM, self.data, NOW)
        approvals.approve_schedule(session, SYSTEM, self.schedule.id, NOW)
        self.hour, self.moved, self.left_out = 17, {}, set()
        self.silent = []  # spans of pauses
        self.paused_at = None
        self.kept_out = []  # the ids of what was left out, so that it can be put back

    def live(self):
        query = select(Airing).where(
            Airing.schedule_id == self.schedule.id, Airing.cancelled_at.is_(None)
        )
        return list(self.session.scalars(query.order_by(Airing.starts_at)))

    def begun(self):
        return {a.id: a.starts_at for a in self.live() if a.starts_at <= self.now}

    def apply(self, verb, amount):
        before = self.begun()
        try:
            with self.session.begin_nested():  # what is refused leaves nothing behind
                getattr(self, verb)(amount)
        except Conflict as refused:
            assert refused.code in ("policy", "begun", "past")
            self.session.expire_all()
        after = self.begun()
        assert before.items() <= after.items(), f"{verb} rewrote what had begun"

    def wait(self, hours):
        self.now += timedelta(hours=hours)

    def roll(self, _):
        airings.roll(self.session, self.now)

    def crash(self, _):
        """An expansion that never commits."""
        with self.session.begin_nested() as half:
            airings.expand(self.session, self.schedule, self.now)
            half.rollback()
        self.session.expire_all()

    def pause(self, _):
        schedules.pause(self.session, SYSTEM, self.schedule.id, self.now)
        self.paused_at = self.paused_at or self.now

    def rules(self, hour):
        permit = [{"from": f"{hour:02}:00", "to": f"{min(hour + 4, 24):02}:00"}]
        area_edits.update(
            self.session, SYSTEM, self.commune, {"policy": {"permit": permit}}, self.now
        )

    def no_rules(self, _):
        area_edits.update(self.session, SYSTEM, self.commune, {"policy": None}, self.now)

    def merge(self, _):
        if self.place != self.neighbour:
            merged, self.place = self.place, self.neighbour
            area_merge.merge(self.session, SYSTEM, [merged], self.place, self.now)

    def resume(self, _):
        schedules.resume(self.session, SYSTEM, self.schedule.id, self.now)
        if self.paused_at is not None:
            self.silent.append((self.paused_at, self.now))
        self.paused_at = None

    def retime(self, hour):
        first = datetime.combine(FIRST, time(hour))
        data = schedule_input(
            self.data.items[0].clip_id, self.place, first.isoformat(), recurrence=DAILY
        )
        schedule_edits.update(self.session, SYSTEM, self.schedule.id, data, self.now)
        approvals.approve_schedule(self.session, SYSTEM, self.schedule.id, self.now)
        now = to_local(self.now, HANOI)
        if now.hour >= hour:
            self.left_out.add(now.date())  # today's new time has passed: the draft says so
        self.kept_out = []  # an edit names all exceptions anew

    def move(self, hour):
        airing = self.next()
        if airing is not None:
            day = to_local(airing.original_at, HANOI).date()
            to = datetime.combine(day, time(hour, 10))
            if to > to_local(self.now, HANOI):
                schedule_edits.move(self.session, SYSTEM, airing.id, to.isoformat(), self.now)

    def leave_out(self, _):
        airing = self.next()
        if airing is not None:
            schedule_edits.leave_out(self.session, SYSTEM, airing.id, self.now)
            self.left_out.add(to_local(airing.original_at, HANOI).date())
            self.kept_out.append(airing.id)

    def put_back(self, _):
        if self.kept_out:
            airing = schedule_edits.put_back(self.session, SYSTEM, self.kept_out[-1], self.now)
            self.kept_out.pop()
            self.left_out.discard(to_local(airing.original_at, HANOI).date())

    def next(self):
        return next((a for a in self.live() if a.starts_at > self.now), None)


@pytest.fixture(scope="module")
def lives(template, tmp_path_factory):
    path = tmp_path_factory.mktemp("lives") / "loalang.db"
    shutil.copy(template.path, path)
    engine = open_engine(sqlite_url(path))
    yield engine, Cast(template.actors, template.areas)
    engine.dispose()


@QUICK
@given(st.lists(steps, min_size=1, max_size=8))
def test_each_day_sounds_once_whatever_happens(lives, events):
    engine, cast = lives
    with Session(engine, expire_on_commit=False) as session:
        life = Life(session, cast)
        for verb, amount in events:
            life.apply(verb, amount)
        if life.paused_at is not None:
            life.no_rules(0)  # what would break a rule is not resumed
            life.resume(0)
        airings.roll(session, life.now)
        live = life.live()
        days = [to_local(airing.original_at, HANOI).date() for airing in live]
        assert len(days) == len(set(days)), "an occurrence was doubled"
        expected = []
        day = FIRST.date()
        horizon = to_local(airings.horizon(life.now), HANOI).date()
        while day < horizon - DAY:
            expected.append(day)
            day += DAY
        missing = set(expected) - set(days) - life.left_out
        for lost in missing:
            assert any(
                start - DAY <= datetime.combine(lost, time(12), HANOI) <= end + DAY
                for start, end in life.silent
            ), f"{lost} was lost"
        assert airings.roll(session, life.now) == 0, "expanding again is no change"
        said_is_permitted(life)
        session.rollback()


def said_is_permitted(life):
    """Ahead, a row is withheld just where the hours forbid it, and the document is without it."""
    effective = areas.effective(life.session, life.place)
    ahead = [airing for airing in life.live() if airing.starts_at > life.now]
    for airing in ahead:
        found = windows(effective.policy, HANOI.key, airing.starts_at, airing.ends_at)
        whole = airing.ends_at - airing.starts_at
        fits = found is None or sum((w.until - w.from_ for w in found), timedelta()) == whole
        assert (airing.withheld is None) == fits
    document = documents.area_document(life.session, life.place, life.now, 30)
    said = {airing.airing_id for airing in document.airings if airing.starts_at > life.now}
    assert said == {airing.id for airing in ahead if airing.withheld is None}


permits = st.lists(
    st.tuples(st.integers(0, 23), st.integers(1, 24), st.sets(st.integers(1, 7), min_size=1)).map(
        lambda p: {
            "from": f"{p[0]:02}:00",
            "to": f"{p[1]:02}:00",
            "days": sorted(p[2]),
        }
    ),
    max_size=3,
)


@QUICK
@given(permit=permits, later=permits, hour=st.integers(0, 23), minute=st.integers(0, 59))
def test_no_airing_is_outside_the_hours_by_any_path(lives, permit, later, hour, minute):
    engine, cast = lives
    with Session(engine, expire_on_commit=False) as session:
        upper = cast.areas["upper"]
        area_edits.update(session, SYSTEM, upper, {"policy": {"permit": permit}}, NOW)
        clip = make_clip(session, duration_ms=600_000)
        first = datetime.combine(FIRST, time(hour, minute)).isoformat()
        try:
            data = schedule_input(clip.id, upper, first, recurrence=DAILY)
            schedule, _ = schedules.create(session, SYSTEM, data, NOW)
            approvals.approve_schedule(session, SYSTEM, schedule.id, NOW)
        except Conflict as refused:
            assert refused.conflicts[0]["rule"] == "permit"
        for rules in (permit, later):
            area_edits.update(session, SYSTEM, upper, {"policy": {"permit": rules}}, NOW)
            policy = areas.effective(session, upper).policy
            live = select(Airing).where(Airing.cancelled_at.is_(None), Airing.withheld.is_(None))
            for airing in session.scalars(live):
                found = windows(policy, HANOI.key, airing.starts_at, airing.ends_at)
                covered = sum((w.until - w.from_ for w in found), timedelta())
                assert covered == airing.ends_at - airing.starts_at
        session.rollback()
