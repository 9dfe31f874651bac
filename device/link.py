"""The line to the broker: MQTT 5 or 3.1.1 (see `protocol.dialect`), driven by the node's own loop.

Connects for ever with full jitter, keeps the set of wanted topics and subscribes to all of it on
every connect, and keeps no queue of its own: what must not be lost waits in the outbox.
"""

import logging
import random
import socket
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from device.connector import Attempt, Endpoint, Result
from device.loop import Loop, Timer
from device.passport import Identity
from device.settings import Settings
from protocol.dialect import Dialect

log = logging.getLogger(__name__)

KEEPALIVE_S = 60
WILL_DELAY_S = 5
SESSION_EXPIRY_S = 3600
_FIRST_DELAY_S = 1.0
_LONGEST_DELAY_S = 45.0  # with a connection that hangs, back within a minute of the network
_QUICK_TRIES = 5  # a broker that restarts on this machine is found again within seconds
_CONNECT_TIMEOUT_S = 15.0
_NO_SUCH_VERSION = 132  # a reason code of MQTT 5; paho makes it of 3.1.1's answer as well


class _Client(mqtt.Client):
    """paho on a socket somebody else has connected."""

    ready: socket.socket | None = None

    def _create_socket(self) -> Any:
        ready, self.ready = self.ready, None
        if ready is None:
            raise ConnectionError("no connected socket was handed over")
        return ready


class Link:
    """One connection at a time, made again whenever it breaks.

    `will()` gives (topic, payload) for the coming session; `on_connected`, `on_lost` and
    `on_message(topic, payload, retained)` are called in the loop.
    """

    def __init__(
        self,
        loop: Loop,
        settings: Settings,
        choose: Callable[[], Identity],
        *,
        will: Callable[[], tuple[str, bytes] | None],
        on_connected: Callable[[], None],
        on_lost: Callable[[], None],
        on_message: Callable[[str, bytes, bool], None],
        jitter: random.Random | None = None,
    ) -> None:
        self._loop = loop
        self._url = settings.broker
        self._endpoint = Endpoint(
            self._url.hostname or "",
            settings.broker_port,
            self._url.scheme == "mqtts",
            settings.ca_file,
        )
        self._choose = choose
        self._identity = Identity("")
        self._will = will
        self._on_connected = on_connected
        self._on_lost = on_lost
        self._on_message = on_message
        self._jitter = jitter or random.Random()
        self._client: _Client | None = None
        self._socket: Any = None
        self._attempt: Attempt | None = None
        self._housekeeping: Timer | None = None
        self._wanted: dict[str, int] = {}
        self._stale: set[str] = set()  # dropped while offline; the broker's session has them yet
        self._tries = 0
        self._first = True
        self._dialect = Dialect()
        self._answered = False
        self._stopped = False
        self._reading = False
        self.connected = False

    def start(self) -> None:
        self._stopped = False
        self._dial()

    def stop(self, last_words: Iterable[tuple[str, bytes, bool]] = ()) -> None:
        """Say `last_words` (topic, payload, retained) and leave; the broker then drops the will."""
        self._stopped = True
        if self._client and self.connected:
            for topic, payload, retain in last_words:
                self._client.publish(topic, payload, qos=1, retain=retain)
            self._client.disconnect()
            self._flush()
        if self._attempt:
            self._attempt.cancel()
        self._drop()

    @property
    def joining(self) -> bool:
        """Whether this session is for the claim and nothing else."""
        return self._identity.joining

    def redial(self) -> None:
        """Connect anew, under the identity that is to be shown now."""
        if self._client and self.connected:
            self._client.disconnect()
            self._flush()
            if self._client:
                self._lost()

    def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> bool:
        """False, and nothing kept, while there is no connection."""
        if not self._client or not self.connected:
            return False
        answer = self._client.publish(topic, payload, qos=qos, retain=retain)
        self._flush()
        return answer.rc == mqtt.MQTT_ERR_SUCCESS

    def want(self, topics: Iterable[str], qos: int = 1) -> None:
        """Subscribe to `topics`, now and after every reconnect."""
        new = [topic for topic in topics if topic not in self._wanted]
        self._wanted |= dict.fromkeys(new, qos)
        self._stale.difference_update(new)
        if new and self._client and self.connected:
            self._subscribe(new)

    def ask_again(self) -> None:
        """Hear once more what the broker retains: some of it may be believed only now."""
        if self._client and self.connected and self._wanted:
            self._subscribe(list(self._wanted))

    def unwant(self, topics: Iterable[str]) -> None:
        old = [topic for topic in topics if self._wanted.pop(topic, None) is not None]
        if old and self._client and self.connected:
            self._client.unsubscribe(old)
            self._flush()
        else:
            self._stale.update(old)

    # --- connecting ---------------------------------------------------------------------------

    def _dial(self) -> None:
        if not self._stopped:
            before, self._identity = self._identity, self._choose()
            if before.client_id != self._identity.client_id:
                self._first = True  # under another name the broker keeps no session of ours
            endpoint = replace(
                self._endpoint,
                identity_file=self._identity.file,
                check_dates=self._identity.knows_the_date,
            )
            self._attempt = Attempt(self._loop, endpoint, _CONNECT_TIMEOUT_S, self._dialled)

    def _dialled(self, result: Result) -> None:
        if isinstance(result, OSError):
            level = logging.WARNING if self._tries == 0 else logging.DEBUG
            log.log(level, "no broker at %s:%s: %s", *self._where(), result)
            self._try_again()
        elif self._stopped:
            result.close()
        else:
            self._hand_over(result)

    def _where(self) -> tuple[str, int]:
        return self._endpoint.host, self._endpoint.port

    def _hand_over(self, ready: socket.socket) -> None:
        v5, self._answered = self._dialect.v5, False
        client = _Client(
            callback_api_version=CallbackAPIVersion.VERSION2,
            client_id=self._identity.client_id,
            # 3.1.1 knows no start that keeps the session for later, so there every one is clean.
            clean_session=None if v5 else True,
            protocol=mqtt.MQTTv5 if v5 else mqtt.MQTTv311,
            reconnect_on_failure=v5,
        )
        if self._url.username:
            client.username_pw_set(unquote(self._url.username), unquote(self._url.password or ""))
        # Who is only joining may not speak for a device, and a will is speech.
        will = None if self._identity.joining else self._will()
        if will:
            delay = _delayed() if v5 else None
            client.will_set(*will, qos=1, retain=True, properties=delay)
        client.on_connect = self._connected
        client.on_disconnect = self._disconnected
        client.on_message = self._arrived
        client.on_socket_register_write = self._wants_write
        client.on_socket_unregister_write = self._wants_no_write
        client.ready = ready
        self._client = client
        self._socket = ready
        self._loop.watch(ready, self._readable)
        session: dict[str, Any] = {}
        if v5:
            session = {"clean_start": self._first, "properties": _session()}
        client.connect_async(*self._where(), keepalive=KEEPALIVE_S, **session)
        try:
            client.reconnect()
        except OSError as error:
            log.debug("the broker closed while connecting: %s", error)
            self._lost()
            return
        self._tick()

    def _connected(self, client: Any, _: Any, __: Any, reason: Any, ___: Any) -> None:
        self._answered = True
        if reason.is_failure:
            log.warning("the broker refuses this node: %s", reason)
            if reason.value == _NO_SUCH_VERSION:
                self._dialect.refused()
            return  # it closes; the back-off keeps us from hammering it
        self._dialect.welcomed()
        self._first = False
        self._tries = 0
        self.connected = True
        if self._stale:
            client.unsubscribe(sorted(self._stale))
            self._stale.clear()
        if self._wanted:
            self._subscribe(list(self._wanted))
        log.info("connected to %s:%s", *self._where())
        self._on_connected()

    def _subscribe(self, topics: list[str]) -> None:
        assert self._client is not None
        self._client.subscribe([(topic, self._wanted[topic]) for topic in topics])
        self._flush()

    def _arrived(self, _: Any, __: Any, message: mqtt.MQTTMessage) -> None:
        try:
            self._on_message(message.topic, bytes(message.payload), bool(message.retain))
        except Exception:  # an exception in here would end paho's parsing half-way
            self._loop.failures += 1
            log.exception("a message on %s could not be handled", message.topic)

    # --- the socket on the loop ---------------------------------------------------------------

    def _readable(self) -> None:
        client = self._client
        if client is None:
            return
        self._reading = True
        try:
            while client.loop_read() == mqtt.MQTT_ERR_SUCCESS and self._socket is not None:
                # TLS may hold decrypted bytes that select does not see.
                if not getattr(self._socket, "pending", int)():
                    break
        finally:
            self._reading = False
        self._flush()

    def _writable(self) -> None:
        if self._client:
            self._client.loop_write()

    def _wants_write(self, *_: Any) -> None:
        if self._socket is not None:
            self._loop.watch(self._socket, self._readable, self._writable)

    def _wants_no_write(self, *_: Any) -> None:
        if self._socket is not None:
            self._loop.watch(self._socket, self._readable)

    def _flush(self) -> None:
        # Not from within a callback: a write that fails there would wait for ever for paho's lock.
        if self._client and not self._reading and self._client.want_write():
            self._client.loop_write()

    def _tick(self) -> None:
        """Keep-alive; paho notices here that a broker went silent."""
        if self._client:
            self._client.loop_misc()
        if self._client:
            self._housekeeping = self._loop.call_later(5.0, self._tick)

    def _disconnected(self, _: Any, __: Any, ___: Any, reason: Any, ____: Any) -> None:
        log.info("connection lost: %s", reason)
        self._lost()

    def _lost(self) -> None:
        was_connected = self.connected
        self._drop()
        if was_connected:
            self._dialect.parted()
            self._on_lost()
        elif not self._answered:
            self._dialect.hung_up()
        self._try_again()

    def _drop(self) -> None:
        self.connected = False
        if self._housekeeping:
            self._housekeeping.cancel()
        if self._socket is not None:
            self._loop.unwatch(self._socket)
            self._socket.close()
        self._socket = self._client = None

    def _try_again(self) -> None:
        if self._stopped:
            return
        if self._tries < _QUICK_TRIES:
            ceiling = _FIRST_DELAY_S
        else:
            ceiling = min(2.0 ** (self._tries - _QUICK_TRIES + 1), _LONGEST_DELAY_S)
        self._tries += 1
        self._loop.call_later(self._jitter.uniform(0.2, max(ceiling, 1.0)), self._dial)


def _session() -> Properties:
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = SESSION_EXPIRY_S
    properties.ReceiveMaximum = 32
    return properties


def _delayed() -> Properties:
    properties = Properties(PacketTypes.WILLMESSAGE)  # type: ignore[no-untyped-call]
    properties.WillDelayInterval = WILL_DELAY_S
    return properties
