"""Who may command this node: signatures, audience, counters and expiry, in that order.

Every message comes through `Gate.open`. What is refused is counted by reason and shown in the
node's status. `last obeyed` is durable before anything is done (see `identity.Counters`).
"""

import json
import logging
import secrets
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

from device.clock import Clock
from device.identity import Counters
from protocol.codec import from_json
from protocol.envelope import (
    Heading,
    MessageType,
    check_heading,
    heading_of,
    read_envelope,
    verified,
    verify,
)
from protocol.errors import Malformed, RefusalReason, Refused
from protocol.keys import VerifyKey
from protocol.messages import Trust
from protocol.outcomes import CommandVerb
from protocol.trust import MAY_SOUND, PLAY, Trusted, makes_sound

log = logging.getLogger(__name__)
T = TypeVar("T")
# What is obeyed also when the disk takes no counter (docs/decisions/0010): what silences, what
# cannot wait, and what changes nothing.
_URGENT_VERBS = frozenset(
    {
        CommandVerb.STOP,
        CommandVerb.MUTE,
        CommandVerb.SELF_TEST,
        CommandVerb.LOG_TAIL,
        CommandVerb.RESYNC,
    }
)
_URGENT_COMMAND_S = 120.0
_URGENT_STATE_S = 3600.0
_TRUST = "trust"
_FORMERLY, _FORMERLY_MOST = "formerly_trusted", 4  # its name among what is kept with the counters


@dataclass(frozen=True, slots=True)
class Opened:
    """A message that may be obeyed. `repeated`: a retained one this node has obeyed before.

    `silent_only`: old, and the disk does not take its counter, so what sounds in it must not.
    """

    heading: Heading
    body: dict[str, Any]
    repeated: bool = False
    silent_only: bool = False

    def read(self, cls: type[T]) -> T:
        return from_json(cls, self.body)


@dataclass
class Gate:
    """Opens envelopes for one device. `keys`: the controller's by our settings, by kid."""

    site: str
    device_id: str
    keys: Mapping[str, VerifyKey]
    counters: Counters
    clock: Clock
    area_path: tuple[str, ...] = ()
    refused: Counter[str] = field(default_factory=Counter)
    nonce: str = ""
    fresh: bool = False  # a beacon has echoed a nonce of this boot
    _volatile: dict[str, int] = field(default_factory=dict)
    trusted: Trusted = field(init=False)
    _held: bool = False  # a trust document is in force

    def __post_init__(self) -> None:
        self.trusted = Trusted.anchored(self.keys)

    @property
    def anchor(self) -> str:
        """Names the keys of our settings: other settings put a new beginning to trust."""
        return " ".join(sorted(self.keys))

    @property
    def audiences(self) -> frozenset[str]:
        areas = {f"area:{area_id}" for area_id in self.area_path}
        return frozenset(areas | {"site", f"device:{self.device_id}"})

    def new_nonce(self) -> str:
        self.nonce = secrets.token_hex(16)
        return self.nonce

    def open(
        self,
        raw: bytes,
        type_: MessageType,
        stream: str,
        *,
        to: str | None = None,
        retained: bool = False,
        durable: bool = True,
    ) -> Opened | None:
        """The message in `raw`, or None (and counted) when it must not be obeyed.

        `to`: the one audience this topic is for. `retained`: state that the broker repeats, so
        that an equal counter is no replay. `durable=False`: a stream whose messages prove their
        freshness otherwise, or do no harm twice. Raises OSError when the counter cannot be kept
        and the message can wait.
        """
        try:
            body, kids = verified(raw, type_, self.trusted.keys)
            heading = heading_of(body)
            self.trusted.check(kids, type_.value, heading.to)
            if type_ in MAY_SOUND and makes_sound(body):
                self.trusted.check(kids, PLAY, heading.to)
            last = self.counters.streams.get(stream, 0) if durable else self._last(stream)
            repeated = retained and heading.seq == last
            check_heading(
                heading,
                site=self.site,
                audiences=(to,) if to else self.audiences,
                now=self.clock.now() if self.clock.trusted else None,
                last_seq=last - 1 if repeated else last,
            )
        except Refused as refusal:
            self.refused[refusal.reason.value] += 1
            return None
        except Malformed:
            self.refused["malformed"] += 1
            return None
        if not durable:
            self._volatile[stream] = heading.seq
            return Opened(heading, body, repeated)
        try:
            self.counters.obeyed(stream, heading.seq)
        except OSError as error:
            opened = self._urgent(type_, heading, body)
            if opened is None:
                raise
            log.error("obeyed, though the disk takes no counter: %s", error)
            self.counters.remember(stream, heading.seq)
            return opened
        return Opened(heading, body, repeated)

    def _urgent(self, type_: MessageType, heading: Heading, body: dict[str, Any]) -> Opened | None:
        """What is obeyed with its counter in memory only: urgent, and of now by a trusted clock.

        A power cut forgets such a counter, so age is what bounds a replay after it.
        """
        if not self.clock.trusted:
            return None
        age_s = abs((self.clock.now() - heading.issued_at) / timedelta(seconds=1))
        if type_ is MessageType.AREA_STATE:
            return Opened(heading, body, silent_only=age_s > _URGENT_STATE_S)
        urgent = type_ is MessageType.COMMAND and body.get("verb") in _URGENT_VERBS
        return Opened(heading, body) if urgent and age_s <= _URGENT_COMMAND_S else None

    def is_fresh(self) -> bool:
        """Whether a command may be believed to be of now; counts the refusal when not."""
        if self.clock.trusted or self.fresh:
            return True
        self.refused[RefusalReason.NOT_FRESH.value] += 1
        return False

    def reopen(self, raw: bytes, type_: MessageType, stream: str) -> Opened | None:
        """A document of our own store, accepted before: the signature is checked again, no more.

        One by a key that has been retired since still holds: a node that loses its power between
        the news of a rotation and the documents signed anew goes on with what it has.
        Counters that were lost begin again at what the documents show was obeyed.
        """
        try:
            body = verify(raw, type_, {**self._formerly, **self.keys, **self.trusted.keys})
            heading = heading_of(body)
            if stream:
                self.at_least(stream, heading.seq)
            return Opened(heading, body, repeated=True)
        except (Refused, Malformed):
            self.refused["damaged_store"] += 1
            return None

    @property
    def _formerly(self) -> dict[str, VerifyKey]:
        """Keys that were trusted before the trust document in force."""
        known = [VerifyKey.from_hex(text) for text in self.counters.extra.get(_FORMERLY, [])]
        return {key.kid: key for key in known}

    def _last(self, stream: str) -> int:
        return self._volatile.get(stream, 0)

    def at_least(self, stream: str, seq: int) -> None:
        """`seq` was obeyed once, whatever the counters remember."""
        self.counters.streams[stream] = max(seq, self.counters.streams.get(stream, 0))

    def take_trust(self, raw: bytes) -> bool:
        """A trust document that arrived; True when it is in force and news.

        It must be signed by what is trusted now and by what it would have us trust, so that no
        slip locks everybody out.
        """
        opened = self.open(raw, MessageType.TRUST, _TRUST, to="site", retained=True)
        if opened is None or (opened.repeated and self._held):
            return False
        try:
            said = Trusted.said(opened.read(Trust))
            _, kids = verified(raw, MessageType.TRUST, said.keys)
            said.check(kids, MessageType.TRUST.value, "site")
        except Refused as refusal:
            self.refused[refusal.reason.value] += 1
            return False
        except Malformed:
            self.refused["malformed"] += 1
            return False
        before = [key.hex for kid, key in self.trusted.keys.items() if kid not in said.keys]
        kept = [*before, *self.counters.extra.get(_FORMERLY, [])]
        self.counters.extra[_FORMERLY] = list(dict.fromkeys(kept))[:_FORMERLY_MOST]
        self.trusted, self._held = said, True
        return True

    def restore_trust(self, raw: bytes) -> bool:
        """The document in force at the last run, checked by the keys it names itself."""
        try:
            said = Trusted.said(from_json(Trust, json.loads(read_envelope(raw).body)))
            body, kids = verified(raw, MessageType.TRUST, said.keys)
            said.check(kids, MessageType.TRUST.value, "site")
        except (Refused, ValueError):
            self.refused["damaged_store"] += 1
            return False
        self.at_least(_TRUST, heading_of(body).seq)
        self.trusted, self._held = said, True
        return True
