"""What the node says, sealed: presence, status, reports, wants, answers and the claim."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from device.clock import Clock
from device.identity import Counters
from device.link import Link
from protocol.claims import proof
from protocol.envelope import Heading, MessageType, seal
from protocol.keys import SigningKey
from protocol.messages import (
    Answer,
    Beat,
    Claim,
    Presence,
    Report,
    ReportBatch,
    Status,
    Want,
)
from protocol.topics import Topics

_MESSAGE_LIFE = timedelta(hours=24)


@dataclass
class Voice:
    """Signs with the device's key. `boot_id`, `store_epoch`: see `protocol.messages.Presence`."""

    site: str
    key: SigningKey
    counters: Counters
    clock: Clock
    boot_id: str
    store_epoch: Callable[[], str]
    link: Callable[[], Link]

    def __post_init__(self) -> None:
        self.device_id = self.key.verify_key.device_id
        self._topics = Topics(self.site)

    def will(self) -> tuple[str, bytes]:
        """The last will of a session that is about to begin."""
        self.counters.next_session()
        return self._topic("presence"), self._offline()

    def farewell(self) -> tuple[str, bytes, bool]:
        """What is said on leaving in good order: (topic, payload, retained)."""
        return self._topic("presence"), self._offline(), True

    def presence(self, nonce: str) -> bool:
        presence = self._presence(online=True, nonce=nonce)
        return self._say("presence", MessageType.PRESENCE, presence, retain=True)

    def status(self, status: Status) -> bool:
        return self._say("status", MessageType.STATUS, status, retain=True)

    def beat(self, beat: Beat) -> bool:
        """A lost one costs nothing: the next comes in a minute."""
        return self._say("beat", MessageType.BEAT, beat, qos=0)

    def reports(self, batch: ReportBatch) -> bool:
        return self._say("report", MessageType.REPORTS, batch)

    def want(self, want: Want) -> bool:
        return self._say("want", MessageType.WANT, want)

    def answer(self, answer: Answer) -> bool:
        return self._say("answer", MessageType.ANSWER, answer)

    def claim(self, code: str, hardware: str) -> bool:
        """Ask to be bound; `code` is what the technician was given, or empty."""
        return self.link().publish(*self.sealed_claim(code, hardware))

    # --- sealed, for a stick ------------------------------------------------------------------

    def sealed_claim(self, code: str, hardware: str) -> tuple[str, bytes]:
        """(topic, envelope), as of all that is sealed here."""
        key = self.key.verify_key
        claim = Claim(
            public_key=key.hex,
            proof=proof(code, key) if code else "",
            hardware=hardware,
            version=program_version(),
        )
        return self._topics.claim(self.device_id), self._sealed(MessageType.CLAIM, claim)

    def sealed_status(self, status: Status) -> tuple[str, bytes]:
        return self._topic("status"), self._sealed(MessageType.STATUS, status)

    def sealed_reports(self, store_epoch: str, reports: Sequence[Report]) -> tuple[str, bytes]:
        batch = ReportBatch(store_epoch, tuple(reports))
        return self._topic("report"), self._sealed(MessageType.REPORTS, batch)

    def sealed_answer(self, answer: Answer) -> tuple[str, bytes]:
        return self._topic("answer"), self._sealed(MessageType.ANSWER, answer)

    def _say(
        self, channel: str, type_: MessageType, message: Any, *, retain: bool = False, qos: int = 1
    ) -> bool:
        link = self.link()
        if not link.connected:
            return False
        payload = self._sealed(type_, message)
        return link.publish(self._topic(channel), payload, qos=qos, retain=retain)

    def _topic(self, channel: str) -> str:
        return self._topics.from_device(self.device_id, channel)

    def _offline(self) -> bytes:
        return self._sealed(MessageType.PRESENCE, self._presence(online=False, nonce=""))

    def _presence(self, *, online: bool, nonce: str) -> Presence:
        return Presence(
            online=online,
            boot_id=self.boot_id,
            session=self.counters.session,
            nonce=nonce,
            version=program_version(),
            store_epoch=self.store_epoch(),
        )

    def _sealed(self, type_: MessageType, message: Any) -> bytes:
        now = self.clock.now()
        seq = self.counters.next_seq()
        heading = Heading(self.site, "site", self.device_id, seq, now, now + _MESSAGE_LIFE)
        return seal(type_, heading, message, [self.key])


@cache
def program_version() -> str:
    try:
        return version("loalang")
    except PackageNotFoundError:
        return "0"
