"""An airing's whole path to one node: what went out, what the node said it had, what it did."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from controller.database import reading, transaction
from controller.emergency import emergencies
from controller.emergency.emergencies import EmergencyInput, Repeat
from controller.models import Airing, Device, NodeReceipt, PagePublication
from controller.mqtt import presence, reports
from controller.mqtt.reports import Told
from controller.outcomes import airing_path, playbacks, receipts
from controller.outcomes.airing_path import StepCode
from controller.publishing.orders import Orders
from protocol.envelope import Heading
from protocol.messages import Answer, HeldSchedule, Report, ReportBatch, Status
from protocol.outcomes import CommandVerb, Outcome, ReportKind
from tests.controller.factories import DAY, NOW, make_clip
from tests.controller.publishing.test_desk import bench, node, on_air, sound  # noqa: F401 (fixtures)

S = timedelta(seconds=1)
BEHIND = timedelta(milliseconds=40)  # the node's clock


@pytest.fixture
def status(engine, node):  # noqa: F811
    """The device says what it holds; its clock is a little behind."""
    numbers = iter(range(1, 100))

    def say(at, **fields):
        with transaction(engine) as session:
            device = session.get_one(Device, node[1].id)
            said = Status(at=at - BEHIND, **fields)
            presence.take_status(session, device, Heading(seq=next(numbers)), said, at)

    return say


def told(engine, device_id, airing, now, **more):
    report = Report(airing_id=airing.id, planned_at=airing.starts_at, at=now - BEHIND, **more)
    with transaction(engine) as session:
        reports.commit(session, [Told(device_id, ReportBatch("e" * 16, (report,)))], now, {})


def path_of(engine, cast, airing, place):
    with reading(engine) as session:
        view = playbacks.one(session, cast.tom, airing.id, place.id)
        return {step.code: step for step in airing_path.steps(session, view)}


def test_every_step_has_its_times(bench, node, on_air, status, engine, cast):  # noqa: F811
    place, device = node
    made, sha256 = on_air()
    bench.now = NOW + 2 * S
    bench.desk.refresh()
    revision = bench.heads()[cast.areas["commune"]].revision
    held = (HeldSchedule(cast.areas["commune"], revision),)
    status(NOW + 3 * S, schedules=held)
    status(NOW + 9 * S, schedules=held, holds=(sha256,))
    status(NOW + 60 * S, schedules=held, holds=(sha256,))
    with reading(engine) as session:
        airing = session.scalars(select(Airing).where(Airing.schedule_id == made.id)).one()
    at = airing.starts_at
    told(engine, device.id, airing, at - S, seq=1, kind=ReportKind.STARTED)
    begun = {"started_at": at, "amplifier_on_at": at - S}
    ended = {"ended_at": at + 60 * S, "amplifier_off_at": at + 61 * S, "outcome": Outcome.PLAYED}
    told(engine, device.id, airing, at + 62 * S, seq=2, **begun, **ended)

    path = path_of(engine, cast, airing, place)
    assert list(path) == list(StepCode)
    assert all(step.done for step in path.values())
    assert path[StepCode.APPROVED].server_at == NOW
    assert path[StepCode.PUBLISHED].server_at == NOW + 2 * S
    received, ready = path[StepCode.RECEIVED], path[StepCode.READY]
    assert (received.node_at, received.server_at) == (NOW + 3 * S - BEHIND, NOW + 3 * S)
    assert (ready.node_at, ready.server_at) == (NOW + 9 * S - BEHIND, NOW + 9 * S)
    announced, heard_of = path[StepCode.ANNOUNCED], path[StepCode.FIRST_FRAME]
    assert (announced.node_at, announced.server_at) == (at - S - BEHIND, at - S)
    assert (heard_of.node_at, heard_of.server_at) == (at, at + 62 * S)
    acknowledged = path[StepCode.ACKNOWLEDGED]
    assert acknowledged.node_at == at + 62 * S - BEHIND
    assert acknowledged.server_at == at + 62 * S


def test_what_a_node_never_said_stays_open(bench, node, on_air, engine, cast):  # noqa: F811
    place, device = node
    made, _ = on_air()
    bench.desk.refresh()
    with reading(engine) as session:
        airing = session.scalars(select(Airing).where(Airing.schedule_id == made.id)).one()
    missed = {"outcome": Outcome.MISSED, "reason": "clip_missing"}
    told(engine, device.id, airing, airing.starts_at + S, seq=1, **missed)
    path = path_of(engine, cast, airing, place)
    open_ = [code for code, step in path.items() if not step.done]
    assert open_ == [
        StepCode.RECEIVED,
        StepCode.READY,
        StepCode.ANNOUNCED,
        StepCode.AMPLIFIER_ON,
        StepCode.FIRST_FRAME,
        StepCode.END,
        StepCode.AMPLIFIER_OFF,
    ]


def test_only_pages_that_changed_are_noted(bench, node, on_air, engine, cast):  # noqa: F811
    bench.desk.refresh()
    with reading(engine) as session:
        before = len(session.scalars(select(PagePublication)).all())
    on_air()
    bench.desk.refresh()
    with reading(engine) as session:
        rows = session.scalars(select(PagePublication)).all()
    assert [row.revision for row in rows].count(2) == len(rows) - before == 1


@pytest.fixture
def aired(bench, node, on_air, status, engine):  # noqa: F811
    """A scheduled airing the node has played, with the sound it is made of."""
    made, sha256 = on_air()
    bench.desk.refresh()
    with reading(engine) as session:
        airing = session.scalars(select(Airing).where(Airing.schedule_id == made.id)).one()
    return airing, sha256


def test_ready_is_when_it_held_the_sounds_for_that_airing(aired, status, engine, node, cast):  # noqa: F811
    airing, sha256 = aired
    place, device = node
    at = airing.starts_at
    status(at - 2 * DAY, holds=(sha256,))
    status(at - DAY, holds=())
    status(at - 60 * S, holds=(sha256,))
    played = {"started_at": at, "ended_at": at + 60 * S, "outcome": Outcome.PLAYED}
    told(engine, device.id, airing, at + 61 * S, seq=1, **played)
    status(at + DAY, holds=())
    status(at + 2 * DAY, holds=(sha256,))
    ready = path_of(engine, cast, airing, place)[StepCode.READY]
    assert (ready.node_at, ready.server_at) == (at - 60 * S - BEHIND, at - 60 * S)


def test_sounds_lost_before_the_hour_were_not_ready(aired, status, engine, node, cast):  # noqa: F811
    airing, sha256 = aired
    place, device = node
    at = airing.starts_at
    status(at - 2 * DAY, holds=(sha256,))
    status(at - DAY, holds=())
    missed = {"outcome": Outcome.MISSED, "reason": "clip_missing"}
    told(engine, device.id, airing, at + 130 * S, seq=1, **missed)
    status(at + DAY, holds=(sha256,))
    assert not path_of(engine, cast, airing, place)[StepCode.READY].done


@pytest.fixture
def siren(bench, engine, cast):  # noqa: F811
    """An emergency for the commune, said at once, with one repeat: (order, its airings)."""
    orders = Orders(engine, bench.publisher, lambda wanted: None, lambda: bench.now)
    with transaction(engine) as session:
        clip = make_clip(session, area_id=cast.areas["commune"])
        asked = EmergencyInput(clip.id, [cast.areas["commune"]], drill=True, repeat=Repeat(2, 60))
        made = emergencies.begin(session, cast.bob, asked, NOW)
    bench.now = NOW + S / 4
    orders.announce([cast.areas["commune"]], "play", made.id)
    with reading(engine) as session:
        query = select(Airing).where(Airing.emergency_id == made.id).order_by(Airing.starts_at)
        return made, session.scalars(query).all()


def test_an_emergency_has_every_step_too(siren, status, engine, node, cast):  # noqa: F811
    made, airings = siren
    place, device = node
    heard = Heading(seq=5, issued_at=NOW + S / 2 - BEHIND)
    with transaction(engine) as session:
        kept = session.get_one(Device, device.id)
        answer = Answer(airings[0].id, CommandVerb.PLAY, ok=True)
        presence.take_answer(session, kept, heading=heard, answer=answer, now=NOW + S / 2)
    status(NOW + 3 * S, holds=tuple(part["sha256"] for part in made.parts))
    for number, airing in enumerate(airings):
        at = airing.starts_at
        begun = {"started_at": at, "amplifier_on_at": at - S / 2}
        ended = {"ended_at": at + 9 * S, "amplifier_off_at": at + 10 * S}
        told(engine, device.id, airing, at - S / 5, seq=2 * number + 1, kind=ReportKind.STARTED)
        finished = {**begun, **ended, "outcome": Outcome.PLAYED}
        told(engine, device.id, airing, at + 11 * S, seq=2 * number + 2, **finished)
    for airing in airings:
        path = path_of(engine, cast, airing, place)
        assert list(path) == list(StepCode)
        assert [code for code, step in path.items() if not step.done] == []
        assert path[StepCode.PUBLISHED].server_at == NOW + S / 4
        received = path[StepCode.RECEIVED]
        assert (received.node_at, received.server_at) == (NOW + S / 2 - BEHIND, NOW + S / 2)


def test_a_node_that_came_back_shows_when_it_had_the_emergency(siren, status, engine, node, cast):  # noqa: F811
    _, (_, repeat) = siren
    place, device = node
    status(NOW + 20 * S, next_airing_id=repeat.id)
    status(NOW + 25 * S, playing=repeat.id)
    missed = {"outcome": Outcome.MISSED, "reason": "clip_missing"}
    told(engine, device.id, repeat, repeat.starts_at + 130 * S, seq=1, **missed)
    received = path_of(engine, cast, repeat, place)[StepCode.RECEIVED]
    assert (received.node_at, received.server_at) == (NOW + 20 * S - BEHIND, NOW + 20 * S)


def test_a_sound_that_was_lost_and_fetched_again_counts_from_then(status, engine, node):  # noqa: F811
    status(NOW, holds=("a" * 64,))
    status(NOW + S, holds=())
    status(NOW + 2 * S, holds=("a" * 64,))
    with reading(engine) as session:
        rows = session.scalars(select(NodeReceipt).order_by(NodeReceipt.server_at)).all()
    said = [(row.server_at, row.gone_at) for row in rows]
    assert said == [(NOW, NOW + S - BEHIND), (NOW + 2 * S, None)]


def test_a_season_later_schedules_are_forgotten_and_sounds_kept(status, engine, node, cast):  # noqa: F811
    status(NOW, holds=("a" * 64, "b" * 64), schedules=(HeldSchedule(cast.areas["commune"], 3),))
    status(NOW + S, holds=("a" * 64,))
    with transaction(engine) as session:
        receipts.prune(session, NOW + receipts.KEPT + DAY)
        assert [row.subject for row in session.scalars(select(NodeReceipt))] == ["a" * 64]
