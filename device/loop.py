"""The one loop of a process: sockets, pipes and timers on one selector, in one thread.

Many agents can share a loop. A callback that raises is reported and the others go on: this is one
of the two places where everything is caught.
"""

import heapq
import itertools
import logging
import os
import selectors
import time
from collections import deque
from collections.abc import Callable
from typing import Any

log = logging.getLogger(__name__)

Callback = Callable[[], None]


class Timer:
    """A call due at `at` (monotonic seconds); `cancel` it any time."""

    __slots__ = ("at", "cancelled", "run")

    def __init__(self, at: float, run: Callback) -> None:
        self.at = at
        self.run = run
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Loop:
    """Readiness callbacks and timers; `run` until `stop`."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.monotonic = monotonic
        self.failures = 0
        self._selector = selectors.DefaultSelector()
        self._timers: list[tuple[float, int, Timer]] = []
        self._order = itertools.count()
        self._from_threads: deque[Callback] = deque()
        self._stopping = False
        self._wake_out, self._wake_in = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self.watch(self._wake_out, self._drain_wakes)

    def call_later(self, delay_s: float, run: Callback) -> Timer:
        return self.call_at(self.monotonic() + delay_s, run)

    def call_at(self, at: float, run: Callback) -> Timer:
        timer = Timer(at, run)
        heapq.heappush(self._timers, (at, next(self._order), timer))
        return timer

    def call_from_thread(self, run: Callback) -> None:
        """Have `run` called by the loop; the only method other threads and signals may use."""
        self._from_threads.append(run)
        try:
            os.write(self._wake_in, b"x")
        except (BlockingIOError, OSError):
            return  # the pipe is full of wakes, or the loop is closed

    def watch(self, file: Any, on_read: Callback | None, on_write: Callback | None = None) -> None:
        """Call back when `file` can be read or written; replaces what was watched for it."""
        events = selectors.EVENT_READ if on_read else 0
        events |= selectors.EVENT_WRITE if on_write else 0
        try:
            self._selector.modify(file, events, (on_read, on_write))
        except KeyError:
            self._selector.register(file, events, (on_read, on_write))

    def unwatch(self, file: Any) -> None:
        try:
            self._selector.unregister(file)
        except (KeyError, ValueError):
            return  # closed, or never watched

    def stop(self) -> None:
        self._stopping = True

    def run(self, each_turn: Callback | None = None) -> None:
        """Until `stop`; `each_turn` is called after every turn (the watchdog is fed there)."""
        self._stopping = False
        while not self._stopping:
            self.turn()
            if each_turn:
                each_turn()

    def turn(self, longest_s: float = 5.0) -> None:
        """Wait for what comes next, at most `longest_s`, and do it."""
        for key, mask in self._selector.select(self._wait_s(longest_s)):
            on_read, on_write = key.data
            if on_write and mask & selectors.EVENT_WRITE:
                self._guarded(on_write)
            if on_read and mask & selectors.EVENT_READ:
                self._guarded(on_read)
            # Between any two: hundreds of agents on one loop must not make each other late.
            self._run_due()
        self._run_due()

    def close(self) -> None:
        self._selector.close()
        os.close(self._wake_out)
        os.close(self._wake_in)

    def _run_due(self) -> None:
        now = self.monotonic()
        while self._timers and self._timers[0][0] <= now:
            timer = heapq.heappop(self._timers)[2]
            if not timer.cancelled:
                self._guarded(timer.run)

    def _wait_s(self, longest_s: float) -> float:
        while self._timers and self._timers[0][2].cancelled:
            heapq.heappop(self._timers)
        if not self._timers:
            return longest_s
        return min(max(self._timers[0][0] - self.monotonic(), 0.0), longest_s)

    def _drain_wakes(self) -> None:
        os.read(self._wake_out, 4096)
        while self._from_threads:
            self._guarded(self._from_threads.popleft())

    def _guarded(self, run: Callback) -> None:
        try:
            run()
        except Exception:  # one bad message or device must not silence the rest
            self.failures += 1
            log.exception("a task of the node failed; the others go on")
