"""The agent's hand on the listener: one short-lived process per airing, where a microphone is set.

Gathers what each window told and sums it up for the report. NumPy lives in that process alone.
"""

import json
import logging
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import IO, Any

from device.airing import RATE, Heard
from device.identity import Counters
from device.loop import Loop

log = logging.getLogger(__name__)

_WINDOW_MS = 4000
_SHORTEST_MS = 6000  # a shorter sound has no whole window
_REAP_S = 0.5
_DEAF_AIRINGS = 3  # unheard in a row: perhaps the microphone was moved, so its delay is forgotten


@dataclass
class _Session:
    """One airing: the windows told so far."""

    windows: list[dict[str, Any]] = field(default_factory=list)
    child: subprocess.Popen[bytes] | None = None
    unread: bytes = b""


class Listener:
    """`source`: `alsa:DEVICE`, `file:PATH` (raw 16 kHz), or empty: there is no microphone."""

    def __init__(
        self,
        loop: Loop,
        source: str,
        counters: Counters,
        command: Sequence[str] = (sys.executable, "-m", "device.ears"),
    ) -> None:
        self._command = command
        self._loop = loop
        self._source = source
        self._counters = counters
        self._sessions: dict[str, _Session] = {}
        self._children: dict[subprocess.Popen[bytes], IO[bytes]] = {}
        self._ending: set[subprocess.Popen[bytes]] = set()
        self.problem = ""  # of the microphone itself
        self.not_heard = False  # the last airing that played was not

    def begin(
        self, airing_id: str, sounds: list[dict[str, Any]], start: float, length_ms: int
    ) -> None:
        """Listen from now on. `start`: monotonic seconds of the programme's first frame."""
        if not self._source or length_ms < _SHORTEST_MS:
            return
        job = {
            "source": self._source,
            "sounds": sounds,
            "start": start,
            "end": start + length_ms / 1000,
            "delay_s": self._counters.extra.get("mic_delay_s"),
        }
        session = self._sessions.setdefault(airing_id, _Session())
        self._end_child(session)
        try:
            child = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
            )
        except OSError as error:
            self.problem = str(error)
            return
        assert child.stdin is not None
        assert child.stdout is not None
        session.child = child
        try:
            child.stdin.write(json.dumps(job).encode() + b"\n")
        except OSError as error:
            self.problem = str(error)
        output = child.stdout
        self._children[child] = output
        self._loop.watch(output, lambda: self._read(session, child, output))

    def end(self, airing_id: str) -> None:
        """The sound is over: what is complete is still judged."""
        session = self._sessions.get(airing_id)
        if session:
            self._end_child(session)

    def heard(self, airing_id: str, *, played: bool) -> Heard | None:
        """The sum, once: None without a microphone, or when it could tell nothing."""
        session = self._sessions.pop(airing_id, None)
        if session is None:
            return None
        self._end_child(session)
        spoken = [window for window in session.windows if window["spoken"]]
        if not spoken:
            return None
        self.problem = ""
        good = [w for w, counts in zip(spoken, _smooth(spoken), strict=True) if counts]
        if played:
            self._judge(good)
        delay_ms = round(1000 * median(w["delay_s"] for w in good), 1) if good else None
        level_db = round(median(w["level_db"] for w in (good or spoken)), 1)
        return Heard(len(good) * _WINDOW_MS, level_db, delay_ms)

    def stop(self) -> None:
        for child, output in list(self._children.items()):
            child.kill()
            self._over(child, output)
        for child in self._ending:
            child.kill()
            child.wait()

    @property
    def listening(self) -> bool:
        """Whether a process of ours is still there."""
        return bool(self._children or self._ending)

    def _judge(self, good: list[dict[str, Any]]) -> None:
        self.not_heard = not good
        extra = self._counters.extra
        if good:
            extra["mic_delay_s"] = round(median(w["delay_s"] for w in good), 4)
            extra["mic_deaf"] = 0
        else:
            extra["mic_deaf"] = int(extra.get("mic_deaf", 0)) + 1
            if extra["mic_deaf"] >= _DEAF_AIRINGS:
                extra.pop("mic_delay_s", None)

    def _read(self, session: _Session, child: subprocess.Popen[bytes], output: IO[bytes]) -> None:
        raw = output.read(65536)
        if not raw:
            self._over(child, output)
            self._reap(child)
            return
        *lines, session.unread = (session.unread + raw).split(b"\n")
        for line in lines:
            told = json.loads(line)
            if "error" in told:
                self.problem = str(told["error"])
                log.error("microphone: %s", self.problem)
            else:
                session.windows.append(told)

    def _end_child(self, session: _Session) -> None:
        if session.child and session.child.stdin and not session.child.stdin.closed:
            session.child.stdin.close()

    def _over(self, child: subprocess.Popen[bytes], output: IO[bytes]) -> None:
        self._children.pop(child, None)
        self._ending.add(child)
        self._loop.unwatch(output)
        output.close()
        if child.stdin and not child.stdin.closed:
            child.stdin.close()

    def _reap(self, child: subprocess.Popen[bytes]) -> None:
        if child.poll() is None:
            self._loop.call_later(_REAP_S, lambda: self._reap(child))
        else:
            self._ending.discard(child)


def programme_start(first_frame: float, skipped_frames: int) -> float:
    """When the programme began, or would have: a late join has skipped its beginning."""
    return first_frame - skipped_frames / RATE


def _smooth(windows: list[dict[str, Any]]) -> list[bool]:
    """Two of three neighbours decide: one chance peak is no hearing, and one gap no miss."""
    heard = [bool(window["heard"]) for window in windows]
    if len(heard) < 3:
        return [all(heard)] * len(heard)
    padded = [False, *heard, False]
    return [sum(padded[n : n + 3]) >= 2 for n in range(len(heard))]
