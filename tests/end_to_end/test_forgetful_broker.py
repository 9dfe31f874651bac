"""A broker that passes chunks on and keeps none: real service, real agents, a clip comes whole."""

import threading
from datetime import UTC, datetime, timedelta

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from audio_library.store import Store
from controller import settings
from controller.accounts.access import SYSTEM
from controller.area_changes.area_edits import AreaInput, create
from controller.database import open_engine, transaction
from controller.emergency.emergencies import EmergencyInput, begin
from controller.fleet.nodes import NodeInput
from controller.fleet.nodes import create as create_node
from controller.keys import signing
from controller.models import ClipVersion, Device, DeviceBinding
from controller.schema import upgrade
from controller.service import Service
from device.identity import load_key
from device.loop import Loop
from device.settings import Settings
from device.simulate import start
from tests.controller.factories import make_clip
from tests.support.broker import Broker

pytestmark = pytest.mark.faults
SOUND = bytes(range(256)) * 1600  # 25 chunks


@pytest.fixture
def broker(tmp_path):
    with Broker.started(tmp_path / "broker") as broker:
        yield broker


@pytest.fixture
def sponge(broker):
    """Wipes every chunk off the broker as soon as it stands there; what it has wiped."""
    wiped = []

    def wipe(client, _userdata, message):
        if message.payload:
            wiped.append(message.topic)
            client.publish(message.topic, b"", qos=1, retain=True)

    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    client.on_message = wipe
    client.on_connect = lambda *_: client.subscribe("loa/v1/main/blob/+/c/+", 1)
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    yield wiped
    client.disconnect()
    client.loop_stop()


@pytest.fixture
def engine(tmp_path):
    engine = open_engine(f"sqlite:///{tmp_path}/loalang.db")
    upgrade(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def service(engine, broker, tmp_path):
    """A running service; its settings."""
    chosen = settings.load(
        {"LOALANG_DATA_DIR": str(tmp_path / "data"), "LOALANG_BROKER_URL": broker.url}
    )
    stop = threading.Event()
    thread = threading.Thread(
        target=lambda: Service(chosen, engine, lambda: datetime.now(UTC)).run(stop)
    )
    thread.start()
    yield chosen
    stop.set()
    thread.join(20)


@pytest.fixture
def agent(engine, service, broker, tmp_path):
    """A bound node without sound, and the loop it lives on."""
    data = tmp_path / "node"
    key = load_key(data).verify_key
    long_ago = datetime.now(UTC) - timedelta(days=1)
    with transaction(engine) as session:
        area = create(session, SYSTEM, AreaInput("Xã", "xã"), long_ago)
        made, _ = create_node(session, SYSTEM, NodeInput("n1", "n1", area.id), long_ago)
        session.add(Device(id=key.device_id, public_key=key.hex, first_seen_at=long_ago))
        session.flush()
        session.add(DeviceBinding(node_id=made.id, device_id=key.device_id, from_at=long_ago))
    chosen = Settings(
        broker_url=broker.url,
        controller_keys=(signing.load_or_create(service.signing_key_file).verify_key.hex,),
        data_dir=data,
        sink="null",
        clock="trusted",
    )
    loop = Loop()
    (node,) = start(loop, [chosen])
    yield loop, node, area.id
    node.stop()
    loop.close()


def turn_until(loop, condition):
    deadline = loop.monotonic() + 90
    while not condition():
        assert loop.monotonic() < deadline
        loop.turn(0.1)


def test_a_node_gets_its_clip_from_a_broker_that_keeps_none(engine, service, sponge, agent):
    loop, node, area_id = agent
    with transaction(engine) as session:
        clip = make_clip(session, area_id=area_id, duration_ms=60_000)
        (version,) = session.query(ClipVersion)
        version.sha256 = Store(service.store_dir).put_bytes(SOUND)
        version.bytes = len(SOUND)
        sha256 = version.sha256
    turn_until(loop, lambda: node.documents.bound)
    asked = []
    ask = node.fetcher._ask
    node.fetcher._ask = lambda want: asked.append(want) or ask(want)
    with transaction(engine) as session:
        begin(session, SYSTEM, EmergencyInput(clip.id, [area_id], drill=False), datetime.now(UTC))
    turn_until(loop, lambda: node.blobs.holds(sha256))
    assert node.blobs.load(sha256) == SOUND
    assert sponge
    assert any(want.room for want in asked), "the last windows came on the node's own topic"
