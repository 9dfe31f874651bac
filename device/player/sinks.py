"""Where frames go: the interface of a sound device, and a card emulated on the monotonic clock.

A sink is open only around an airing. It takes frames ahead of time into a small buffer, and can
say at which monotonic instant the next frame written will leave it.
"""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable

from device.player.score import FRAME_BYTES, RATE


class Sink(ABC):
    """One open sound device: mono, 16-bit, 48 kHz. Every method may raise SinkError."""

    xruns: int = 0

    @abstractmethod
    def room(self) -> int:
        """How many frames can be written now without waiting."""

    @abstractmethod
    def write(self, frames: bytes | bytearray) -> None:
        """Queue frames; at most `room()` of them."""

    @abstractmethod
    def next_frame_at(self) -> float | None:
        """Monotonic seconds at which the next frame written leaves; None until that is known."""

    @abstractmethod
    def take_back(self, frames: int) -> int:
        """Unqueue up to `frames` of the newest frames that have not left; how many it were."""

    def silence(self) -> int:
        """Drop all that is queued, at once; how many frames it were."""
        return self.take_back(RATE)

    @abstractmethod
    def close(self) -> None:
        """Silence at once, and let go of the device."""


class EmulatedCard(Sink):
    """A card whose crystal is CLOCK_MONOTONIC: takes frames at the pace of real time.

    `ppm` makes the crystal fast; a buffer that runs dry is an underrun, as on a real card.
    """

    def __init__(
        self, buffer_ms: int, monotonic: Callable[[], float] = time.monotonic, ppm: float = 0.0
    ) -> None:
        self._monotonic = monotonic
        self._rate = RATE * (1 + ppm / 1e6)
        self._buffer = RATE * buffer_ms // 1000
        self._origin = monotonic()  # when frame 0 left
        self._written = 0
        # A margin, so that the first write is not late already.
        self._origin += 0.005

    def room(self) -> int:
        self._check()
        return max(self._buffer - (self._written - self._left()), 0)

    def write(self, frames: bytes | bytearray) -> None:
        self._check()
        self._written += len(frames) // FRAME_BYTES

    def next_frame_at(self) -> float | None:
        return self._origin + self._written / self._rate

    def take_back(self, frames: int) -> int:
        # What is about to leave within two milliseconds is left alone, as hardware would.
        free = self._written - self._left() - RATE // 500
        taken = max(min(frames, free), 0)
        self._written -= taken
        return taken

    def close(self) -> None:
        return

    def _left(self) -> int:
        return max(int((self._monotonic() - self._origin) * self._rate), 0)

    def _check(self) -> None:
        late = self._monotonic() - (self._origin + self._written / self._rate)
        if late > 0:
            # Ran dry: silence left in the meantime, and the next frame written leaves now.
            if self._written:
                self.xruns += 1
            self._origin += late + 0.002
