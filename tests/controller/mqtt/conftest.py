"""A migrated database with a commune in it, a publisher without a broker, and devices."""

from datetime import UTC, datetime, timedelta

import pytest

from controller.accounts.access import SYSTEM
from controller.database import transaction
from controller.fleet import nodes
from controller.fleet.nodes import NodeInput
from controller.models import Device, DeviceBinding
from controller.mqtt.publisher import Publisher
from protocol.keys import SigningKey
from protocol.topics import Topics
from tests.fakes.link import FakeLink
from tests.support.commune import migrated_engine, settle

NOW = datetime(2026, 11, 22, 5, 0, tzinfo=UTC)


class Clock:
    """A clock a test sets."""

    def __init__(self, now):
        self.now = now

    def __call__(self):
        return self.now

    def pass_(self, **span):
        self.now += timedelta(**span)


@pytest.fixture
def clock():
    return Clock(NOW)


@pytest.fixture
def engine(tmp_path):
    engine = migrated_engine(tmp_path)
    yield engine
    engine.dispose()


@pytest.fixture
def commune(engine):
    return settle(engine)


@pytest.fixture
def link():
    return FakeLink()


@pytest.fixture
def controller_key():
    return SigningKey.generate()


@pytest.fixture
def publisher(engine, link, controller_key, clock):
    return Publisher(engine, link, controller_key, Topics("main"), clock)


@pytest.fixture
def place(engine, commune):
    """Make a node in an area; returns (node id, claim code)."""

    def make(code="loa-01", area="upper"):
        with transaction(engine) as session:
            data = NodeInput(code, code, commune.areas[area])
            node, claim = nodes.create(session, SYSTEM, data, NOW - timedelta(days=1))
            return node.id, claim

    return make


@pytest.fixture
def bind(engine):
    """Let a key's device serve a node, as after a claim."""

    def do(node_id, key, at=NOW - timedelta(hours=1)):
        shown = key.verify_key
        with transaction(engine) as session:
            if session.get(Device, shown.device_id) is None:
                session.add(Device(id=shown.device_id, public_key=shown.hex, first_seen_at=at))
            session.flush()
            session.add(DeviceBinding(node_id=node_id, device_id=shown.device_id, from_at=at))
        return shown.device_id

    return do
