"""Two services over one database, and workers beside them: killed and paused in the middle.

Real processes, a real mosquitto, a real PostgreSQL: one acts at any time, a leader that was away
for a minute does not act any more, and reports are kept once whoever takes them in.
"""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, text

from controller import settings
from controller.accounts.access import SYSTEM
from controller.database import open_engine, reading, transaction
from controller.fleet.nodes import NodeInput, create
from controller.keys import signing
from controller.models import (
    Airing,
    Device,
    DeviceBinding,
    Document,
    NodeReport,
    Playback,
)
from controller.mqtt.link import BrokerAddress, Link
from controller.scheduling import approvals, schedules
from controller.schema import upgrade
from protocol.envelope import Heading, MessageType, read_envelope, seal
from protocol.keys import SigningKey
from protocol.messages import Report as Said
from protocol.messages import ReportBatch
from protocol.outcomes import Outcome, ReportKind
from protocol.topics import Topics
from tests.controller.factories import make_clip, schedule_input
from tests.support.broker import Broker
from tests.support.commune import settle
from tests.support.postgres import running_postgres
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.faults, pytest.mark.postgres, pytest.mark.timeout(420)]
TOPICS = Topics("main")
CHANGES_S = 60  # a leader's death, or its connection's, must be noticed by then
PAUSED_S = 60


class Site:
    """A database, a broker and a signing key; services and workers as processes of their own."""

    def __init__(self, folder, url, broker, stack):
        self.folder, self.url, self.broker, self._stack = folder, url, broker, stack
        self.engine = open_engine(url)
        upgrade(self.engine)
        stack.callback(self.engine.dispose)
        self.cast = settle(self.engine)
        self.key = signing.load_or_create(folder / "signing.key")
        self.states = queue.Queue()
        self.eyes = Link(
            BrokerAddress.from_url(broker.url),
            "eyes",
            [TOPICS.controller_state()],
            make_will=None,
            on_up=lambda _: None,
            on_arrival=self._saw,
        )
        self.eyes.start()
        stack.callback(self.eyes.stop)

    def _saw(self, arrival):
        self.eyes.acknowledge(arrival)
        self.states.put(json.loads(read_envelope(arrival.payload).body))

    def start(self, name, module="controller.service", workers=1):
        data = self.folder / name
        environment = {
            **os.environ,
            "LOALANG_DATA_DIR": str(data),
            "LOALANG_BROKER_URL": self.broker.url,
            "LOALANG_DATABASE_URL": self.url,
            "LOALANG_INGEST_WORKERS": str(workers),
        }
        chosen = settings.load({k: v for k, v in environment.items() if k.startswith("LOALANG_")})
        chosen.signing_key_file.parent.mkdir(parents=True, exist_ok=True)
        if not chosen.signing_key_file.exists():
            chosen.signing_key_file.write_bytes((self.folder / "signing.key").read_bytes())
            chosen.signing_key_file.chmod(0o600)
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", module], env=environment, stderr=log, stdout=log
            )
        self._stack.callback(end, process)
        return process

    def leader_said(self, not_epoch=""):
        """The epoch of the next controller that comes on line."""
        deadline = time.monotonic() + CHANGES_S
        while True:
            said = self.states.get(timeout=max(deadline - time.monotonic(), 0.01))
            if said["online"] and said["epoch"] != not_epoch:
                return said["epoch"]

    def documents(self):
        with reading(self.engine) as session:
            return session.scalar(select(func.count()).select_from(Document))

    def log(self, name):
        return (self.folder / f"{name}.log").read_text()

    def on_air(self, title):
        """An approved daily schedule; a page makes it while services come and go."""
        now = datetime.now(UTC)
        with transaction(self.engine) as session:
            clip = make_clip(session, title=title, area_id=self.cast.areas["commune"])
            data = schedule_input(
                clip.id,
                self.cast.areas["commune"],
                (now + timedelta(hours=2)).isoformat(),
                recurrence={"rrule": "FREQ=DAILY"},
            )
            made, _ = schedules.create(session, SYSTEM, data, now)
            approvals.approve_schedule(session, SYSTEM, made.id, now)


def end(process):
    if process.poll() is None:
        process.send_signal(signal.SIGCONT)
        process.kill()
    process.wait(20)


@pytest.fixture
def stack():
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def site(tmp_path, stack):
    server = stack.enter_context(running_postgres())
    broker = stack.enter_context(Broker.started(tmp_path / "broker"))
    return Site(tmp_path, server.database("site"), broker, stack)


def cut_the_lead(engine):
    """As a network that is gone: the connection that holds the advisory lock is dropped."""
    with engine.connect() as connection:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid, 10000) FROM pg_locks WHERE locktype = 'advisory'"
            )
        )


def test_a_killed_leader_is_followed_and_a_paused_one_does_not_come_back_as_leader(site):
    first = site.start("first")
    led = site.leader_said()
    second = site.start("second")
    wait_until(lambda: "stands by" in site.log("second"), CHANGES_S)
    first.kill()
    began = time.monotonic()
    led = site.leader_said(not_epoch=led)
    assert time.monotonic() - began < 15
    third = site.start("third")
    wait_until(lambda: "stands by" in site.log("third"), CHANGES_S)
    second.send_signal(signal.SIGSTOP)
    paused_at = time.monotonic()
    cut_the_lead(site.engine)
    site.leader_said(not_epoch=led)
    site.on_air("While one was away")
    wait_until(lambda: time.monotonic() - paused_at > PAUSED_S, PAUSED_S + 10)
    second.send_signal(signal.SIGCONT)
    wait_until(lambda: second.poll() is not None, 30)
    assert second.returncode == 1, "what lost the lead ends, and its supervisor starts it anew"
    assert third.poll() is None
    with reading(site.engine) as session:
        slots = session.execute(
            select(Airing.schedule_id, Airing.original_at, func.count()).group_by(
                Airing.schedule_id, Airing.original_at
            )
        ).all()
    assert len(slots) >= 28
    assert {count for *_, count in slots} == {1}


def test_a_leader_paused_with_its_connection_alive_goes_on_and_one_that_won_it_back_does_not(site):
    first = site.start("first")
    led = site.leader_said()
    second = site.start("second")
    wait_until(lambda: "stands by" in site.log("second"), CHANGES_S)
    first.send_signal(signal.SIGSTOP)
    site.on_air("While it stood still")
    with pytest.raises(queue.Empty):
        site.states.get(timeout=6)  # nobody else speaks meanwhile
    first.send_signal(signal.SIGCONT)
    wait_until(lambda: site.documents() > 0, CHANGES_S)
    assert first.poll() is None
    first.send_signal(signal.SIGSTOP)
    cut_the_lead(site.engine)
    site.leader_said(not_epoch=led)
    second.kill()  # the lead is free again when the first one wakes
    second.wait(20)
    first.send_signal(signal.SIGCONT)
    wait_until(lambda: first.poll() is not None, 30)
    assert first.returncode == 1, "another has led in between: what it knows is old"


def test_a_paused_service_on_sqlite_keeps_the_lead_and_a_second_one_is_refused(tmp_path, stack):
    broker = stack.enter_context(Broker.started(tmp_path / "broker"))
    (tmp_path / "one").mkdir()
    site = Site(tmp_path, f"sqlite:///{tmp_path}/one/loalang.db", broker, stack)
    first = site.start("one")
    site.leader_said()
    first.send_signal(signal.SIGSTOP)
    second = site.start("one")
    assert second.wait(60) == 1
    first.send_signal(signal.SIGCONT)
    site.on_air("After the pause")
    first.send_signal(signal.SIGTERM)
    assert first.wait(20) == 0


# --- reports -----------------------------------------------------------------------------------

DEVICES, BATCHES, PER_BATCH = 12, 25, 20


class Reporter(threading.Thread):
    """Nodes in one thread: each sends its batches, and again until each is acknowledged."""

    def __init__(self, site):
        super().__init__(name="reporter")
        self.keys = {k.verify_key.device_id: k for k in _served(site, DEVICES)}
        self.done = dict.fromkeys(self.keys, 0)
        self.sent = Counter()
        self._seq = Counter()
        self._acks = queue.Queue()
        self._link = Link(
            BrokerAddress.from_url(site.broker.url),
            "reporter",
            [TOPICS.to_device("+", "ack")],
            make_will=None,
            on_up=lambda _: None,
            on_arrival=self._acks.put,
        )

    def run(self):
        self._link.start()
        wait_until(lambda: self._link.up)
        deadline = time.monotonic() + 240
        while min(self.done.values()) < BATCHES * PER_BATCH and time.monotonic() < deadline:
            for device_id in self.keys:
                self._send(device_id)
            again = time.monotonic() + 2.0
            while time.monotonic() < again:
                self._hear(again - time.monotonic())
        self._link.stop()

    def _send(self, device_id):
        """The next two batches that are owed."""
        first = self.done[device_id] // PER_BATCH
        for number in range(first, min(first + 2, BATCHES)):
            self._seq[device_id] += 1
            now = datetime.now(UTC)
            heading = Heading(
                "main", "site", device_id, self._seq[device_id], now, now + timedelta(days=30)
            )
            said = ReportBatch("epoch", tuple(_reports(device_id, number)))
            raw = seal(MessageType.REPORTS, heading, said, [self.keys[device_id]])
            self._link.publish(TOPICS.from_device(device_id, "report"), raw)
            self.sent[device_id] += 1

    def _hear(self, timeout_s):
        try:
            arrival = self._acks.get(timeout=max(timeout_s, 0.01))
        except queue.Empty:
            return
        self._link.acknowledge(arrival)
        device_id = arrival.topic.split("/")[4]
        upto = json.loads(read_envelope(arrival.payload).body)["upto"]
        if upto > self.done[device_id]:
            self.done[device_id] = upto
            self._send(device_id)


def _served(site, count):
    now = datetime.now(UTC) - timedelta(days=1)
    for number in range(count):
        key = SigningKey.generate()
        shown = key.verify_key
        with transaction(site.engine) as session:
            data = NodeInput(f"n{number}", f"n{number}", site.cast.areas["upper"])
            node, _ = create(session, SYSTEM, data, now)
            session.add(Device(id=shown.device_id, public_key=shown.hex, first_seen_at=now))
            session.flush()
            session.add(DeviceBinding(node_id=node.id, device_id=shown.device_id, from_at=now))
        yield key


def _reports(device_id, number):
    at = datetime(2026, 11, 20, 5, 0, tzinfo=UTC)
    for seq in range(number * PER_BATCH + 1, (number + 1) * PER_BATCH + 1):
        finished = seq % 2 == 0
        yield Said(
            seq,
            ReportKind.FINISHED if finished else ReportKind.STARTED,
            f"a{(seq + 1) // 2}-{device_id[:8]}",
            at,
            at,
            outcome=Outcome.PLAYED if finished else None,
        )


def test_two_workers_and_the_service_lose_nothing_and_double_nothing_while_they_are_killed(site):
    workers = {
        name: site.start(name, "controller.ingest_worker", workers=3) for name in ("w1", "w2")
    }
    workers["service"] = site.start("service", workers=3)
    site.leader_said()
    reporter = Reporter(site)
    reporter.start()
    for name in ("w1", "service", "w2", "w1", "service", "w2"):
        before = sum(reporter.done.values())

        def goes_on(before=before):
            return sum(reporter.done.values()) > before or not reporter.is_alive()

        wait_until(goes_on, 60)
        workers[name].kill()
        workers[name].wait(20)
        module = "controller.service" if name == "service" else "controller.ingest_worker"
        workers[name] = site.start(name, module, workers=3)
    reporter.join(260)
    assert set(reporter.done.values()) == {BATCHES * PER_BATCH}
    with reading(site.engine) as session:
        kept = session.scalar(select(func.count()).select_from(NodeReport))
        outcomes = session.execute(
            select(Playback.outcome, func.count()).group_by(Playback.outcome)
        ).all()
    assert kept == DEVICES * BATCHES * PER_BATCH
    assert [tuple(row) for row in outcomes] == [(Outcome.PLAYED, kept // 2)]
    taken_in = [name for name in ("w1", "w2") if "connected to the broker" in site.log(name)]
    assert taken_in == ["w1", "w2"]
