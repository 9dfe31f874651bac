"""A USB stick in place of the link: takes documents and clips from it, leaves reports and the log.

What is on the stick goes through the same inbox as what comes by MQTT, so the same signatures,
counters and hashes decide. All reading and writing is in one-shot threads, since a bad stick may
hang; everything else happens in the loop. A stick pulled out in the middle costs nothing.
"""

import logging
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from device.outbox import Outbox
from protocol.messages import Answer
from protocol.outcomes import CommandVerb
from protocol.pack import Pack, Said

if TYPE_CHECKING:
    from device.node import Node

log = logging.getLogger(__name__)
T = TypeVar("T")

_LOOK_S = 5.0
_BATCH = 50
_AT_ONCE = 10  # messages; each costs a signature's check
_BREATH_S = 0.02
_MOST_DOCUMENTS = 2000
_LOG_LINES = 300
_LOG_BYTES = 60_000
_MOST_ROUNDS = 6  # pages name clips: what is wanted grows while it is taken


class StickDrive:
    """Looks for sticks; one visit at a time, and one visit a stick until it is pulled out."""

    def __init__(self, node: "Node", places: Iterable[str]) -> None:
        self._node = node
        self._places = [Path(place) for place in places]
        self._known: set[Path] = set()
        self._visit: Visit | None = None

    def start(self) -> None:
        if self._places:
            self._look_again()

    def _look_again(self) -> None:
        self._node.loop.call_later(_LOOK_S, self._look_again)
        self.look()

    @property
    def visiting(self) -> bool:
        return self._visit is not None

    def look(self) -> None:
        """Begin a visit when a stick has come."""
        there = set(_sticks(self._places))
        self._known &= there  # pulled out: it is news when it comes again
        if self._visit is None and not self._node.stage.busy:
            for stick in sorted(there - self._known)[:1]:
                self._known.add(stick)
                self._visit = Visit(self._node, Pack(stick), self._over)
                self._visit.begin()

    def _over(self) -> None:
        self._visit = None


class Visit:
    """One stick, from its documents to our reports; `over` is called once, whatever happens."""

    def __init__(self, node: "Node", pack: Pack, over: Callable[[], None]) -> None:
        self._node = node
        self._pack = pack
        self._over = over
        self._rounds = 0
        self._taken = 0
        self._told = 0
        self._last_seq = 0
        self._ledgers: tuple[Outbox, ...] = (node.outbox,)
        self._tried: set[str] = set()

    def begin(self) -> None:
        log.info("a stick at %s: its documents are read", self._pack.root)
        self._away(self._for_us, self._documents)

    def _for_us(self) -> list[Said]:
        """In the thread: what is said to all, to areas, and to this device."""
        me = self._node.device_id
        said = self._pack.said_down()
        ours = [one for one in said if "/device/" not in one[0] or f"/device/{me}/" in one[0]]
        return ours[:_MOST_DOCUMENTS]

    # --- taking -------------------------------------------------------------------------------

    def _documents(self, said: list[Said]) -> None:
        """Some at a time: a stick full of rubbish must not hold up the loop."""
        some, rest = said[:_AT_ONCE], said[_AT_ONCE:]
        for topic, envelope in some:
            self._node.inbox.message(topic, envelope, True)
        if rest:
            self._node.loop.call_later(_BREATH_S, lambda: self._documents(rest))
        else:
            self._node.replan()
            self._next_blobs()

    def _next_blobs(self) -> None:
        """Copy what is wanted and there; pages may then want more."""
        wanted = self._node.documents.wanted(self._node.clock.now())
        lacking = [
            (sha256, size)
            for sha256, size in wanted
            if sha256 not in self._tried and not self._node.blobs.holds(sha256)
        ]
        self._rounds += 1
        if lacking and self._rounds <= _MOST_ROUNDS:
            self._tried |= {sha256 for sha256, _ in lacking}
            self._away(lambda: self._copy(lacking), self._copied)
        else:
            self._tell()

    def _copy(self, lacking: list[tuple[str, int]]) -> list[tuple[str, int]]:
        """In the thread: what was copied, whole and checked, beside the downloads."""
        there = [(sha256, size) for sha256, size in lacking if self._pack.holds(sha256, size)]
        found = []
        for sha256, size in there:
            try:
                if self._pack.copy_blob(sha256, size, self._node.blobs.stick_part(sha256)):
                    found.append((sha256, size))
                else:
                    log.warning("%s on the stick is not what its name says", sha256[:12])
            except OSError as error:
                log.error("%s cannot be copied: %s", sha256[:12], error)
                break
        return found

    def _copied(self, found: list[tuple[str, int]]) -> None:
        for sha256, size in found:
            try:
                self._node.blobs.adopt(sha256, self._node.blobs.stick_part(sha256), size)
            except OSError as error:
                log.error("%s cannot be kept: %s", sha256[:12], error)
                continue
            self._node.blob_whole(sha256)
            self._taken += 1
        self._node.replan()
        self._next_blobs()

    # --- telling ------------------------------------------------------------------------------

    def _tell(self) -> None:
        """First that we are here and how we are; a device nobody knows asks to be bound."""
        node = self._node
        voice = node.voice
        node.sender.use_memory()
        self._ledgers = node.sender.ledgers
        said = [("status", voice.sealed_status(node.health.status()))]
        if not node.documents.bound:
            claim = voice.sealed_claim(node.settings.claim_code, node.equipment.hardware)
            said.insert(0, ("claim", claim))
        tail = node.equipment.log_tail(_LOG_LINES)[-_LOG_BYTES:]
        said.append(("log", voice.sealed_answer(Answer("", CommandVerb.LOG_TAIL, True, "", tail))))
        self._away(lambda: self._write_first(said), lambda _: self._next_reports())

    def _write_first(self, said: list[tuple[str, Said]]) -> None:
        self._pack.forget_up(self._node.device_id)
        for name, (topic, envelope) in said:
            self._pack.say_up(self._node.device_id, name, topic, envelope)

    def _next_reports(self) -> None:
        """One batch at a time, so that a year of them does not hold up the loop."""
        ledger = self._ledgers[0]
        owed = ledger.owed(_BATCH, after=self._last_seq)
        if not owed and self._ledgers[1:]:
            self._ledgers, self._last_seq = self._ledgers[1:], 0
            return self._next_reports()
        if not owed:
            self._done(f"{self._taken} clips and pages taken, {self._told} reports left")
            return
        self._last_seq = owed[-1].seq
        self._told += len(owed)
        topic, envelope = self._node.voice.sealed_reports(ledger.store_epoch, owed)
        name = f"reports-{ledger.store_epoch[:4]}-{owed[0].seq:010d}"
        device_id = self._node.device_id
        self._away(
            lambda: self._pack.say_up(device_id, name, topic, envelope),
            lambda _: self._next_reports(),
        )

    # --- the thread ---------------------------------------------------------------------------

    def _away(self, work: Callable[[], T], then: Callable[[T], None]) -> None:
        """`work` in a thread, then its result in the loop; a stick that fails ends the visit."""

        def run() -> None:
            try:
                result = work()
            except OSError as error:
                reason = f"the stick failed: {error}"
                self._node.loop.call_from_thread(lambda: self._done(reason))
                return
            self._node.loop.call_from_thread(lambda: then(result))

        try:
            threading.Thread(target=run, name="stick", daemon=True).start()
        except RuntimeError as error:  # no more threads or memory
            self._done(str(error))

    def _done(self, how: str) -> None:
        log.info("stick: %s", how)
        self._node.changed()
        self._over()


def _sticks(places: Iterable[Path]) -> Iterable[Path]:
    """Folders that hold a pack: a place itself, or what is mounted one or two levels below."""
    for place in places:
        for pattern in ("", "*", "*/*"):
            try:
                found = [place] if not pattern else list(place.glob(pattern))
                yield from (folder for folder in found if Pack(folder).there)
            except OSError:
                continue  # unplugged while we looked
