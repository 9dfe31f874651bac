"""A stop and an emergency go out at once, in order, and what holds can be read later."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from controller.commands import CommandKind
from controller.database import reading, transaction
from controller.emergency import emergencies
from controller.emergency.emergencies import EmergencyInput, Repeat
from controller.library import clips
from controller.models import Airing, ServiceCommand
from controller.mqtt.publisher import Publisher
from controller.publishing.orders import Orders
from controller.scheduling import approvals, schedules
from protocol import envelope
from protocol.codec import from_json
from protocol.envelope import MessageType, heading_of
from protocol.keys import SigningKey
from protocol.messages import AreaState, Command
from protocol.topics import Topics
from tests.controller.factories import DAY, NOW, make_clip, schedule_input
from tests.fakes.link import FakeLink

TOPICS = Topics("main")


class Bench:
    def __init__(self, engine):
        self.engine = engine
        self.now = NOW
        self.link = FakeLink()
        self.key = SigningKey.generate()
        self.offered = {}
        publisher = Publisher(engine, self.link, self.key, TOPICS, lambda: self.now)
        self.orders = Orders(engine, publisher, self.offered.update, lambda: self.now)

    def state(self, area_id):
        """(heading, state) last retained for an area."""
        sent = self.link.last(TOPICS.area_state(area_id))
        assert sent.retain
        return self._open(sent.payload, MessageType.AREA_STATE, AreaState)

    def command(self, area_id):
        sent = self.link.last(TOPICS.area_command(area_id))
        assert (sent.retain, sent.expires_in_s) == (False, 60)
        return self._open(sent.payload, MessageType.COMMAND, Command)

    def _open(self, raw, type_, cls):
        shown = self.key.verify_key
        body = envelope.verify(raw, type_, {shown.kid: shown})
        return heading_of(body), from_json(cls, body)


@pytest.fixture
def bench(engine):
    return Bench(engine)


@pytest.fixture
def upper(cast):
    return cast.areas["upper"]


@pytest.fixture
def emergency(engine, cast, upper):
    """An emergency in the upper village that sounds three times."""
    with transaction(engine) as session:
        clip = make_clip(session, area_id=cast.areas["commune"])
        asked = EmergencyInput(clip.id, [upper], drill=True, repeat=Repeat(3, 60))
        return emergencies.begin(session, cast.bob, asked, NOW)


def test_an_emergency_is_commanded_at_once_and_stands_with_its_repeats(bench, emergency, upper):
    bench.orders.announce([upper], "play", emergency.id)
    told, command = bench.command(upper)
    assert (command.verb, command.airing.title) == ("play", f"Diễn tập: {emergency.title}")
    assert told.to == f"area:{upper}"
    after, state = bench.state(upper)
    assert state.airings[0] == command.airing
    assert len(state.airings) == 3
    assert after.seq > told.seq


def test_its_sounds_are_offered_before_anybody_asks(bench, emergency, upper):
    bench.orders.announce([upper], "play", emergency.id)
    assert set(bench.offered) == {part["sha256"] for part in emergency.parts}


def test_a_stop_is_commanded_and_stays_in_the_state(bench, engine, cast, upper):
    with transaction(engine) as session:
        emergencies.stop(session, cast.bob, [upper], NOW, NOW + timedelta(hours=1))
    bench.orders.announce([upper], "stop")
    assert bench.command(upper)[1].verb == "stop"
    _, state = bench.state(upper)
    assert (state.stopped_at, state.muted_until) == (NOW, NOW + timedelta(hours=1))
    assert bench.offered == {}


def test_a_cancelled_emergency_is_named_so_that_it_falls_silent(
    bench, emergency, engine, cast, upper
):
    bench.orders.announce([upper], "play", emergency.id)
    with transaction(engine) as session:
        emergencies.cancel(session, cast.bob, emergency.id, NOW)
    bench.orders.announce([upper])
    _, state = bench.state(upper)
    assert (state.airings, len(state.cancelled)) == ((), 3)
    assert state.revision == 2


def test_what_has_lapsed_leaves_the_state(bench, emergency, upper):
    bench.orders.announce([upper], "play", emergency.id)
    bench.now += DAY
    assert bench.orders.refresh() == 1
    assert bench.state(upper)[1].airings == ()
    assert bench.orders.refresh() == 0


def test_without_anything_said_before_there_is_nothing_to_refresh(bench):
    assert bench.orders.refresh() == 0


@pytest.mark.parametrize("after_s", [-10, 60])  # in hand already, or sounding
def test_a_clip_withdrawn_while_it_sounds_falls_silent_and_what_is_far_off_needs_no_word(
    bench, engine, cast, upper, after_s
):
    with transaction(engine) as session:
        clip = make_clip(session, area_id=cast.areas["commune"], duration_ms=600_000)
        for start in ("2026-11-22T12:30", "2026-11-22T13:30"):
            data = schedule_input(clip.id, upper, start)
            schedule, _ = schedules.create(session, cast.erin, data, NOW)
            approvals.approve_schedule(session, cast.bob, schedule.id, NOW)
        first = session.scalars(select(Airing).order_by(Airing.starts_at)).first()
        clip_id, airing_id, starts_at = clip.id, first.id, first.starts_at
    bench.now = starts_at + timedelta(seconds=after_s)
    bench.orders.announce([upper])
    assert bench.state(upper)[1].cancelled == ()
    with transaction(engine) as session:
        clips.withdraw(session, cast.bob, clip_id, bench.now)
    with reading(engine) as session:
        asked = session.scalars(
            select(ServiceCommand).where(ServiceCommand.kind == CommandKind.AREA_STATE_CHANGED)
        ).one()
        assert asked.body["area_ids"] == [upper]
    bench.orders.announce([upper])
    assert bench.state(upper)[1].cancelled == (airing_id,)
    bench.now += 2 * DAY
    bench.orders.announce([upper])
    assert bench.state(upper)[1].cancelled == ()
