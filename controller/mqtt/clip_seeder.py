"""Blobs (clips and day pages) on the broker: each chunk published once, retained, for all nodes.

`plan` says which blobs some node still needs, most urgent first: their chunks are published, and
those of blobs nobody needs any more are cleared. A node that waits in vain sends its bitmap
(`want`), which is how a broker that forgot is filled again; what was published a moment ago is not
published for every node that asks. A node whose broker passes chunks on and keeps none says so;
it gets them on its own topic, a window at a time. A ledger on disk names the blobs that stand on
the broker, so a restarted service knows what to clear.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import BinaryIO, Protocol

from controller.mqtt.errors import LinkDown
from controller.mqtt.pace import TokenBucket
from protocol.chunks import Bitmap, address, chunk_bytes, chunk_count, chunk_span
from protocol.errors import Malformed
from protocol.messages import Want
from protocol.topics import Topics

_log = logging.getLogger(__name__)

CHUNK_EXPIRY_S = 3 * 24 * 3600
_REFRESH_S = CHUNK_EXPIRY_S / 2  # said again before the broker may drop it
_SAME_WANT_S = 10.0  # nodes that miss the same chunk are served by one publish
_LINGER_S = 15 * 60.0  # a blob asked for stays this long, whatever the plan says
_ACTIVE_BYTES = 150_000_000  # what the broker keeps in memory for us
_RATE_BYTES_S = 16e6
_BURST_BYTES = 8e6
_RETRY_S = 0.5
_PRIVATE_ROOM_BYTES = 64 * 1024  # at a time, so that a stop never waits behind more
_PRIVATE_EXPIRY_S = 60
_STANDS_AFTER_S = 5.0


@dataclass(frozen=True, slots=True)
class Blob:
    """Content by hash and size."""

    sha256: str
    bytes: int


class Publish(Protocol):
    """How a chunk reaches the broker; `link.Link.publish` is one. Raises LinkDown."""

    def __call__(
        self, topic: str, payload: bytes, *, retain: bool, expires_in_s: int | None
    ) -> None: ...


class Ledger(Protocol):
    """Remembers over restarts which blobs stand on the broker: sha256 → bytes."""

    def read(self) -> dict[str, int]: ...

    def note(self, added: Mapping[str, int], gone: Collection[str] = ()) -> None: ...


@dataclass(slots=True)
class _Active:
    """A blob on the broker: when each of its chunks was published, and when it was asked for."""

    bytes: int
    published_s: dict[int, float] = field(default_factory=dict)
    asked_s: float = float("-inf")

    def due(self, now_s: float) -> Iterator[int]:
        """Chunks not there, or there for so long that the broker may drop them."""
        for index in range(chunk_count(self.bytes)):
            if now_s - self.published_s.get(index, float("-inf")) > _REFRESH_S:
                yield index


class ClipSeeder:
    """Keeps the broker's chunks as the plan wants them; `step` does one thing.

    `find` opens a blob's content, None when it is not held. `monotonic` is in seconds.
    """

    def __init__(
        self,
        publish: Publish,
        topics: Topics,
        find: Callable[[str], BinaryIO | None],
        ledger: Ledger,
        monotonic: Callable[[], float],
    ) -> None:
        self._publish = publish
        self._topics = topics
        self._find = find
        self._ledger = ledger
        self._monotonic = monotonic
        self._bucket = TokenBucket(_RATE_BYTES_S, _BURST_BYTES, monotonic())
        self._lock = threading.Lock()
        self._news = threading.Condition(self._lock)
        self._active = {sha256: _Active(size) for sha256, size in ledger.read().items()}
        self._active_bytes = sum(active.bytes for active in self._active.values())
        self._unwritten: dict[str, int] = {}  # the ledger does not have them yet
        self._clearing: dict[str, int] = {}
        self._planned: deque[tuple[str, int]] = deque()
        self._asked: dict[tuple[str, int], None] = {}  # ordered, each chunk once
        self._private: dict[_Task, None] = {}  # ordered; for one device each
        self._to_clear: deque[tuple[str, int]] = deque()

    def plan(self, blobs: Sequence[Blob]) -> None:
        """What should stand on the broker from now on, most urgent first."""
        now_s = self._monotonic()
        with self._news:
            wanted = dict(_within_budget(blobs))
            for sha256, size in wanted.items():
                self._activate(sha256, size)
            for sha256 in [s for s in self._active if s not in wanted]:
                if now_s - self._active[sha256].asked_s > _LINGER_S:
                    self._drop(sha256)
            self._planned = deque(
                (sha256, index) for sha256 in wanted for index in self._active[sha256].due(now_s)
            )
            self._remember()
            self._news.notify_all()

    def add(self, soon: Iterable[Blob], later: Iterable[Blob] = ()) -> None:
        """What is needed beside the last plan: at once, and when all else has been published.

        Costs by these blobs only. What has no room waits for the next plan.
        """
        with self._news:
            first = self._fresh(soon, within_budget=False)
            self._planned.extendleft(reversed(first))
            self._planned.extend(self._fresh(later, within_budget=True))
            self._remember()
            self._news.notify_all()

    def want(self, sha256: str, size_bytes: int, have: str) -> bool:
        """A node lacks chunks of a blob; `have` is its bitmap. False: we do not hold it either.

        Raises Malformed.
        """
        bitmap = Bitmap.from_text(chunk_count(size_bytes), have)
        if not self._holds(sha256, size_bytes):
            return False
        now_s = self._monotonic()
        with self._news:
            active = self._activate(sha256, size_bytes)
            active.asked_s = now_s
            for index in bitmap.missing():
                if now_s - active.published_s.get(index, float("-inf")) > _SAME_WANT_S:
                    self._asked[sha256, index] = None
            self._remember()
            self._news.notify_all()
        return True

    def asked_by(self, device_id: str, want: Want) -> bool:
        """What a device lacks; with `room`, and when the broker had its time, on its own topic.

        False: we do not hold it. Raises Malformed.
        """
        if want.room > 0 and self._should_stand(want):
            return self.send(device_id, want.sha256, want.bytes, want.have, want.room)
        return self.want(want.sha256, want.bytes, want.have)

    def send(self, device_id: str, sha256: str, size_bytes: int, have: str, room: int) -> bool:
        """Send a device, on its own topic, the first chunks it lacks, `room` bytes at most.

        For one whose broker forgets: `want` in vain. False: we do not hold it. Raises Malformed.
        """
        bitmap = Bitmap.from_text(chunk_count(size_bytes), have)
        if not self._holds(sha256, size_bytes):
            return False
        fit = max(min(room, _PRIVATE_ROOM_BYTES) // chunk_bytes(size_bytes), 1)
        with self._news:
            for index in islice(bitmap.missing(), fit):
                self._private[_Task(sha256, index, size_bytes, device_id=device_id)] = None
            self._news.notify_all()
        return True

    def _should_stand(self, want: Want) -> bool:
        """Whether the broker was given what the device lacks, long enough ago to have it."""
        missing = Bitmap.from_text(chunk_count(want.bytes), want.have).missing()
        before_s = self._monotonic() - _STANDS_AFTER_S
        with self._lock:
            active = self._active.get(want.sha256)
            said = active.published_s if active else {}
            return all(said.get(index, before_s + 1) <= before_s for index in islice(missing, 4))

    def offer(self, blobs: Mapping[str, int]) -> None:
        """Put blobs (sha256 → bytes) on the broker before all others: an emergency needs them."""
        for sha256, size in blobs.items():
            if not self.want(sha256, size, Bitmap(chunk_count(size)).to_text()):
                _log.error("%s is needed at once and not held here", sha256)

    def forget(self) -> None:
        """The broker may have lost everything: publish all that is active again."""
        now_s = self._monotonic()
        with self._news:
            for active in self._active.values():
                active.published_s.clear()
            self._planned = deque(
                (sha256, index) for sha256, a in self._active.items() for index in a.due(now_s)
            )
            self._news.notify_all()

    def active_bytes(self) -> int:
        """How much stands on the broker, or is about to."""
        with self._lock:
            return self._active_bytes

    def wait(self, timeout_s: float) -> None:
        """Until there may be something to do, or `timeout_s` has passed."""
        with self._news:
            if not (self._asked or self._private or self._planned or self._to_clear):
                self._news.wait(timeout_s)

    def wake(self) -> None:
        """End a `wait`, for stopping."""
        with self._news:
            self._news.notify_all()

    def step(self) -> float | None:
        """Publish or clear one chunk. Returns the seconds to pause; None: nothing to do."""
        now_s = self._monotonic()
        with self._lock:
            task = self._next()
            if task is None:
                return None
            wait_s = self._bucket.wait_s(task.length, now_s)
            if wait_s:
                return wait_s
        try:
            self._say(task)
        except LinkDown:
            return _RETRY_S
        with self._lock:
            self._bucket.take(task.length, now_s)
            self._done(task, now_s)
        return 0.0

    # --- within, lock held -------------------------------------------------------------------

    def _next(self) -> "_Task | None":
        """What a node waits for goes before what is planned, and that before clearing."""
        if self._asked:
            sha256, index = next(iter(self._asked))
            return _Task(sha256, index, self._active[sha256].bytes)
        if self._private:
            return next(iter(self._private))
        if self._planned:
            sha256, index = self._planned[0]
            return _Task(sha256, index, self._active[sha256].bytes)
        if self._to_clear:
            sha256, index = self._to_clear[0]
            return _Task(sha256, index, self._clearing[sha256], clears=True)
        return None

    def _done(self, task: "_Task", now_s: float) -> None:
        key = (task.sha256, task.index)
        if task.device_id:
            self._private.pop(task, None)
            return
        if task.clears:
            if self._to_clear and self._to_clear[0] == key:
                self._to_clear.popleft()
            # A blob's chunks stand in a row there.
            if not self._to_clear or self._to_clear[0][0] != task.sha256:
                self._clearing.pop(task.sha256, None)
                self._ledger.note({}, [task.sha256])
            return
        self._asked.pop(key, None)
        if self._planned and self._planned[0] == key:
            self._planned.popleft()
        if task.sha256 in self._active:
            self._active[task.sha256].published_s[task.index] = now_s

    def _fresh(self, blobs: Iterable[Blob], *, within_budget: bool) -> list[tuple[str, int]]:
        """The chunks of those that are not there yet, now active."""
        found = []
        for blob in blobs:
            fits = not within_budget or self._active_bytes + blob.bytes <= _ACTIVE_BYTES
            if fits and blob.sha256 not in self._active:
                self._activate(blob.sha256, blob.bytes)
                found += [(blob.sha256, index) for index in range(chunk_count(blob.bytes))]
        return found

    def _activate(self, sha256: str, size_bytes: int) -> _Active:
        active = self._active.get(sha256)
        if active is None:
            active = self._active[sha256] = _Active(size_bytes)
            self._active_bytes += size_bytes
            if self._clearing.pop(sha256, None):
                self._to_clear = deque(chunk for chunk in self._to_clear if chunk[0] != sha256)
            else:
                self._unwritten[sha256] = size_bytes
        return active

    def _drop(self, sha256: str) -> None:
        size = self._active.pop(sha256).bytes
        self._active_bytes -= size
        self._clearing[sha256] = size
        self._asked = {key: None for key in self._asked if key[0] != sha256}
        self._to_clear += ((sha256, index) for index in range(chunk_count(size)))

    def _remember(self) -> None:
        if self._unwritten:
            self._ledger.note(self._unwritten)
            self._unwritten = {}

    # --- without the lock --------------------------------------------------------------------

    def _say(self, task: "_Task") -> None:
        topic = self._topics.chunk(task.sha256, task.index)
        if task.clears:
            self._publish(topic, b"", retain=True, expires_in_s=None)
            return
        content = self._find(task.sha256)
        if content is None:
            _log.error("%s is no longer held here and cannot be delivered", task.sha256)
            return
        with content:
            content.seek(task.offset)
            payload = content.read(task.length)
        if task.device_id:
            topic = self._topics.to_device(task.device_id, "chunk")
            payload = address(task.sha256, task.index, payload)
            self._publish(topic, payload, retain=False, expires_in_s=_PRIVATE_EXPIRY_S)
            return
        self._publish(topic, payload, retain=True, expires_in_s=CHUNK_EXPIRY_S)

    def _holds(self, sha256: str, size_bytes: int) -> bool:
        try:
            content = self._find(sha256)
        except ValueError as error:
            raise Malformed(str(error)) from error
        if content is None:
            return False
        with content:
            return content.seek(0, 2) == size_bytes


@dataclass(frozen=True, slots=True)
class _Task:
    """One chunk to publish, to send to one device, or to clear with an empty message."""

    sha256: str
    index: int
    blob_bytes: int
    clears: bool = False
    device_id: str = ""

    @property
    def offset(self) -> int:
        return chunk_span(self.blob_bytes, self.index)[0]

    @property
    def length(self) -> int:
        return 0 if self.clears else chunk_span(self.blob_bytes, self.index)[1]


def _within_budget(blobs: Iterable[Blob]) -> Iterator[tuple[str, int]]:
    total = 0
    for blob in blobs:
        total += blob.bytes
        if total > _ACTIVE_BYTES:
            _log.warning("more is wanted than the broker should keep; the rest waits")
            return
        yield blob.sha256, blob.bytes
