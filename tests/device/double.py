"""A controller's half of the contract, for tests: signs documents, seeds chunks, takes reports.

It speaks only through `protocol`, over a real broker; nothing of the real controller is here.
"""

import hashlib
import json
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from protocol.chunks import chunk_count, chunk_span
from protocol.codec import from_json
from protocol.envelope import Heading, MessageType, read_envelope, seal, verify
from protocol.keys import SigningKey, VerifyKey
from protocol.messages import (
    AreaState,
    Beacon,
    Claim,
    Command,
    ControllerState,
    DayPage,
    NodeConfig,
    Presence,
    Report,
    ReportAck,
    ReportBatch,
    ScheduleHead,
    Status,
    Want,
)
from protocol.pages import pack_page
from protocol.topics import Topics, parse


class ControllerDouble:
    """Answers what nodes say; `config(device_id)` gives what a claiming device is told."""

    def __init__(self, port, *, site="main", config=None, acknowledge=True):
        self.key = SigningKey.generate()
        self.topics = Topics(site)
        self.site = site
        self.acknowledge = acknowledge
        self.config = config or (lambda device_id: NodeConfig())
        self.devices: dict[str, VerifyKey] = {}
        self.presences: dict[str, Presence] = {}
        self.statuses: dict[str, Status] = {}
        self.reports: dict[str, dict[tuple[str, int], Report]] = {}
        self.answers: list[dict] = []
        self.beats: list[str] = []
        self.wants: list[Want] = []
        self.blobs: dict[str, bytes] = {}
        self.batches = 0
        self.epoch = "epoch-1"
        self.seq = 0
        self.news = threading.Condition()
        self._port = port
        self.client = self._connected()

    def _connected(self):
        client = mqtt.Client(
            callback_api_version=CallbackAPIVersion.VERSION2,
            client_id="controller",
            protocol=mqtt.MQTTv5,
        )
        client.on_connect = self._on_connect
        client.on_message = self._on_message
        client.reconnect_delay_set(1, 2)
        client.connect("127.0.0.1", self._port, keepalive=20)
        client.loop_start()
        return client

    def close(self):
        self.client.disconnect()
        self.client.loop_stop()

    def _on_connect(self, client, _, __, reason, ___):
        client.subscribe([(topic, 1) for topic in self.topics.everything_from_devices()])
        state = ControllerState(online=True, epoch=self.epoch)
        topic = self.topics.controller_state()
        payload = self.sealed(MessageType.CONTROLLER_STATE, state, "site")
        client.publish(topic, payload, qos=1, retain=True)

    def sealed(self, type_, message, to, *, key=None, life_s=3600.0, seq=None):
        self.seq += 1
        now = datetime.now(UTC)
        heading = Heading(
            self.site,
            to,
            "controller",
            self.seq if seq is None else seq,
            now,
            now + timedelta(seconds=life_s),
        )
        return seal(type_, heading, message, [key or self.key])

    def say(self, topic, type_, message, to, *, retain=False, **options):
        payload = self.sealed(type_, message, to, **options)
        self.client.publish(topic, payload, qos=1, retain=retain)
        return payload

    # --- what is said to nodes ----------------------------------------------------------------

    def bind(self, device_id, config):
        topic = self.topics.to_device(device_id, "config")
        self.say(topic, MessageType.CONFIG, config, f"device:{device_id}", retain=True)

    def seed(self, content):
        """Publish a blob's chunks, retained; its hash."""
        sha256 = hashlib.sha256(content).hexdigest()
        self.blobs[sha256] = content
        for index in range(chunk_count(len(content))):
            offset, length = chunk_span(len(content), index)
            chunk = content[offset : offset + length]
            self.client.publish(self.topics.chunk(sha256, index), chunk, qos=1, retain=True)
        return sha256

    def schedule(self, area_id, airings, *, windows=None, days=3, revision=None, seed=True):
        """Publish an area's schedule: today's page holds what starts today, and so on."""
        now = datetime.now(UTC)
        pages = []
        for offset in range(-1, days):
            day = (now + timedelta(days=offset)).date().isoformat()
            starting = tuple(a for a in airings if a.starts_at.date().isoformat() == day)
            ref, blob = pack_page(DayPage(area_id, day, starting, windows))
            self.blobs[ref.sha256] = blob
            if seed:
                self.seed(blob)
            pages.append(ref)
        until = datetime.combine((now + timedelta(days=days)).date(), datetime.min.time(), UTC)
        head = ScheduleHead(area_id, revision or self.seq + 1, until, tuple(pages))
        topic = self.topics.schedule(area_id)
        self.say(topic, MessageType.SCHEDULE, head, f"area:{area_id}", retain=True)
        return head

    def area_state(self, area_id, **state):
        message = AreaState(area_id, self.seq + 1, **state)
        topic = self.topics.area_state(area_id)
        self.say(topic, MessageType.AREA_STATE, message, f"area:{area_id}", retain=True)

    def command(self, device_id, verb, *, airing=None, **args):
        command = Command(f"c{self.seq}", verb, args, airing)
        topic = self.topics.to_device(device_id, "command")
        return self.say(topic, MessageType.COMMAND, command, f"device:{device_id}", life_s=30)

    # --- what nodes say -----------------------------------------------------------------------

    def _on_message(self, _, __, message):
        topic = parse(message.topic)
        if topic is None or not message.payload:
            return
        with self.news:
            self._take(topic, message.payload)
            self.news.notify_all()

    def _take(self, topic, payload):
        if topic.channel == "claim":
            self._claimed(topic.id, payload)
            return
        type_ = read_envelope(payload).type
        key = self.devices.get(topic.id)
        if key is None:
            return
        body = verify(payload, type_, {key.kid: key})
        if type_ is MessageType.PRESENCE:
            self._present(topic.id, from_json(Presence, body))
        elif type_ is MessageType.STATUS:
            status = from_json(Status, body)
            if status.holds_same:
                status = replace(status, holds=self.status(topic.id).holds)
            self.statuses[topic.id] = status
        elif type_ is MessageType.BEAT:
            self.beats.append(topic.id)
        elif type_ is MessageType.REPORTS:
            self._reported(topic.id, from_json(ReportBatch, body))
        elif type_ is MessageType.ANSWER:
            self.answers.append(body)
        elif type_ is MessageType.WANT:
            self._wanted(from_json(Want, body))

    def _claimed(self, device_id, payload):
        claim = from_json(Claim, json.loads(read_envelope(payload).body))
        key = VerifyKey.from_hex(claim.public_key)
        assert key.device_id == device_id
        verify(payload, MessageType.CLAIM, {key.kid: key})
        self.devices[device_id] = key
        self.bind(device_id, self.config(device_id))

    def _present(self, device_id, presence):
        self.presences[device_id] = presence
        if presence.online:
            topic = self.topics.to_device(device_id, "beacon")
            beacon = Beacon(presence.nonce, datetime.now(UTC))
            self.say(topic, MessageType.BEACON, beacon, f"device:{device_id}")

    def _reported(self, device_id, batch):
        self.batches += 1
        mine = self.reports.setdefault(device_id, {})
        for report in batch.reports:
            mine.setdefault((batch.store_epoch, report.seq), report)
        if self.acknowledge:
            seqs = tuple(report.seq for report in batch.reports)
            topic = self.topics.to_device(device_id, "ack")
            ack = ReportAck(batch.store_epoch, 0, seqs)
            self.say(topic, MessageType.ACK, ack, f"device:{device_id}")

    def _wanted(self, want):
        self.wants.append(want)
        if want.sha256 in self.blobs:
            self.seed(self.blobs[want.sha256])

    # --- waiting ------------------------------------------------------------------------------

    def wait(self, condition, seconds=20.0):
        """Until `condition()` holds; what it returned. Fails the test after `seconds`."""
        deadline = time.monotonic() + seconds
        with self.news:
            while not (value := condition()):
                left = deadline - time.monotonic()
                assert left > 0, "what was waited for did not happen"
                self.news.wait(min(left, 0.25))
            return value

    def status(self, device_id):
        return self.statuses.get(device_id, Status())

    def outcomes(self, device_id):
        """airing_id → the finished report."""
        found = {}
        for report in self.reports.get(device_id, {}).values():
            if report.kind == "finished":
                found[report.airing_id] = report
        return found

    def all_reports(self, device_id):
        return list(self.reports.get(device_id, {}).values())
