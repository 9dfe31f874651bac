"""Pulls blobs: a window of chunk subscriptions, the most urgent blob first, at the node's pace.

The window grows while rounds are quick and shrinks when they are slow, so that an urgent command
never waits behind more than a few chunks. Chunks the broker does not have are asked for with a
bitmap (`Want`), again and again with growing patience. From a broker that seems to keep none they
come window by window on the node's own topic, as soon as the controller agrees.
"""

import logging
import random
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import Protocol

from device.blobs import BlobStore, Download
from device.durable import is_full
from device.loop import Loop, Timer
from protocol.chunks import SMALLEST_CHUNK, Bitmap, addressed, chunk_bytes
from protocol.errors import Malformed
from protocol.messages import Want
from protocol.topics import Topics

log = logging.getLogger(__name__)

_NARROWEST = 2
_WIDEST = 4  # what is on its way when the line breaks is lost: 64 KiB at most
_QUICK_ROUND_S = 0.5
_SLOW_ROUND_S = 4.0
_FIRST_PATIENCE_S = 2.0
_LONGEST_PATIENCE_S = 60.0
_LONGEST_DAMAGED_S = 600.0  # a broker that damages everything is not to eat up the line
_SLOWEST_LINE_S = 15.0  # for a window
_SAVE_S = 1.0
_FORGOTTEN = 3  # times asked in vain, until the node's own topic is worth a try
_AT_ONCE = (0.0, 0.0)
_DISK_PATIENCE_S = 5.0  # before a disk that refused is asked again; doubles
_LONGEST_DISK_PATIENCE_S = 60.0


class Subscriptions(Protocol):
    """What the fetcher needs of the link."""

    @property
    def connected(self) -> bool: ...

    def want(self, topics: Iterable[str], qos: int = 1) -> None: ...

    def unwant(self, topics: Iterable[str]) -> None: ...


@dataclass
class _Goal:
    """A blob to hold. `patience_s` grows with each `Want`; `rest_until` lets others pass.

    `not_before`: what is needed only days from now waits its turn in the fleet.
    """

    sha256: str
    size_bytes: int
    download: Download | None = None
    patience_s: float = _FIRST_PATIENCE_S
    rest_until: float = 0.0
    not_before: float = 0.0
    forgotten: int = 0  # how often in a row the broker did not have it
    damaged: int = 0  # how often it was whole and not what its name says
    dead: str = ""  # why it is given up until the disk or the list changes
    arrived: int = field(default=0)

    @property
    def idle_until(self) -> float:
        return max(self.rest_until, self.not_before)


class Fetcher:
    """`on_whole(sha256)` when a blob has become visible; `ask(want)` publishes."""

    def __init__(
        self,
        loop: Loop,
        topics: Topics,
        store: BlobStore,
        link: Subscriptions,
        *,
        ask: Callable[[Want], bool],
        on_whole: Callable[[str], None],
        jitter: random.Random | None = None,
    ) -> None:
        self._loop = loop
        self._topics = topics
        self._store = store
        self._link = link
        self._ask = ask
        self._on_whole = on_whole
        self._jitter = jitter or random.Random()
        self._goals: dict[str, _Goal] = {}  # in order of urgency
        self._window: dict[str, tuple[_Goal, int]] = {}  # topic → chunk expected on it
        self._helped = False  # this round was asked for
        self._forgetful = False  # the broker: what came last came on our own topic
        self._asked: list[str] = []  # the topics of this round, to leave again
        self._since: dict[str, float] = {}  # topic → since when its chunk has been waited for
        self._patience_s = _FIRST_PATIENCE_S  # as the line needs it
        self._width = _NARROWEST
        self._round_began = 0.0
        self._timeout: Timer | None = None
        self._save: Timer | None = None
        self._disk_patience_s = _DISK_PATIENCE_S
        self._disk: Timer | None = None
        self.full = False  # room must be made
        self.refusal: OSError | None = None  # what the disk said last, until it takes a blob again

    def aim(
        self,
        wanted: Iterable[tuple[str, int]],
        later: Collection[str] = frozenset(),
        wait_s: tuple[float, float] = _AT_ONCE,
    ) -> None:
        """Replace the list of (sha256, bytes) to hold, most urgent first.

        Those in `later` are begun at an instant drawn by lot, in seconds from now, so that a fleet
        that hears of a clip in one moment does not fetch it in one moment.
        """
        goals: dict[str, _Goal] = {}
        for sha256, size in wanted:
            if size > 0 and sha256 not in goals and not self._store.holds(sha256):
                goals[sha256] = self._goals.get(sha256) or self._new_goal(sha256, size, wait_s)
                if sha256 not in later:
                    goals[sha256].not_before = 0.0
        for sha256, goal in self._goals.items():
            if sha256 not in goals and goal.download:
                goal.download.close()
        self._goals = goals
        if not goals:
            self._since.clear()
        self._window = {t: each for t, each in self._window.items() if each[0].sha256 in goals}
        if not self._window or self._is_overtaken():
            self._leave_round()
        self._next_round()

    def _new_goal(self, sha256: str, size_bytes: int, wait_s: tuple[float, float]) -> _Goal:
        not_before = self._loop.monotonic() + self._jitter.uniform(*wait_s)
        return _Goal(sha256, size_bytes, patience_s=self._patience_s, not_before=not_before)

    def _is_overtaken(self) -> bool:
        """Something more urgent has come than what this round waits for."""
        now = self._loop.monotonic()
        able = (g for g in self._goals.values() if not g.dead and g.idle_until <= now)
        first = next(able, None)
        return first is not None and first not in [goal for goal, _ in self._window.values()]

    def connected(self) -> None:
        """The link is back: patience starts anew, the round is asked for again."""
        for goal in self._goals.values():
            goal.patience_s = self._patience_s = _FIRST_PATIENCE_S
            goal.rest_until = 0.0
            goal.forgotten = 0
        self._forgetful = False
        self._since.clear()
        self._leave_round()
        self._next_round()

    def lost(self) -> None:
        self._leave_round()
        self._save_maps()

    def progress(self) -> dict[str, int]:
        """sha256 → percent of every blob under way."""
        return {
            goal.sha256: _percent(goal.download.bitmap)
            for goal in self._goals.values()
            if goal.download
        }

    def take(self, topic: str, chunk: bytes, *, own: bool = False) -> None:
        """A chunk that arrived, `own` on our own topic; those nobody waits for are ignored."""
        expected = self._window.get(topic) or self._late(topic)
        if expected is None or not chunk:
            return
        goal, index = expected
        try:
            if goal.download is None or not goal.download.write(index, chunk):
                return  # a stranger's bytes; the wait for ours goes on
        except OSError as error:
            self._disk_refused(goal, error)
            return
        self._window.pop(topic, None)
        if own:
            self._forgetful = True
        elif not self._helped:
            self._forgetful, goal.forgotten = False, 0
        self._learn(topic)
        goal.patience_s = self._patience_s
        self._keep_maps()
        if not self._window:
            self._end_round()
        if goal.download.bitmap.complete:
            self._complete(goal)
        self._next_round()

    def take_private(self, payload: bytes) -> None:
        """A chunk on the node's own topic: the blob's name, the number, the bytes."""
        try:
            name, index, chunk = addressed(payload)
        except Malformed:
            return
        for goal in self._goals.values():
            if goal.sha256.startswith(name):
                self.take(self._topics.chunk(goal.sha256, index), chunk, own=True)
                return

    def _is_private(self, goal: _Goal) -> bool:
        return self._forgetful or goal.forgotten >= _FORGOTTEN

    def _late(self, topic: str) -> tuple[_Goal, int] | None:
        """A chunk of a round that was given up: on a slow line it was on its way all the time."""
        for goal in self._goals.values():
            if goal.download:
                for index in goal.download.bitmap.missing():
                    if topic == self._topics.chunk(goal.sha256, index):
                        return goal, index
        return None

    def _learn(self, topic: str) -> None:
        """A round is given up only after longer than a chunk takes on this line."""
        now = self._loop.monotonic()
        took_s = now - self._since.pop(topic, now)
        needed_s = max(2.0 * took_s, 0.7 * self._patience_s, _FIRST_PATIENCE_S)
        self._patience_s = min(needed_s, _SLOWEST_LINE_S)

    def retry_disk(self) -> None:
        """Room was made, or some time has passed: take up again what the disk refused."""
        if self._disk:
            self._disk.cancel()
            self._disk = None
        self.full = False
        for goal in self._goals.values():
            goal.dead = ""
        self._next_round()

    # --- rounds -------------------------------------------------------------------------------

    def _next_round(self) -> None:
        if self._window or not self._link.connected:
            return
        now = self._loop.monotonic()
        for goal, index in self._most_urgent(now):
            self._window[self._topics.chunk(goal.sha256, index)] = (goal, index)
        self._round_began = now
        self._asked = list(self._window)
        for topic in self._asked:
            self._since.setdefault(topic, now)
        if self._window:
            # QoS 0: the bitmap is the acknowledgement, and a broker must not send again by itself.
            self._link.want(self._asked, qos=0)
            self._ask_for(g for g, _ in self._window.values() if self._is_private(g))
            patience = max(goal.patience_s for goal, _ in self._window.values())
            self._set_timeout(patience)
        elif resting := [g.idle_until for g in self._goals.values() if not g.dead]:
            self._set_timeout(max(min(resting) - now, 0.1))

    def _most_urgent(self, now: float) -> Iterable[tuple[_Goal, int]]:
        room = self._width * SMALLEST_CHUNK
        for goal in list(self._goals.values()):
            if goal.dead or goal.idle_until > now:
                continue
            if goal.download is None and not self._begin(goal):
                continue
            assert goal.download is not None
            for index in goal.download.bitmap.missing():
                if room <= 0:
                    return
                room -= chunk_bytes(goal.size_bytes)
                yield goal, index

    def _begin(self, goal: _Goal) -> bool:
        try:
            goal.download = self._store.begin(goal.sha256, goal.size_bytes)
        except Malformed as error:
            goal.dead = str(error)
            return False
        except OSError as error:
            self._disk_refused(goal, error)
            return False
        if goal.download.bitmap.complete:  # the last chunk came just before a power cut
            self._complete(goal)
            return False
        return True

    def _end_round(self) -> None:
        took = self._loop.monotonic() - self._round_began
        self._helped = False
        if took < _QUICK_ROUND_S:
            self._width = min(self._width * 2, _WIDEST)
        elif took > _SLOW_ROUND_S:
            self._width = max(self._width // 2, _NARROWEST)
        self._leave_round()

    def _leave_round(self) -> None:
        if self._timeout:
            self._timeout.cancel()
        self._window.clear()
        if self._asked:
            self._link.unwant(self._asked)
            self._asked = []

    def _set_timeout(self, seconds: float) -> None:
        if self._timeout:
            self._timeout.cancel()
        self._timeout = self._loop.call_later(
            seconds * self._jitter.uniform(1.0, 1.3), self._timed_out
        )

    def _timed_out(self) -> None:
        """What is missing is not on the broker: ask the controller, and let others pass."""
        self._width = max(self._width // 2, _NARROWEST)
        now = self._loop.monotonic()
        lacking = {goal.sha256: goal for goal, _ in self._window.values() if goal.download}
        self._ask_for(goal for goal in lacking.values() if not self._is_private(goal))
        for goal in lacking.values():
            goal.forgotten += 1
            goal.patience_s = min(goal.patience_s * 2, _LONGEST_PATIENCE_S)
            if goal.forgotten == _FORGOTTEN:
                goal.patience_s = self._patience_s
            if goal.patience_s > self._patience_s * 4:
                goal.rest_until = now + goal.patience_s
        self._leave_round()
        self._helped = bool(lacking)
        self._next_round()

    def _ask_for(self, goals: Iterable[_Goal]) -> None:
        room = self._width * SMALLEST_CHUNK
        for goal in {goal.sha256: goal for goal in goals}.values():
            if goal.download:
                have = goal.download.bitmap.to_text()
                self._ask(
                    Want(goal.sha256, goal.size_bytes, have, room if self._is_private(goal) else 0)
                )

    def _complete(self, goal: _Goal) -> None:
        assert goal.download is not None
        try:
            if not goal.download.finish():
                self._start_over(goal)
                return
        except OSError as error:
            self._disk_refused(goal, error)
            return
        self._goals.pop(goal.sha256, None)
        self.refusal, self._disk_patience_s = None, _DISK_PATIENCE_S
        self._on_whole(goal.sha256)

    def _start_over(self, goal: _Goal) -> None:
        """What the broker keeps may be damaged: have it published anew, and leave time for it."""
        goal.damaged += 1
        self._ask_for([goal])
        patience_s = _FIRST_PATIENCE_S * 2 ** min(goal.damaged - 1, 10)
        rest_s = min(patience_s, _LONGEST_DAMAGED_S) * self._jitter.uniform(1.0, 1.3)
        goal.rest_until = self._loop.monotonic() + rest_s

    def _disk_refused(self, goal: _Goal, error: OSError) -> None:
        log.error("blob %s cannot be written: %s", goal.sha256[:12], error)
        goal.dead = str(error)
        if goal.download:  # what was not synced is not to be believed
            goal.download.close()
            goal.download = None
        self.refusal = error
        self.full = is_full(error)
        if self._disk is None:
            self._disk = self._loop.call_later(self._disk_patience_s, self.retry_disk)
            self._disk_patience_s = min(self._disk_patience_s * 2, _LONGEST_DISK_PATIENCE_S)
        self._window = {t: e for t, e in self._window.items() if e[0] is not goal}

    # --- bitmaps ------------------------------------------------------------------------------

    def _keep_maps(self) -> None:
        if self._save is None:
            self._save = self._loop.call_later(_SAVE_S, self._save_maps)

    def _save_maps(self) -> None:
        if self._save:
            self._save.cancel()
            self._save = None
        for goal in self._goals.values():
            if goal.download:
                try:
                    goal.download.save()
                except OSError as error:
                    self._disk_refused(goal, error)


def _percent(bitmap: Bitmap) -> int:
    return 100 * sum(index in bitmap for index in range(bitmap.count)) // bitmap.count
