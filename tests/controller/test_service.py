"""The running service over a real broker: devices come, documents stand, reports are counted."""

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from audio_library.store import Store
from controller import commands, settings
from controller.accounts.access import SYSTEM
from controller.commands import CommandKind
from controller.database import open_engine, reading, sqlite_url, transaction
from controller.fleet import nodes
from controller.fleet.nodes import NodeInput
from controller.keys import signing
from controller.models import Airing, ClipVersion, Device, Playback, ServiceCommand
from controller.scheduling import approvals, schedules
from controller.service import Service, run
from protocol.messages import Beacon, NodeConfig, Report, ReportAck, ScheduleHead
from protocol.outcomes import Outcome
from tests.controller.factories import make_clip, schedule_input
from tests.fakes.device import FakeDevice
from tests.support.broker import Broker
from tests.support.waiting import wait_until


class Bench:
    """A service in a thread, and what a test does around it."""

    def __init__(self, engine, broker, folder, areas):
        self.engine = engine
        self.broker = broker
        self.areas = areas
        self.settings = settings.load(
            {"LOALANG_DATA_DIR": str(folder), "LOALANG_BROKER_URL": broker.url}
        )
        self.key = signing.load_or_create(self.settings.signing_key_file).verify_key
        self.store = Store(self.settings.store_dir)

    def start(self):
        self.stop_event = threading.Event()
        self.service = Service(self.settings, self.engine, lambda: datetime.now(UTC))
        self.thread = threading.Thread(target=self.service.run, args=(self.stop_event,))
        self.thread.start()
        wait_until(lambda: self.service.link.up)

    def stop(self):
        self.stop_event.set()
        self.thread.join(10)
        assert not self.thread.is_alive()

    def node(self, code="loa-01"):
        with transaction(self.engine) as session:
            data = NodeInput(code, code, self.areas["upper"])
            node, claim = nodes.create(session, SYSTEM, data, datetime.now(UTC))
            return node.id, claim

    def ask(self, kind, **body):
        with transaction(self.engine) as session:
            asked = commands.ask(session, kind, body, SYSTEM, datetime.now(UTC))
        commands.wake(self.settings.wake_path)
        return asked

    def done(self, command_id):
        with reading(self.engine) as session:
            return session.get_one(ServiceCommand, command_id).done_at is not None

    def one(self, model):
        with reading(self.engine) as session:
            return session.scalars(select(model)).one_or_none()


@pytest.fixture
def broker(tmp_path):
    with Broker.started(tmp_path / "broker") as broker:
        yield broker


@pytest.fixture
def bench(engine, broker, tmp_path, cast):
    bench = Bench(engine, broker, tmp_path / "data", cast.areas)
    bench.start()
    yield bench
    bench.stop()


@pytest.fixture
def device(bench):
    with FakeDevice(bench.broker.port, bench.key) as device:
        yield device


@pytest.fixture
def enrolled(bench, device):
    """A device that serves a node; the node's id."""
    node_id, code = bench.node()
    device.claim(code)
    device.heard(NodeConfig)
    return node_id


@pytest.fixture
def on_air(bench, cast, enrolled):
    """An approved schedule of a clip with a real blob: (airing id, sha256, bytes)."""
    now = datetime.now(UTC)
    with transaction(bench.engine) as session:
        clip = make_clip(session, area_id=cast.areas["commune"])
        version = session.scalars(select(ClipVersion)).one()
        version.sha256 = bench.store.put_bytes(b"sound " * 20_000)
        version.bytes = 120_000
    with transaction(bench.engine) as session:
        starts_at = (now + timedelta(hours=2)).isoformat()
        data = schedule_input(clip.id, cast.areas["commune"], starts_at)
        made, _ = schedules.create(session, cast.erin, data, now)
        approvals.approve_schedule(session, cast.bob, made.id, now)
    commands.wake(bench.settings.wake_path)
    airing = bench.one(Airing)
    return airing, version.sha256, version.bytes


def test_a_device_that_claims_gets_its_config_and_its_schedules(bench, device, enrolled):
    config = device.heard(NodeConfig)
    assert config.node_id == enrolled
    device.listen(*(device.topics.schedule(area) for area in config.area_path))
    for area_id in config.area_path:
        head = device.heard(ScheduleHead, lambda head, a=area_id: head.area_id == a)
        assert [page.day for page in device.pages(head)] == [ref.day for ref in head.pages]


def test_presence_is_answered_and_a_vanished_device_is_offline(bench, device, enrolled):
    device.appear(nonce="n-1")
    assert device.heard(Beacon).nonce == "n-1"
    wait_until(lambda: bench.one(Device).online)
    device.vanish()
    wait_until(lambda: not bench.one(Device).online)


def test_an_approved_schedule_reaches_the_device_with_its_sounds(bench, device, on_air, cast):
    airing, sha256, size = on_air
    device.listen(device.topics.schedule(cast.areas["commune"]))

    def named():
        pages = device.pages(device.heard(ScheduleHead))
        return airing.id in [said.airing_id for page in pages for said in page.airings]

    wait_until(named, 10, 0.2)
    assert device.fetch(sha256, size) == b"sound " * 20_000


def test_reports_become_a_playback_and_are_acknowledged(bench, device, on_air):
    airing, _, _ = on_air
    device.report(
        Report(1, airing_id=airing.id, planned_at=airing.starts_at, outcome=Outcome.PLAYED)
    )
    assert device.heard(ReportAck).upto == 1
    assert bench.one(Playback).outcome == Outcome.PLAYED


def test_a_broker_that_forgot_everything_is_filled_again(bench, device, on_air, cast):
    _, sha256, size = on_air
    bench.broker.kill()
    bench.broker.forget()
    wait_until(lambda: not bench.service.link.up)
    bench.broker.start()
    wait_until(lambda: bench.service.link.up)
    device.messages.clear()
    wait_until(device.client.is_connected, 30)
    assert device.heard(NodeConfig).area_path[0] == cast.areas["commune"]
    device.listen(device.topics.schedule(cast.areas["commune"]))
    assert device.pages(device.heard(ScheduleHead))
    assert device.fetch(sha256, size) == b"sound " * 20_000


def test_chunks_that_a_node_misses_are_published_when_it_asks(bench, device, on_air):
    _, sha256, size = on_air
    device.fetch(sha256, size)
    chunk = device.topics.chunk(sha256, 0)
    bench.service.link.publish(chunk, b"", retain=True)
    device.chunks.clear()
    device.listen(chunk)
    # What was published a moment ago is not published anew, so it may take a second wish.
    wait_until(
        lambda: device.want(sha256, size) or (sha256[:32], "0") in device.chunks, 30, every_s=1
    )


def test_a_nudge_is_answered_at_once(bench, enrolled):
    asked = bench.ask(CommandKind.CLIP_CHANGED, clip_id="c")
    wait_until(lambda: bench.done(asked))


def test_a_restarted_service_goes_on_where_it_was(bench, device, on_air):
    bench.stop()
    airing, _, _ = on_air
    device.report(
        Report(1, airing_id=airing.id, planned_at=airing.starts_at, outcome=Outcome.PLAYED)
    )
    bench.start()
    assert device.heard(ReportAck).upto == 1
    assert bench.one(Playback).outcome == Outcome.PLAYED


def test_a_loop_that_hangs_is_noticed(bench):
    wait_until(lambda: bench.service.turns(time.monotonic()))
    assert not bench.service.turns(time.monotonic() + 3600)


def test_an_old_schema_is_refused_with_the_remedy(tmp_path, capsys):
    url = sqlite_url(tmp_path / "old.db")
    open_engine(url).dispose()
    loaded = settings.load(
        {"LOALANG_DATA_DIR": str(tmp_path / "data"), "LOALANG_DATABASE_URL": url}
    )
    assert run(loaded) == 1
    assert "loalang migrate" in capsys.readouterr().err
