"""A real node, the real service and a real mosquitto that wants certificates."""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from controller import settings
from controller.accounts.access import SYSTEM
from controller.commands import wake
from controller.database import open_engine, reading, sqlite_url, transaction
from controller.fleet import enrolment, nodes
from controller.fleet.nodes import NodeInput
from controller.keys import signing
from controller.models import Device, DeviceCertificate, Node
from controller.schema import upgrade
from controller.service import Service
from device.settings import Settings
from protocol.claims import device_code
from tests.device.living import Living
from tests.support.commune import settle
from tests.support.site import Site
from tests.support.waiting import wait_until


class Commune:
    """The service over a fenced broker, and nodes that join it."""

    def __init__(self, site, folder):
        self.site = site
        self.folder = folder
        self.engine = open_engine(sqlite_url(folder / "loalang.db"))
        upgrade(self.engine)
        self.areas = settle(self.engine).areas
        access = folder / "access"
        access.mkdir()
        self.settings = settings.load(
            {
                "LOALANG_DATA_DIR": str(folder / "data"),
                "LOALANG_BROKER_URL": site.broker.url,
                "LOALANG_BROKER_USER": "controller",
                "LOALANG_BROKER_PASSWORD": site.password,
                "LOALANG_BROKER_ACCESS_DIR": str(access),
                "LOALANG_DEVICE_AUTHORITY_FILE": str(site.devices),
            }
        )
        self.key = signing.load_or_create(self.settings.signing_key_file).verify_key
        self.stop = threading.Event()
        service = Service(self.settings, self.engine, lambda: datetime.now(UTC))
        self.service = service
        self.thread = threading.Thread(target=service.run, args=(self.stop,))
        self.watch = site.watching(access)

    def __enter__(self):
        self.watch.__enter__()
        self.thread.start()
        wait_until(lambda: self.service.link.up)
        return self

    def __exit__(self, *failure):
        self.stop.set()
        self.thread.join(15)
        self.watch.__exit__(*failure)
        self.engine.dispose()

    def place(self, code="loa-01", area="upper"):
        with transaction(self.engine) as session:
            data = NodeInput(code, code, self.areas[area])
            node, claim = nodes.create(session, SYSTEM, data, datetime.now(UTC))
            return node.id, claim

    def node(self, claim, name="node"):
        return Living(
            Settings(
                broker_url=self.site.tls_url,
                ca_file=str(self.site.files.authority),
                join_file=str(self.site.joining),
                controller_keys=(self.key.hex,),
                claim_code=claim,
                data_dir=self.folder / name,
                sink="null",
                clock="trusted",
            )
        )

    def shut_out(self, node_id):
        with transaction(self.engine) as session:
            nodes.shut_out(session, SYSTEM, node_id, datetime.now(UTC))
        wake(self.settings.wake_path)

    def online(self, device_id):
        with reading(self.engine) as session:
            device = session.get(Device, device_id)
            return device is not None and device.online


@pytest.fixture
def commune(tmp_path):
    with Site.started(tmp_path / "site") as site, Commune(site, tmp_path) as commune:
        yield commune


def settled(living):
    """In service under its own certificate, with its area's schedule in force."""
    node = living.node
    return (
        node.link.connected
        and not node.link.joining
        and node.documents.bound
        and {held.area_id for held in node.schedules.held()}
        >= {node.documents.config.area_path[-1]}
    )


def test_a_fresh_node_gets_its_certificate_and_a_stolen_one_is_out_for_good(commune):
    node_id, claim = commune.place()
    living = commune.node(claim)
    living.until(lambda: settled(living), 30)
    device_id = living.node.device_id
    living.until(lambda: commune.online(device_id))

    commune.shut_out(node_id)
    living.until(lambda: not living.node.documents.bound)  # it is told to be silent
    text = commune.settings.broker_access_dir / "access"
    living.until(lambda: device_id not in text.read_text())
    # The connection that stands is ended, and none is made again.
    living.until(lambda: not living.node.link.connected)
    tries = living.node.passport._attempts
    living.until(lambda: living.node.passport._attempts >= tries + 3, 30)
    assert not commune.online(device_id)

    # The place waits for other hardware and takes it, with the history it has.
    with transaction(commune.engine) as session:
        again = nodes.new_claim_code(session, SYSTEM, node_id, datetime.now(UTC))
    other = commune.node(again, "other")
    other.until(lambda: settled(other), 30)
    assert other.node.documents.config.node_id == node_id
    assert not living.node.documents.bound
    assert living.end() == other.end() == 0


def test_a_node_without_a_code_is_bound_by_its_digits_and_takes_a_dead_ones_place(commune):
    node_id, claim = commune.place()
    dead = commune.node(claim, "dead")
    dead.until(lambda: settled(dead), 30)
    dead.end()
    fresh = commune.node("", "fresh")

    def found():
        with reading(commune.engine) as session:
            return enrolment.waiting(session, SYSTEM, datetime.now(UTC))

    fresh.until(found, 30)
    (waiting,) = found()
    assert waiting.code == device_code(fresh.node.key.verify_key)
    with transaction(commune.engine) as session:
        enrolment.bind(session, SYSTEM, node_id, waiting.id, datetime.now(UTC))
    wake(commune.settings.wake_path)
    fresh.until(lambda: settled(fresh), 30)
    assert fresh.node.documents.config.node_id == node_id
    assert fresh.end() == 0
    with reading(commune.engine) as session:
        bindings = session.get_one(Node, node_id).bindings
        assert [binding.until_at is None for binding in bindings] == [False, True]


def test_a_node_whose_certificate_is_gone_gets_it_again_without_a_new_code(commune):
    _, claim = commune.place()
    living = commune.node(claim)
    living.until(lambda: settled(living), 30)
    living.end()
    (commune.folder / "node" / "documents" / "certificate").unlink()
    again = commune.node("")
    again.until(lambda: settled(again), 30)
    assert again.end() == 0
    with reading(commune.engine) as session:
        assert session.query(DeviceCertificate).count() == 1


def test_a_certificate_near_its_end_is_renewed_and_taken_into_use_on_the_same_broker(commune):
    _, claim = commune.place()
    living = commune.node(claim)
    living.until(lambda: settled(living), 30)
    stored = commune.folder / "node" / "documents" / "certificate"
    before = stored.read_bytes()
    with transaction(commune.engine) as session:
        for row in session.query(DeviceCertificate):
            row.expires_at = datetime.now(UTC) + timedelta(days=1)
    commune.service.desk.configure()  # as every hour
    living.until(lambda: stored.read_bytes() != before, 30)
    living.until(lambda: settled(living), 30)
    assert living.end() == 0
    # The next start shows the new one, and the broker lets it in.
    again = commune.node("")
    again.until(lambda: settled(again), 30)
    assert again.end() == 0
