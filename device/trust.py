"""Who may command this node: signatures, audience, counters and expiry, in that order.

Every message comes through `Gate.open`. What is refused is counted by reason and shown in the
node's status. `last obeyed` is durable before anything is done (see `identity.Counters`).
"""

import secrets
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from device.clock import Clock
from device.identity import Counters
from protocol.codec import from_json
from protocol.envelope import Heading, MessageType, check_heading, heading_of, verify
from protocol.errors import Malformed, RefusalReason, Refused
from protocol.keys import VerifyKey

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Opened:
    """A message that may be obeyed. `repeated`: a retained one this node has obeyed before."""

    heading: Heading
    body: dict[str, Any]
    repeated: bool = False

    def read(self, cls: type[T]) -> T:
        return from_json(cls, self.body)


@dataclass
class Gate:
    """Opens envelopes for one device. `keys`: the controller's, by kid."""

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
        freshness otherwise, or do no harm twice. Raises OSError when the counter cannot be kept.
        """
        try:
            body = verify(raw, type_, self.keys)
            heading = heading_of(body)
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
        if durable:
            self.counters.obeyed(stream, heading.seq)
        else:
            self._volatile[stream] = heading.seq
        return Opened(heading, body, repeated)

    def is_fresh(self) -> bool:
        """Whether a command may be believed to be of now; counts the refusal when not."""
        if self.clock.trusted or self.fresh:
            return True
        self.refused[RefusalReason.NOT_FRESH.value] += 1
        return False

    def reopen(self, raw: bytes, type_: MessageType) -> Opened | None:
        """A document of our own store, accepted before: the signature is checked again, no more."""
        try:
            body = verify(raw, type_, self.keys)
            return Opened(heading_of(body), body, repeated=True)
        except (Refused, Malformed):
            self.refused["damaged_store"] += 1
            return None

    def _last(self, stream: str) -> int:
        return self._volatile.get(stream, 0)
