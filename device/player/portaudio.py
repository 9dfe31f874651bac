"""A sound card through PortAudio (`sounddevice`), for cards that ALSA by itself does not reach.

PortAudio asks for frames in a thread of its own. It gets them from a queue here, so a stop can take
back all that it has not asked for. When a device is unplugged PortAudio falls silent without a
word, and closing it may hang: so a device that has stopped asking is lost, and one that does not
close ends the process, which the agent starts again.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from device.errors import SinkError
from device.player.score import FRAME_BYTES, RATE
from device.player.sinks import Sink

_SILENT_S = 0.5  # a device that has not asked for so long is gone
_CLOSES_WITHIN_S = 1.0
_QUEUE_MS = 60
_BLOCK = RATE // 100
_OBSERVATIONS = 40
_ENOUGH = 8


class PortAudioCard(Sink):
    """One output stream, mono 48 kHz 16-bit."""

    def __init__(
        self,
        device: str,
        buffer_ms: int,
        library: Any,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._device = device
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._queue = bytearray()
        self._asked_for = 0  # frames
        self._asked_at = monotonic()
        self._seen: deque[float] = deque(maxlen=_OBSERVATIONS)
        self._fed = False
        try:
            self._stream = library.RawOutputStream(
                samplerate=RATE,
                blocksize=_BLOCK,
                device=device or None,
                channels=1,
                dtype="int16",
                latency=buffer_ms / 1000,
                callback=self._asked,
            )
            self._stream.start()
        except (library.PortAudioError, ValueError) as error:
            raise SinkError(f"{device}: {error}") from error

    def room(self) -> int:
        if self._monotonic() - self._asked_at > _SILENT_S:
            raise SinkError(f"{self._device} has stopped asking for sound")
        with self._lock:
            return max(RATE * _QUEUE_MS // 1000 - len(self._queue) // FRAME_BYTES, 0)

    def write(self, frames: bytes | bytearray) -> None:
        with self._lock:
            self._queue += frames
            self._fed = True

    def next_frame_at(self) -> float | None:
        with self._lock:
            if len(self._seen) < _ENOUGH:
                return None
            return min(self._seen) + (self._asked_for + len(self._queue) // FRAME_BYTES) / RATE

    def take_back(self, frames: int) -> int:
        with self._lock:
            taken = max(min(frames, len(self._queue) // FRAME_BYTES), 0)
            del self._queue[len(self._queue) - taken * FRAME_BYTES :]
            return taken

    def close(self) -> None:
        """Raises SinkError, fatal, when PortAudio does not let go."""
        end = threading.Thread(target=self._end, name="portaudio-close", daemon=True)
        end.start()
        end.join(_CLOSES_WITHIN_S)
        if end.is_alive():
            raise SinkError(f"{self._device} hangs on being closed", fatal=True)

    def _end(self) -> None:
        self._stream.abort(ignore_errors=True)
        self._stream.close(ignore_errors=True)

    def _asked(self, out: Any, frames: int, moments: Any, status: Any) -> None:
        """PortAudio wants `frames` frames; called in its thread."""
        now = self._monotonic()
        with self._lock:
            # Its clock is the wall's or the monotonic one, as versions go: only differences count.
            ahead_s = moments.outputBufferDacTime - moments.currentTime
            self._seen.append(now + ahead_s - self._asked_for / RATE)
            sound = bytes(self._queue[: frames * FRAME_BYTES])
            del self._queue[: len(sound)]
            self._asked_at = now
            self._asked_for += frames
            if status.output_underflow or (self._fed and len(sound) < len(out)):
                self.xruns += 1
                self._fed = False  # counted once, until it is fed again
            if status.output_underflow:
                self._seen.clear()
        out[:] = sound + bytes(len(out) - len(sound))


class PortAudio:
    """Opens `device` by name or number. After a loss the devices are looked for anew."""

    def __init__(self, device: str, buffer_ms: int) -> None:
        self._device = device
        self._buffer_ms = buffer_ms
        self._stale = False

    def __call__(self) -> Sink:
        try:
            import sounddevice
        except (ImportError, OSError) as error:
            raise SinkError(
                f"PortAudio cannot be loaded ({error}): apt install libportaudio2 and "
                "pip install 'loalang[portaudio]'",
                retryable=False,
            ) from error
        if self._stale:
            # PortAudio lists devices once; what is plugged in later exists after this only.
            sounddevice._terminate()
            sounddevice._initialize()
        self._stale = True
        card = PortAudioCard(self._device, self._buffer_ms, sounddevice)
        self._stale = False
        return card
