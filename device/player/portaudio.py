"""A sound card through PortAudio (`sounddevice`), for cards that ALSA by itself does not reach.

PortAudio asks for frames in a thread of its own. It gets them from a queue here, so a stop can take
back all that it has not asked for. When a device is unplugged, or the sound server behind it is
gone, PortAudio falls silent without a word, and any call may hang: so a device that has stopped
asking is lost, and one that does not open or close in time ends the process, which the agent
starts again.
"""

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from device.errors import SinkError
from device.player.score import FRAME_BYTES, RATE
from device.player.sinks import Sink

_SILENT_S = 0.5  # a device that has not asked for so long is gone
_OPENS_WITHIN_S = 4.0  # loading and looking for devices included; the agent waits 8 s
_CLOSES_WITHIN_S = 1.0
_QUEUE_MS = 60
_BLOCK = RATE // 100
_OBSERVATIONS = 40
_ENOUGH = 8

T = TypeVar("T")


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
        _unless_it_hangs(self._end, _CLOSES_WITHIN_S, f"{self._device} hangs on being closed")

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
    """Opens `device` by name or number, wherever it is by now."""

    def __init__(
        self,
        device: str,
        buffer_ms: int,
        load: Callable[[], Any],
        opens_within_s: float = _OPENS_WITHIN_S,
    ) -> None:
        self._device = device
        self._buffer_ms = buffer_ms
        self._load = load
        self._opens_within_s = opens_within_s
        self._listed = False

    def __call__(self) -> Sink:
        """Raises SinkError, fatal when PortAudio hangs on the way."""
        hangs = f"{self._device} hangs on being opened"
        return _unless_it_hangs(self._open, self._opens_within_s, hangs)

    def _open(self) -> Sink:
        library = self._load()
        if self._listed:
            # PortAudio lists devices once. One that left and came back, or comes under another
            # number, exists after this only; no stream is open now.
            self._list_anew(library)
        self._listed = True
        return PortAudioCard(self._device, self._buffer_ms, library)

    def _list_anew(self, library: Any) -> None:
        with contextlib.suppress(library.PortAudioError):  # the last listing had failed
            library._terminate()
        try:
            library._initialize()
        except library.PortAudioError as error:
            raise SinkError(f"PortAudio finds no devices: {error}") from error


def load_library() -> Any:
    """`sounddevice`. Raises SinkError when it is not installed."""
    try:
        import sounddevice
    except (ImportError, OSError) as error:
        raise SinkError(
            f"PortAudio cannot be loaded ({error}): apt install libportaudio2 and "
            "pip install 'loalang[portaudio]'",
            retryable=False,
        ) from error
    return sounddevice


def _unless_it_hangs(run: Callable[[], T], seconds: float, sentence: str) -> T:
    """What `run` returns, or the SinkError it raises; a fatal one when it takes too long."""
    outcome: Future[T] = Future()

    def work() -> None:
        try:
            outcome.set_result(run())
        except SinkError as error:
            outcome.set_exception(error)

    threading.Thread(target=work, name="portaudio", daemon=True).start()
    try:
        return outcome.result(seconds)
    except TimeoutError:
        raise SinkError(sentence, fatal=True) from None
