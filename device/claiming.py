"""Asking to be bound: again and again, ever more seldom, until a config of our own arrives."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from device.loop import Loop, Timer
from device.voice import Voice

_FIRST_S = 2.0
_LONGEST_S = 600.0


@dataclass
class Claiming:
    """`wanted`: whether there is somebody to ask, and still a reason to."""

    loop: Loop
    voice: Voice
    code: str
    hardware: str
    jitter: random.Random
    wanted: Callable[[], bool]
    _wait_s: float = _FIRST_S
    _timer: Timer | None = None

    def connected(self) -> None:
        """A new session: ask at once."""
        self._wait_s = _FIRST_S
        self._ask()

    def _ask(self) -> None:
        if self._timer:
            self._timer.cancel()
        if not self.wanted():
            return
        self.voice.claim(self.code, self.hardware)
        self._timer = self.loop.call_later(self._wait_s * self.jitter.uniform(0.8, 1.2), self._ask)
        self._wait_s = min(self._wait_s * 2, _LONGEST_S)
