"""What comes in from devices: queued by the network thread, handled in batches here.

One batch is one transaction. Only after it has committed does the broker get its acknowledgement,
and the device the controller's own, signed one: a device forgets a report on nothing less. A
message that cannot be trusted or read is counted and dropped; a database that is away keeps the
batch waiting, unacknowledged.
"""

import gc
import json
import logging
import queue
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session

from controller import database
from controller.emergency import node_orders
from controller.fleet import enrolment
from controller.fleet.enrolment import Bound
from controller.models import Device
from controller.mqtt import presence, reports
from controller.mqtt.link import Arrival
from controller.mqtt.opening import TYPES, opened
from controller.mqtt.pace import TokenBucket
from controller.mqtt.publisher import Publisher
from controller.outcomes import refusals
from protocol import envelope
from protocol.codec import from_json
from protocol.envelope import Heading, MessageType
from protocol.errors import Malformed, ProtocolError, RefusalReason, Refused
from protocol.keys import VerifyKey
from protocol.messages import (
    Answer,
    Beacon,
    Beat,
    Claim,
    Presence,
    ReportAck,
    ReportBatch,
    Status,
    Want,
)
from protocol.outcomes import Reason
from protocol.topics import Topic, parse

_log = logging.getLogger(__name__)
T = TypeVar("T")

BATCH_ROWS = 4000  # a quarter of a second of one writer
_QUEUE = 5000
_ACK_TTL = timedelta(hours=1)
_BEACON_TTL = timedelta(seconds=30)
_CLAIMS_PER_S, _CLAIMS_BURST = 5.0, 100.0  # each costs a proof for every open code
_RETRY_S = 1.0


@dataclass(frozen=True, slots=True)
class Listeners:
    """Who is told, after the commit, what a batch has brought."""

    bound: Callable[[Bound], None]
    wanted: Callable[[str, Want], None]
    holds_changed: Callable[[], None]


@dataclass(frozen=True, slots=True)
class _Heard:
    """A verified message."""

    topic: Topic
    heading: Heading
    body: Mapping[str, Any]
    texts: Sequence[str] = ()  # of its reports

    def read(self, cls: type[T]) -> T:
        return from_json(cls, self.body)


@dataclass(frozen=True, slots=True)
class _Opened:
    """A batch, verified and read; claims are opened later, each costs a proof."""

    claims: list[tuple[Topic, bytes]] = field(default_factory=list)
    others: list[_Heard] = field(default_factory=list)
    told: list[reports.Told] = field(default_factory=list)


@dataclass(slots=True)
class _Outcome:
    """What is to be said and done once the batch is committed."""

    say: list[tuple[str, bytes, timedelta]] = field(default_factory=list)
    bound: list[Bound] = field(default_factory=list)
    wanted: list[tuple[str, Want]] = field(default_factory=list)
    holds_changed: bool = False
    acks: list[tuple[str, ReportAck]] = field(default_factory=list)


class Ingest:
    """`put` from the network thread, `step` from its own; `acknowledge` is the link's."""

    def __init__(
        self,
        engine: Engine,
        publisher: Publisher,
        acknowledge: Callable[[Arrival], None],
        listeners: Listeners,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        self._engine = engine
        self._publisher = publisher
        self._acknowledge = acknowledge
        self._listeners = listeners
        self._clock = clock
        self._monotonic = monotonic
        self._queue: queue.Queue[Arrival] = queue.Queue(_QUEUE)
        self._retry: list[Arrival] = []
        self._claims = TokenBucket(_CLAIMS_PER_S, _CLAIMS_BURST, monotonic())
        self._last_want: dict[str, int] = {}
        self._last_beat: dict[str, int] = {}
        self._runs: dict[tuple[str, str], int] = {}
        self._refusals = refusals.Book(engine, clock, monotonic)
        self.refused = self._refusals.counts
        self.handled = 0

    def put(self, arrival: Arrival) -> None:
        """Queue a message. One that finds no room stays unacknowledged and comes again."""
        try:
            self._queue.put_nowait(arrival)
        except queue.Full:
            self.refused["queue_full"] += 1

    def step(self, timeout_s: float, stop: threading.Event | None = None) -> bool:
        """Handle what is there, waiting up to `timeout_s` for the first; whether there was any."""
        batch = self._retry or self._take(timeout_s)
        self._refusals.keep()
        if not batch:
            return False
        self._retry = batch
        try:
            with _no_collector():
                self._handle_all(batch)
        except OperationalError as error:
            _log.error("the database is away, %d messages wait: %s", len(self._retry), error.orig)
            (stop or threading.Event()).wait(_RETRY_S)
            return True
        self._retry = []
        return True

    # --- a batch -----------------------------------------------------------------------------

    def _take(self, timeout_s: float) -> list[Arrival]:
        try:
            batch = [self._queue.get(timeout=timeout_s)]
        except queue.Empty:
            return []
        # While one batch commits the next one gathers, so nobody waits for a batch to fill.
        rows = _rows(batch[0])
        while rows < BATCH_ROWS:
            try:
                batch.append(self._queue.get_nowait())
            except queue.Empty:
                break
            rows += _rows(batch[-1])
        return batch

    def _handle_all(self, batch: Sequence[Arrival]) -> None:
        try:
            self._handle(batch)
        except OperationalError:
            raise
        except (DBAPIError, ValueError):
            self._one_by_one(batch)

    def _one_by_one(self, batch: Sequence[Arrival]) -> None:
        """One message of the batch is poison; the others must not suffer."""
        for position, arrival in enumerate(batch):
            self._retry = list(batch[position:])
            try:
                self._handle([arrival])
            except OperationalError:
                raise
            except (DBAPIError, ValueError) as error:
                _log.exception("a message on %s cannot be kept: %s", arrival.topic, error)
                self._acknowledge(arrival)

    def _handle(self, batch: Sequence[Arrival]) -> None:
        now = self._clock()
        opened = self._open_all(batch)
        with database.transaction(self._engine) as session:
            outcome = self._digest(session, opened, now)
        for arrival in batch:
            self._acknowledge(arrival)
        self.handled += len(batch)
        self._runs |= {(device_id, a.store_epoch): a.upto for device_id, a in outcome.acks}
        self._follow_up(outcome)

    def _follow_up(self, outcome: _Outcome) -> None:
        for topic, sealed, ttl in outcome.say:
            self._publisher.send(topic, sealed, ttl)
        for bound in outcome.bound:
            self._listeners.bound(bound)
        for device_id, want in outcome.wanted:
            self._listeners.wanted(device_id, want)
        if outcome.holds_changed:
            self._listeners.holds_changed()

    def _open_all(self, batch: Sequence[Arrival]) -> _Opened:
        """Verify and read: before the transaction, which keeps other writers waiting."""
        parsed = [(arrival, parse(arrival.topic)) for arrival in batch if arrival.payload]
        mine = [(a, t) for a, t in parsed if t and t.channel in TYPES]
        with database.reading(self._engine) as session:
            keys = reports.known_keys(session, (t.id for _, t in mine))
        opened = _Opened()
        for arrival, topic in mine:
            if topic.channel == "claim":
                opened.claims.append((topic, arrival.payload))
                continue
            with self._refusing(topic):
                heard = self._heard(topic, arrival.payload, keys)
                if topic.channel == "report":
                    opened.told.append(_told(heard))
                    self.refused[Reason.NOT_UNDERSTOOD.value] += opened.told[-1].unread
                else:
                    opened.others.append(heard)
        return opened

    def _digest(self, session: Session, opened: _Opened, now: datetime) -> _Outcome:
        outcome = _Outcome()
        for topic, raw in opened.claims:
            with self._refusing(topic):
                self._claim(session, topic, raw, outcome, now)
        for heard in _newest(opened.others):
            with self._refusing(heard.topic):
                self._one(session, heard, outcome, now)
        if opened.told:
            outcome.acks = reports.commit(session, opened.told, now, self._runs)
            outcome.say += self._sealed_acks(session, outcome.acks)
        return outcome

    def _sealed_acks(
        self, session: Session, acks: Sequence[tuple[str, ReportAck]]
    ) -> list[tuple[str, bytes, timedelta]]:
        addressed = [(f"device:{device_id}", ack) for device_id, ack in acks]
        sealed = self._publisher.seal_all(session, MessageType.ACK, addressed, _ACK_TTL)
        return [
            (self._publisher.topics.to_device(device_id, "ack"), raw, _ACK_TTL)
            for (device_id, _), raw in zip(acks, sealed, strict=True)
        ]

    def _one(self, session: Session, heard: _Heard, outcome: _Outcome, now: datetime) -> None:
        device, heading = session.get_one(Device, heard.topic.id), heard.heading
        if device.shut_out_at is not None:  # since its signature was looked at
            raise Refused(RefusalReason.UNKNOWN_KEY, "a device shut out")
        if heard.topic.channel == "presence":
            said = heard.read(Presence)
            # A late will is no replay: it was sealed when its session began.
            self._count_old(said.online and heading.seq < device.presence_seq)
            news = presence.take_presence(session, device, heading, said, now)
            if news and said.online and said.nonce:
                outcome.say.append(self._beacon(session, device.id, said.nonce, now))
        elif heard.topic.channel == "status":
            status = heard.read(Status)
            self._count_old(heading.seq < device.status_seq)
            if presence.take_status(session, device, heading, status, now):
                outcome.holds_changed = True
        elif heard.topic.channel == "beat":
            newest = max(device.status_seq, device.presence_seq, self._last_beat.get(device.id, 0))
            self._count_old(heading.seq < newest)
            if heading.seq > newest:
                self._last_beat[device.id] = heading.seq
                presence.take_beat(session, device, heading, heard.read(Beat), now)
        elif heard.topic.channel == "want":
            self._count_old(heading.seq < self._last_want.get(device.id, 0))
            if heading.seq > self._last_want.get(device.id, 0):
                self._last_want[device.id] = heading.seq
                outcome.wanted.append((device.id, heard.read(Want)))
        elif heard.topic.channel == "answer":
            answer = heard.read(Answer)
            if not node_orders.answered(session, device.id, answer, now):
                presence.take_answer(session, device, heading, answer, now)
            _log.info("device %s answers %s: %s", device.id, answer.verb, answer.problem or "ok")

    def _count_old(self, old: bool) -> None:
        """An older message than one taken before. The same one again is no news and no attack."""
        self.refused[RefusalReason.REPLAYED.value] += old

    def _beacon(
        self, session: Session, device_id: str, nonce: str, now: datetime
    ) -> tuple[str, bytes, timedelta]:
        sealed = self._publisher.seal(
            session, MessageType.BEACON, f"device:{device_id}", Beacon(nonce, now), _BEACON_TTL
        )
        return self._publisher.topics.to_device(device_id, "beacon"), sealed, _BEACON_TTL

    def _claim(
        self, session: Session, topic: Topic, raw: bytes, outcome: _Outcome, now: datetime
    ) -> None:
        if not self._claims.take(1, self._monotonic()):
            self.refused["too_many_claims"] += 1
            return
        key = _key_shown(raw)
        _, body, _ = self._opened(topic, raw, key)
        asked = from_json(Claim, body)
        bound = enrolment.claim(session, key, asked, now)
        if bound is None:
            if not enrolment.wait(session, key, asked, now):
                _log.warning("device %s shows a proof that fits no open claim code", topic.id)
            self.refused["claim"] += 1
            return
        outcome.bound.append(bound)

    # --- trusting ----------------------------------------------------------------------------

    def _heard(self, topic: Topic, raw: bytes, keys: Mapping[str, VerifyKey]) -> _Heard:
        key = keys.get(topic.id)
        if key is None:
            raise Refused(RefusalReason.UNKNOWN_KEY, "a device nobody enrolled, or shut out")
        return _Heard(topic, *self._opened(topic, raw, key))

    def _opened(
        self, topic: Topic, raw: bytes, key: VerifyKey
    ) -> tuple[Heading, Mapping[str, Any], Sequence[str]]:
        return opened(self._publisher.topics.site, topic, raw, key)

    @contextmanager
    def _refusing(self, topic: Topic) -> Iterator[None]:
        """What cannot be trusted or read is counted; the rest of the batch goes on."""
        try:
            yield
        except ProtocolError as error:
            self._refuse(topic, error)

    def _refuse(self, topic: Topic, error: ProtocolError) -> None:
        reason = error.reason.value if isinstance(error, Refused) else "malformed"
        self.refused[reason] += 1
        # A device that is only about to claim its place is nothing to worry about.
        level = logging.INFO if reason == RefusalReason.UNKNOWN_KEY else logging.WARNING
        _log.log(level, "refused a %s of %s: %s", topic.channel, topic.id, error)


@contextmanager
def _no_collector() -> Iterator[None]:
    """A batch makes a hundred thousand objects and no cycles: looking for some costs a seventh."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _key_shown(raw: bytes) -> VerifyKey:
    """The key a claim carries; it then has to verify the claim's own signature."""
    try:
        return VerifyKey.from_hex(json.loads(envelope.read_envelope(raw).body)["public_key"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Malformed(f"no public key in a claim: {error}") from error


def _newest(heard: Sequence[_Heard]) -> list[_Heard]:
    """Without the statuses that a later one of the batch replaces; after a storm they are many.

    One that only says its holdings are the same (`holds_same`) replaces none before it.
    """
    replaced_before: dict[str, int] = {}
    for one in heard:
        if one.topic.channel == "status" and not one.body.get("holds_same"):
            seq = replaced_before.get(one.topic.id, 0)
            replaced_before[one.topic.id] = max(seq, one.heading.seq)
    return [
        one
        for one in heard
        if one.topic.channel != "status" or one.heading.seq >= replaced_before.get(one.topic.id, 0)
    ]


def _told(heard: _Heard) -> reports.Told:
    return reports.told(heard.topic.id, heard.read(ReportBatch), heard.texts)


def _rows(arrival: Arrival) -> int:
    """About how many rows a message becomes; a report of a node is some 700 bytes."""
    return 1 + len(arrival.payload) // 700
