"""A device that speaks the protocol over a real broker and makes no sound.

It claims a place, is present, keeps what it is told, fetches blobs and reports what a test says.
"""

import itertools
import threading
from datetime import UTC, datetime, timedelta

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from protocol import envelope
from protocol.chunks import Bitmap, chunk_count
from protocol.claims import proof
from protocol.codec import from_json
from protocol.envelope import Heading, MessageType
from protocol.keys import SigningKey
from protocol.messages import (
    Beacon,
    Claim,
    NodeConfig,
    Presence,
    ReportAck,
    ReportBatch,
    ScheduleHead,
    Status,
    Want,
)
from protocol.pages import unpack_page
from protocol.topics import Topics, parse

DEADLINE_S = 15


class FakeDevice:
    """One device. `with FakeDevice(broker.port, controller_key) as device: …`."""

    def __init__(self, port, controller_key, *, site="main", key=None):
        self.port = port
        self.key = key or SigningKey.generate()
        self.id = self.key.verify_key.device_id
        self.topics = Topics(site)
        self.store_epoch = "epoch-1"
        self.messages = []  # (type, message), in order
        self.chunks = {}
        self.news = threading.Condition()
        self._controller = {controller_key.kid: controller_key}
        self._seq = itertools.count(1)
        self._connected = threading.Event()
        self.client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=self.id, protocol=mqtt.MQTTv5
        )
        self.client.on_connect = self._on_connect
        self.client.on_message = self._on_message

    def __enter__(self):
        will = Presence(online=False, boot_id="boot", session=1, store_epoch=self.store_epoch)
        topic = self.topics.from_device(self.id, "presence")
        self.client.will_set(topic, self.seal(MessageType.PRESENCE, will), qos=1, retain=True)
        self.client.connect("127.0.0.1", self.port)
        self.client.loop_start()
        assert self._connected.wait(DEADLINE_S)
        return self

    def __exit__(self, *failure):
        self.client.disconnect()
        self.client.loop_stop()

    def vanish(self):
        """Break the connection without a word, as a power cut does; the broker sends the will."""
        self.client.loop_stop()
        self.client.socket().close()

    # --- saying --------------------------------------------------------------------------------

    def seal(self, type_, message, key=None):
        now = datetime.now(UTC)
        heading = Heading(
            self.topics.site, "site", self.id, next(self._seq), now, now + timedelta(days=30)
        )
        return envelope.seal(type_, heading, message, [key or self.key])

    def say(self, channel, type_, message, *, retain=False, key=None):
        self.say_raw(channel, self.seal(type_, message, key), retain=retain)

    def say_raw(self, channel, raw, *, retain=False):
        topic = self.topics.from_device(self.id, channel)
        self.client.publish(topic, raw, qos=1, retain=retain)

    def claim(self, code):
        shown = self.key.verify_key
        message = Claim(shown.hex, proof(code, shown), "fake", "0")
        self.client.publish(self.topics.claim(self.id), self.seal(MessageType.CLAIM, message), 1)

    def appear(self, nonce="", session=1):
        message = Presence(True, "boot", session, nonce, "0", (1,), self.store_epoch)
        self.say("presence", MessageType.PRESENCE, message, retain=True)

    def show(self, **status):
        self.say("status", MessageType.STATUS, Status(**status), retain=True)

    def report(self, *reports, epoch=None):
        batch = ReportBatch(epoch or self.store_epoch, reports)
        self.say("report", MessageType.REPORTS, batch)

    def want(self, sha256, size, have=()):
        bitmap = Bitmap(chunk_count(size))
        for index in have:
            bitmap.add(index)
        self.say("want", MessageType.WANT, Want(sha256, size, bitmap.to_text()))

    # --- hearing -------------------------------------------------------------------------------

    def listen(self, *topics):
        self.client.subscribe([(topic, 1) for topic in topics])

    def heard(self, cls, where=lambda message: True):
        """The newest message of `cls` that fits, waiting for it."""

        def newest():
            fitting = [m for m in self.messages if type(m) is cls and where(m)]
            return fitting[-1] if fitting else None

        with self.news:
            assert self.news.wait_for(newest, DEADLINE_S), f"no {cls.__name__} that fits"
            return newest()

    def fetch(self, sha256, size):
        """The blob's bytes from its retained chunks."""
        count = chunk_count(size)
        self.listen(*(self.topics.chunk(sha256, index) for index in range(count)))
        mine = [(sha256[:32], str(index)) for index in range(count)]
        with self.news:
            assert self.news.wait_for(lambda: all(c in self.chunks for c in mine), DEADLINE_S)
            return b"".join(self.chunks[chunk] for chunk in mine)

    def pages(self, head):
        return [unpack_page(self.fetch(ref.sha256, ref.bytes)) for ref in head.pages]

    def _on_connect(self, client, userdata, flags, reason, properties):
        self.listen(*(self.topics.to_device(self.id, c) for c in ("config", "ack", "beacon")))
        self._connected.set()

    def _on_message(self, client, userdata, message):
        topic = parse(message.topic)
        with self.news:
            if topic.way == "c":
                self.chunks[topic.id, topic.channel] = message.payload
            else:
                self.messages.append(self._opened(topic.channel, message.payload))
            self.news.notify_all()

    def _opened(self, channel, raw):
        type_, cls = {
            "config": (MessageType.CONFIG, NodeConfig),
            "ack": (MessageType.ACK, ReportAck),
            "beacon": (MessageType.BEACON, Beacon),
            "schedule": (MessageType.SCHEDULE, ScheduleHead),
        }[channel]
        return from_json(cls, envelope.verify(raw, type_, self._controller))
