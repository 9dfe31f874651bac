"""Whatever is edited, no village hears more sessions or minutes than its own rules allow."""

import shutil

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from controller.accounts.access import SYSTEM
from controller.area_changes import area_edits, area_merge
from controller.area_changes.area_edits import AreaInput
from controller.calendar.policy import Span, over_limits
from controller.database import open_engine, sqlite_url
from controller.errors import BadInput, Conflict
from controller.library import clips
from controller.models import Airing, Area
from controller.planning import airings
from controller.publishing import documents
from controller.scheduling import approvals, schedules
from controller.scheduling.schedule_edits import leave_out, move
from controller.territory import areas
from tests.controller.factories import (
    HOUR,
    NOW,
    Cast,
    add_version,
    make_clip,
    schedule_input,
)

DAILY = {"rrule": "FREQ=DAILY"}
QUICK = settings(
    max_examples=12,
    derandomize=True,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow],
)

LIMITS = ("max_sessions_per_day", "max_minutes_per_session", "max_minutes_per_day")
places, numbers = st.integers(0, 3), st.integers(0, 7)
hours, minutes = st.integers(5, 20), st.sampled_from([2, 10, 20])
steps = st.one_of(
    st.tuples(st.just("limit"), places, st.tuples(st.sampled_from(LIMITS), st.integers(1, 25))),
    st.tuples(st.just("no_limit"), places, st.none()),
    st.tuples(st.just("make"), places, st.tuples(hours, minutes, st.booleans())),
    st.tuples(st.just("lengthen"), numbers, minutes),
    st.tuples(st.just("move"), numbers, hours),
    st.tuples(st.just("leave_out"), numbers, st.none()),
    st.tuples(st.just("pause"), numbers, st.none()),
    st.tuples(st.just("resume"), numbers, st.none()),
    st.tuples(st.just("merge"), places, st.none()),
    st.tuples(st.just("wait"), numbers, st.none()),
)


class Commune:
    """Three villages of one commune, and what is planned in them."""

    def __init__(self, session, cast):
        self.session, self.now, self.made = session, NOW, []
        commune = cast.areas["commune"]
        new = area_edits.create(session, SYSTEM, AreaInput("Ba", "thôn", parent_id=commune), NOW)
        self.places = [commune, cast.areas["upper"], cast.areas["lower"], new.id]

    def apply(self, verb, which, how):
        try:
            with self.session.begin_nested():
                getattr(self, verb)(which, how)
        except (Conflict, BadInput):
            self.session.expire_all()

    def limit(self, place, how):
        area_edits.update(
            self.session, SYSTEM, self.place(place), {"policy": dict([how])}, self.now
        )

    def no_limit(self, place, _):
        area_edits.update(self.session, SYSTEM, self.place(place), {"policy": None}, self.now)

    def make(self, place, how):
        hour, length, priority = how
        clip = make_clip(self.session, duration_ms=length * 60_000)
        data = schedule_input(
            clip.id, self.place(place), f"2026-11-23T{hour:02}:00", recurrence=DAILY,
            class_="priority" if priority else "normal",
        )  # fmt: skip
        schedule, _ = schedules.create(self.session, SYSTEM, data, self.now)
        approvals.approve_schedule(self.session, SYSTEM, schedule.id, self.now)
        self.made.append((schedule.id, clip))

    def lengthen(self, number, length):
        for _, clip in self.made[number:][:1]:
            add_version(self.session, clip, status="pending", duration_ms=length * 60_000)
            clips.approve(self.session, SYSTEM, clip.id, self.now)

    def move(self, number, hour):
        for airing in self.ahead()[number:][:1]:
            move(self.session, SYSTEM, airing.id, airing.starts_at + hour * HOUR / 4, self.now)

    def leave_out(self, number, _):
        for airing in self.ahead()[number:][:1]:
            leave_out(self.session, SYSTEM, airing.id, self.now)

    def pause(self, number, _):
        for schedule_id, _clip in self.made[number:][:1]:
            schedules.pause(self.session, SYSTEM, schedule_id, self.now)

    def resume(self, number, _):
        for schedule_id, _clip in self.made[number:][:1]:
            schedules.resume(self.session, SYSTEM, schedule_id, self.now)

    def merge(self, place, _):
        if place > 1 and len(self.places) > 2:
            merged = self.places.pop()
            area_merge.merge(self.session, SYSTEM, [merged], self.places[1], self.now)

    def wait(self, number, _):
        self.now += number * 5 * HOUR
        airings.roll(self.session, self.now)

    def place(self, number):
        return self.places[number % len(self.places)]

    def ahead(self):
        query = select(Airing).where(Airing.starts_at > self.now, Airing.cancelled_at.is_(None))
        return list(self.session.scalars(query.order_by(Airing.starts_at, Airing.id).limit(10)))

    def nobody_hears_too_much(self):
        for place in self.places:
            merged = {}
            for each in areas.path(self.session, place):
                document = documents.area_document(self.session, each, self.now, 30)
                merged |= {airing.airing_id: airing for airing in document.airings}
            heard = [each for each, airing in merged.items() if airing.parts]
            rows = self.session.scalars(select(Airing).where(Airing.id.in_(heard))).all()
            spans = [(row.starts_at > self.now, Span(row.starts_at, row.ends_at)) for row in rows]
            rules = areas.effective(self.session, place)
            ahead = sorted((s for new, s in spans if new), key=lambda span: span.starts_at)
            begun = [span for new, span in spans if not new]
            name = self.session.get(Area, place).name
            assert over_limits(rules.policy, rules.timezone, ahead, begun) == [], name


@pytest.fixture(scope="module")
def database(template, tmp_path_factory):
    path = tmp_path_factory.mktemp("limits") / "loalang.db"
    shutil.copy(template.path, path)
    engine = open_engine(sqlite_url(path))
    yield engine, Cast(template.actors, template.areas)
    engine.dispose()


@QUICK
@given(st.lists(steps, min_size=4, max_size=9))
def test_no_village_hears_more_than_its_limits_allow(database, events):
    engine, cast = database
    with Session(engine, expire_on_commit=False) as session:
        commune = Commune(session, cast)
        commune.make(0, (6, 10, False))
        for event in events:
            commune.apply(*event)
        commune.nobody_hears_too_much()
        session.rollback()
