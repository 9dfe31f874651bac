"""What the controller says: sealed with its key, numbered by the one sequence, kept when retained.

A retained document is stored before it is published, so a broker that forgot is told again from
the database. Equal content is not published anew until it is a day old; then it gets a fresh
number and expiry. One lock orders publishing, so that no older envelope lands over a newer one.
"""

import dataclasses
import hashlib
import json
import logging
import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from sqlalchemy import Engine, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from controller import database, sequence
from controller.keys.signing import Keyring
from controller.models import Document, SaidSequence
from controller.mqtt.errors import LinkDown
from controller.mqtt.link import Link
from controller.outcomes import receipts
from protocol import envelope
from protocol.codec import to_json
from protocol.envelope import Heading, MessageType
from protocol.keys import SigningKey
from protocol.messages import ScheduleHead
from protocol.topics import Topics

_log = logging.getLogger(__name__)

RETAINED_FOR = timedelta(days=45)  # longer than the dated range: a link may be away for a month
REFRESH_AFTER = timedelta(hours=20)
_LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Retained:
    """A document as it should stand on `topic`; `message.revision`, if there is one, is set here.

    `blobs`: sha256 → bytes of the pages it names.
    """

    topic: str
    type: MessageType
    to: str
    message: Any
    blobs: Mapping[str, int] = field(default_factory=dict)


class Countersigner(Protocol):
    """Adds the second party's signature where two must agree; else gives back what it got."""

    def countersign(self, raw: bytes, type_: MessageType, to: str) -> bytes: ...


class Publisher:
    """Seals and publishes; safe to use from several threads."""

    def __init__(
        self,
        engine: Engine,
        link: Link,
        key: SigningKey | Keyring,
        topics: Topics,
        clock: Callable[[], datetime],
        *,
        second: Countersigner | None = None,
    ) -> None:
        """A single key is a ring of one. `second`: who signs too where two parties must."""
        self.topics = topics
        self._engine = engine
        self._link = link
        self._ring = key if isinstance(key, Keyring) else Keyring.of(key)
        self._second = second
        self._clock = clock
        self._order = threading.RLock()
        self._leader = ""  # of several services; others, that say less, need not lead

    def resume(self) -> None:
        """Before anything is said: take the lead, and number above what nodes can have heard.

        Where the database may have been rolled back, its documents are said anew under new numbers.
        """
        with database.transaction(self._engine) as session:
            self._leader = secrets.token_hex(8)
            sequence.take_lead(session, self._leader)
            if sequence.keep_above_the_past(session, self._clock()):
                session.execute(update(Document).values(published_at=_LONG_AGO))

    def leads(self) -> bool:
        """Whether no other service has begun to say things since `resume`.

        The lead can be lost and won again within one pause. A database that is away has no leader.
        """
        try:
            with database.reading(self._engine) as session:
                return sequence.leads(session, self._leader)
        except DBAPIError:
            return True

    def seal(
        self, session: Session, type_: MessageType, to: str, message: Any, ttl: timedelta
    ) -> bytes:
        """The envelope of `message`; its number is used up when the caller commits.

        Raises LeadLost.
        """
        return self.seal_all(session, type_, [(to, message)], ttl)[0]

    def seal_all(
        self,
        session: Session,
        type_: MessageType,
        addressed: Sequence[tuple[str, Any]],
        ttl: timedelta,
    ) -> list[bytes]:
        """The envelopes of several messages, each with its audience, numbered in order."""
        now = self._clock()
        first = sequence.next_seqs(session, len(addressed), self._leader)
        vouching = type_ is MessageType.TRUST
        signers = self._ring.vouching if vouching else self._ring.signing
        sealed = [
            envelope.seal(
                type_,
                Heading(
                    site=self.topics.site,
                    to=to,
                    from_="controller",
                    seq=seq,
                    issued_at=now,
                    expires_at=now + ttl,
                ),
                message,
                signers,
            )
            for seq, (to, message) in enumerate(addressed, first)
        ]
        if self._second is None:
            return sealed
        return [
            self._second.countersign(raw, type_, to)
            for raw, (to, _) in zip(sealed, addressed, strict=True)
        ]

    def send(self, topic: str, sealed: bytes, ttl: timedelta) -> bool:
        """Publish, not retained, gone after `ttl`. False when the link is down."""
        try:
            self._link.publish(topic, sealed, expires_in_s=int(ttl.total_seconds()))
        except LinkDown:
            return False
        return True

    def retain(self, wanted: Retained) -> bool:
        """Store and publish `wanted` unless it stands there already and is fresh."""
        with self._order:
            with database.transaction(self._engine) as session:
                sealed = self._renewed(session, wanted)
            if sealed is None:
                return False
            self._publish_retained(wanted.topic, sealed)
            return True

    def withdraw(self, topic: str) -> None:
        """Remove a retained document from the broker and from the database."""
        with self._order:
            with database.transaction(self._engine) as session:
                sequence.next_seqs(session, 0, self._leader)
                row = session.get(Document, topic)
                if row:
                    session.delete(row)
            self._publish_retained(topic, b"")

    def repeat_all(self) -> int:
        """Say every retained document again as it was sealed: the broker may have forgotten."""
        with database.reading(self._engine) as session:
            topics = session.scalars(select(Document.topic).order_by(Document.topic)).all()
        for topic in topics:
            with self._order:
                with database.reading(self._engine) as session:
                    row = session.get(Document, topic)
                if row and not self._publish_retained(topic, row.envelope):
                    break
        return len(topics)

    def _renewed(self, session: Session, wanted: Retained) -> bytes | None:
        row = session.get(Document, wanted.topic, with_for_update=True)
        content = _content_hash(wanted)
        now = self._clock()
        same = row is not None and row.content_hash == content
        fresh = row is not None and now - row.published_at < REFRESH_AFTER
        if row is not None and same and fresh and self._still_obeyed(session, row):
            return None
        revision = (row.revision if row else 0) + (0 if same else 1)
        sealed = self.seal(
            session, wanted.type, wanted.to, _numbered(wanted.message, revision), RETAINED_FOR
        )
        if row is None:
            row = Document(topic=wanted.topic)
            session.add(row)
        before = dict(row.blobs or {})
        row.revision, row.content_hash, row.envelope = revision, content, sealed
        row.blobs, row.published_at = dict(wanted.blobs), now
        if isinstance(wanted.message, ScheduleHead) and not same:
            head = wanted.message
            receipts.note_published(session, head.area_id, revision, head.pages, before, now)
        return sealed

    def _still_obeyed(self, session: Session, row: Document) -> bool:
        """False after a restored backup (the numbers jumped ahead) or with another signing key."""
        stored = envelope.read_envelope(row.envelope)
        seq = int(json.loads(stored.body)["seq"])
        last = session.scalar(select(SaidSequence.last)) or 0
        kids = {signature.kid for signature in stored.signatures}
        signed = {key.verify_key.kid for key in self._ring.signing} <= kids
        return signed and last - seq < sequence.RESTORE_JUMP // 2

    def _publish_retained(self, topic: str, sealed: bytes) -> bool:
        # While the link is down the stored row is enough: `repeat_all` says it on connecting.
        try:
            self._link.publish(topic, sealed, retain=True)
        except LinkDown:
            return False
        return True


def _numbered(message: Any, revision: int) -> Any:
    names = {f.name for f in dataclasses.fields(message)}
    return dataclasses.replace(message, revision=revision) if "revision" in names else message


def _content_hash(wanted: Retained) -> str:
    content = {**to_json(_numbered(wanted.message, 0)), "to": wanted.to}
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
