"""The listener's own process, for as long as one airing sounds: microphone in, scores out.

Started by `listener` with one line of JSON on its standard input: `source` (`alsa:DEVICE` or
`file:PATH`, raw 16-bit mono at 16 kHz), `sounds` as the player has them, `start` (monotonic seconds
at which the programme began, or would have), `end`, and `delay_s` (null while unknown). Writes a
line of JSON a window. Only the last seconds are held, in memory; nothing of them is kept anywhere.
"""

import json
import os
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import Any, BinaryIO

import numpy as np

from device.hearing import RATE, SOUND_RATE, SOUND_WINDOW, WINDOW, WINDOW_S, Samples, Window, judge

_CHUNK = 320  # samples: 20 ms
_CLOCK_CHUNKS = 500  # the youngest 10 s tell when the stream began, whatever the card's drift
_ALIKE_S = 0.015  # two delays that agree
_LATE_S = 2.0  # waited for the microphone after the end


class Stream:
    """What the microphone gives, and when: `began` is when its first sample was sounded."""

    def __init__(self) -> None:
        self._held = np.zeros(0, np.int16)
        self._first = 0  # the number of the oldest sample held
        self._starts: deque[float] = deque(maxlen=_CLOCK_CHUNKS)

    def take(self, samples: Samples, now: float) -> None:
        """Samples that have just arrived. They come late, never early: the earliest is right."""
        self._held = np.concatenate([self._held, samples])
        self._starts.append(now - self.count / RATE)

    @property
    def count(self) -> int:
        return self._first + int(self._held.size)

    @property
    def began(self) -> float:
        return min(self._starts)

    def window(self, at: float) -> Samples | None:
        """The window that begins at `at`; None while it has not come, and older samples go."""
        first = round((at - self.began) * RATE)
        if first + WINDOW > self.count:
            return None
        keep = max(first, self._first)
        self._held = self._held[keep - self._first :]
        self._first = keep
        return self._held[first - self._first : first - self._first + WINDOW]


class Programme:
    """The sounds of an airing, read where they lie."""

    def __init__(self, sounds: list[dict[str, Any]]) -> None:
        self._sounds = sounds

    def window(self, offset_s: float) -> Samples:
        """What is given to the loudspeaker from `offset_s` on."""
        first = round(offset_s * SOUND_RATE)
        mixed = np.zeros(SOUND_WINDOW, np.int16)
        for sound in self._sounds:
            at, frames = int(sound["at"]), int(sound["frames"])
            begin, end = max(first, at), min(first + SOUND_WINDOW, at + frames)
            if begin < end:
                part = np.fromfile(sound["path"], np.int16, end - begin, offset=(begin - at) * 2)
                mixed[begin - first : begin - first + part.size] = part
        return mixed


class Ears:
    """Judges window after window; learns the path's delay from two that agree."""

    def __init__(self, programme: Programme, start: float, end: float, delay_s: float | None):
        self._programme = programme
        self._start = start
        self._end = end
        self._at: float | None = None
        self._candidate_s: float | None = None
        self._stream = Stream()
        self.delay_s = delay_s

    @property
    def over(self) -> bool:
        return self._at is not None and self._at + WINDOW_S > self._end

    def take(self, samples: Samples, now: float) -> Iterator[Window]:
        """The windows that these samples complete."""
        self._stream.take(samples, now)
        if self._at is None:
            self._at = max(self._start, self._stream.began)
        while not self.over and (picked_up := self._stream.window(self._at)) is not None:
            sound = self._programme.window(self._at - self._start)
            self._at += WINDOW_S
            if picked_up.size == WINDOW:
                yield self._learned(judge(sound, picked_up, self.delay_s))

    def _learned(self, window: Window) -> Window:
        if self.delay_s is not None or not window.heard:
            return window
        known = self._candidate_s
        if known is not None and abs(known - window.delay_s) < _ALIKE_S:
            self.delay_s = window.delay_s
            return window
        self._candidate_s = window.delay_s
        return window


def main() -> int:
    os.nice(10)
    job = json.loads(sys.stdin.readline())
    # Whoever started us closes our input when the airing is over, or dies.
    threading.Thread(target=_end_with_parent, args=(job["end"],), daemon=True).start()
    ears = Ears(Programme(job["sounds"]), job["start"], job["end"], job["delay_s"])
    try:
        for samples in _picked_up(job["source"]):
            for window in ears.take(samples, time.monotonic()):
                _say(asdict(replace(window, delay_s=round(window.delay_s, 4))))
            if ears.over:
                return 0
    except OSError as error:
        _say({"error": str(error)})
        return 1
    _say({"error": "the microphone gives nothing"})
    return 1


def _picked_up(source: str) -> Iterator[Samples]:
    kind, _, name = source.partition(":")
    if kind == "file":
        with open(name, "rb", buffering=0) as file:  # noqa: PTH123 (may be a pipe)
            yield from _chunks(file)
        return
    run = ["arecord", "-q", "-D", name, "-t", "raw", "-f", "S16_LE", "-c", "1", "-r", str(RATE)]
    with subprocess.Popen([*run, "--period-time=20000"], stdout=subprocess.PIPE) as recorder:
        try:
            assert recorder.stdout is not None
            yield from _chunks(recorder.stdout)
        finally:
            recorder.kill()


def _chunks(file: BinaryIO | Any) -> Iterator[Samples]:
    left = b""
    while raw := file.read(_CHUNK * 2):
        left += raw
        whole = len(left) // 2 * 2
        yield np.frombuffer(left[:whole], np.int16)
        left = left[whole:]


def _end_with_parent(end: float) -> None:
    while sys.stdin.readline():
        continue
    time.sleep(max(min(end, time.monotonic()) + _LATE_S - time.monotonic(), 0.0))
    os._exit(0)


def _say(message: dict[str, Any]) -> None:
    print(json.dumps(message), flush=True)


if __name__ == "__main__":
    sys.exit(main())
