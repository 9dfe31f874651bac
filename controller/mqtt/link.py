"""The service's one connection to the broker (MQTT 5, or 3.1.1), kept up by itself.

Callbacks of the client run on its network thread: they hand over and return, and an exception in
one must not end that thread. Messages are acknowledged by hand, after the database committed. What
is published waits in a window of bounded size, never in a queue that grows while a broker is away.
"""

import contextlib
import logging
import random
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from controller.mqtt.errors import BadBroker, LinkDown
from protocol.dialect import Dialect
from protocol.topics import SHARE

_log = logging.getLogger(__name__)

_KEEPALIVE_S = 30
_SESSION_S = 24 * 3600  # how long the broker keeps reports for a controller that is away
_WINDOW = 60  # unacknowledged publishes; more only makes the client slower
_BACKOFF_S = (1.0, 30.0)
_MAX_PACKET_BYTES = 1 << 20
_NO_SUCH_VERSION = 132  # a reason code of MQTT 5; the client makes it of 3.1.1's answer as well


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """Where the broker is and who we are there."""

    host: str
    port: int
    tls: bool = False
    user: str = ""
    password: str = ""
    ca_file: Path | None = None

    @classmethod
    def from_url(
        cls, url: str, user: str = "", password: str = "", ca_file: Path | None = None
    ) -> "BrokerAddress":
        """From `mqtt://HOST[:PORT]` or `mqtts://…`. Raises BadBroker."""
        parts = urlsplit(url)
        if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
            raise BadBroker("the address must be mqtt://HOST:PORT or mqtts://HOST:PORT")
        tls = parts.scheme == "mqtts"
        return cls(
            host=parts.hostname,
            port=parts.port or (8883 if tls else 1883),
            tls=tls,
            user=user or parts.username or "",
            password=password or parts.password or "",
            ca_file=ca_file,
        )


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message as it came. `connection` tells whether its acknowledgement still makes sense."""

    topic: str
    payload: bytes
    mid: int = 0
    connection: int = 0


class Link:
    """Connects, subscribes to `topics`, and again after every loss, with jittered back-off.

    `make_will` is asked for (topic, payload) before each attempt. `on_up` is called with whether
    the broker still had our session; `on_arrival` with every message. Both must return at once.
    `session_s`: how long the broker keeps what arrives while we are away.

    A broker that refuses MQTT 5, or hangs up on it, is spoken to in 3.1.1 until that connection
    ends: there nothing expires and nothing is shared.
    """

    def __init__(
        self,
        address: BrokerAddress,
        client_id: str,
        topics: Sequence[str],
        *,
        make_will: Callable[[], tuple[str, bytes]] | None,
        on_up: Callable[[bool], None],
        on_arrival: Callable[[Arrival], None],
        session_s: int = _SESSION_S,
    ) -> None:
        self._address = address
        self._client_id = client_id
        self._topics = list(topics)
        self._session_s = session_s
        self._dialect = Dialect()
        self._v5 = True  # what the client of now speaks
        self._answered = True
        self._stopped = threading.Event()
        self._hurries = False
        self._make_will = make_will
        self._on_up = on_up
        self._on_arrival = on_arrival
        self._room = threading.Condition()
        self._outstanding = 0
        self._connection = 0
        self._up = False
        self._client = self._make_client()

    @property
    def up(self) -> bool:
        return self._up

    def start(self) -> None:
        """Begin to connect; returns at once, whether or not the broker is there."""
        self._set_backoff()
        where = (self._address.host, self._address.port, _KEEPALIVE_S)
        if self._v5:
            session = _properties(PacketTypes.CONNECT, SessionExpiryInterval=self._session_s)
            self._client.connect_async(*where, clean_start=False, properties=session)
        else:
            self._client.connect_async(*where)
        self._client.loop_start()

    def stop(self, farewell: tuple[str, bytes] | None = None, timeout_s: float = 2.0) -> None:
        """Say `farewell` (retained) in place of the will, wait for it, disconnect."""
        if farewell and self._up:
            with contextlib.suppress(LinkDown):
                self.drain(timeout_s / 2)
                self.publish(*farewell, retain=True)
                self.drain(timeout_s / 2)
        self._stopped.set()
        self._client.disconnect()
        self._client.loop_stop()
        self._set_up(False)

    def hurry(self) -> None:
        """From now on nobody waits for room: who stops cannot wait for a broker that is slow."""
        with self._room:
            self._hurries = True
            self._room.notify_all()

    def publish(
        self,
        topic: str,
        payload: bytes,
        *,
        retain: bool = False,
        expires_in_s: int | None = None,
        timeout_s: float = 10.0,
    ) -> None:
        """Send with QoS 1, waiting for room in the window. Raises LinkDown when none comes."""
        with self._room:
            self._room.wait_for(
                lambda: not self._up or self._hurries or self._outstanding < _WINDOW, timeout_s
            )
            if not self._up or self._outstanding >= _WINDOW:
                raise LinkDown
            self._outstanding += 1
        properties = None
        if self._v5:
            properties = _properties(PacketTypes.PUBLISH, MessageExpiryInterval=expires_in_s)
        # The lock is not held here: the client calls `_published` while it holds its own.
        info = self._client.publish(topic, payload, qos=1, retain=retain, properties=properties)
        if info.rc not in (mqtt.MQTT_ERR_SUCCESS, mqtt.MQTT_ERR_NO_CONN):
            self._release()
            raise LinkDown

    def drain(self, timeout_s: float) -> bool:
        """Wait until everything published was acknowledged."""
        with self._room:
            return self._room.wait_for(lambda: not self._up or not self._outstanding, timeout_s)

    def acknowledge(self, arrival: Arrival) -> None:
        """Tell the broker that `arrival` is safe here. One of an older connection comes again."""
        if arrival.mid and arrival.connection == self._connection:
            self._client.ack(arrival.mid, 1)

    # --- the client's callbacks, on its network thread ---------------------------------------

    def _make_client(self) -> mqtt.Client:
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._client_id,
            # In 3.1.1 a session lives for ever, or not at all.
            clean_session=None if self._v5 else self._session_s == 0,
            protocol=mqtt.MQTTv5 if self._v5 else mqtt.MQTTv311,
            manual_ack=True,
        )
        if self._address.user:
            client.username_pw_set(self._address.user, self._address.password)
        if self._address.tls:
            client.tls_set_context(_tls(self._address.ca_file))
        client.max_queued_messages_set(4 * _WINDOW)
        client.on_pre_connect = self._before_connecting
        client.on_connect = self._connected
        client.on_disconnect = self._disconnected
        client.on_message = self._arrived
        client.on_publish = self._published
        return client

    def _before_connecting(self, client: mqtt.Client, _userdata: Any) -> None:
        self._answered = False
        if self._make_will is None:
            return
        with _guarded("the will"):
            topic, payload = self._make_will()
            client.will_set(topic, payload, qos=1, retain=True)

    def _connected(
        self, client: mqtt.Client, _userdata: Any, flags: Any, reason: Any, _properties: Any
    ) -> None:
        with _guarded("connecting"):
            self._answered = True
            if reason.is_failure:
                _log.warning("the broker refuses us: %s", reason)
                if reason.value == _NO_SUCH_VERSION:
                    self._dialect.refused()
                    self._change()
                return
            self._dialect.welcomed()
            self._connection += 1
            if self._topics:
                client.subscribe([(t if self._v5 else _unshared(t), 1) for t in self._topics])
            self._set_up(True)
            _log.info("connected to the broker at %s:%s", self._address.host, self._address.port)
            self._on_up(bool(flags.session_present))

    def _change(self) -> None:
        """Go on in the other version, outside this thread, which belongs to the old client."""
        if self._dialect.v5 == self._v5:
            return
        old, self._v5 = self._client, self._dialect.v5
        # Back to what failed before only after a while: somebody may hang up on both.
        wait_s = _BACKOFF_S[0] * (1 + random.random()) if self._v5 else 0.0

        def replace() -> None:
            old.loop_stop()
            if not self._stopped.wait(wait_s):
                self._client = self._make_client()
                self.start()

        old.disconnect()
        threading.Thread(target=replace, name="mqtt-version", daemon=True).start()

    def _disconnected(
        self, client: mqtt.Client, _userdata: Any, _flags: Any, reason: Any, _properties: Any
    ) -> None:
        with _guarded("disconnecting"):
            if client is not self._client:
                return
            if self._up:
                _log.warning("lost the broker: %s", reason)
                self._dialect.parted()
            elif not self._answered:
                self._dialect.hung_up()
            self._set_up(False)
            self._set_backoff()
            self._change()

    def _arrived(self, _client: mqtt.Client, _userdata: Any, message: mqtt.MQTTMessage) -> None:
        with _guarded("a message"):
            mid = message.mid if message.qos else 0
            self._on_arrival(Arrival(message.topic, bytes(message.payload), mid, self._connection))

    def _published(
        self, _client: mqtt.Client, _userdata: Any, _mid: int, reason: Any, _properties: Any
    ) -> None:
        with _guarded("an acknowledgement"):
            if reason.is_failure:
                _log.warning("the broker refused a message: %s", reason)
            self._release()

    def _release(self) -> None:
        with self._room:
            self._outstanding -= 1
            self._room.notify_all()

    def _set_up(self, up: bool) -> None:
        with self._room:
            self._up = up
            self._room.notify_all()

    def _set_backoff(self) -> None:
        # The client doubles its delay without jitter, so the first delay is drawn by lot.
        shortest, longest = _BACKOFF_S
        self._client.reconnect_delay_set(shortest * (1 + random.random()), longest)  # type: ignore[arg-type]


@contextlib.contextmanager
def _guarded(what: str) -> Iterator[None]:
    """An exception in a callback would end the network thread without a word."""
    try:
        yield
    except Exception:
        _log.exception("failed while handling %s", what)


def _unshared(topic: str) -> str:
    return topic.split("/", 2)[2] if topic.startswith(SHARE) else topic


def _properties(packet: int, **values: int | None) -> Properties:
    properties = Properties(packet)  # type: ignore[no-untyped-call]
    for name, value in values.items():
        if value is not None:
            setattr(properties, name, value)
    if packet == PacketTypes.CONNECT:
        properties.MaximumPacketSize = _MAX_PACKET_BYTES
    return properties


def _tls(ca_file: Path | None) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        raise BadBroker(f"{ca_file}: {error}") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
