"""A sound card through libasound by ctypes: nothing to install, underruns and unplugging seen.

The stream is opened non-blocking, fed by the engine and asked for its delay with each period; the
lower envelope of these observations says when a frame leaves, since pointers only report late.
"""

import ctypes
import ctypes.util
import errno
import time
from collections import deque
from collections.abc import Callable

from device.errors import SinkError
from device.player.score import FRAME_BYTES, RATE
from device.player.sinks import Sink

_PLAYBACK = 0
_NONBLOCK = 1
_S16_LE = 2
_INTERLEAVED = 3
_RECOVERABLE = frozenset({errno.EPIPE, errno.ESTRPIPE, errno.EIO})
_LONGEST_QUERY_S = 0.0002  # a delay read across a pre-emption is not trusted
_REFUSALS = 50  # in a row: this machine knows no better
_OBSERVATIONS = 40
_REWIND_MARGIN = RATE // 100
_ENOUGH = 8
_STALLED_S = 0.5  # without a frame taken: no interrupt comes any more
_RECOVERIES = 3  # in vain, one after the other


def _library() -> ctypes.CDLL:
    name = ctypes.util.find_library("asound")
    if not name:
        raise SinkError("libasound is not installed: apt install libasound2", retryable=False)
    library = ctypes.CDLL(name)
    for function in (
        "snd_pcm_avail_update",
        "snd_pcm_writei",
        "snd_pcm_rewind",
        "snd_pcm_rewindable",
    ):
        getattr(library, function).restype = ctypes.c_long
    library.snd_pcm_writei.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_ulong]
    library.snd_pcm_rewind.argtypes = [ctypes.c_void_p, ctypes.c_ulong]
    library.snd_strerror.restype = ctypes.c_char_p
    return library


class AlsaCard(Sink):
    """One PCM, mono 48 kHz 16-bit through ALSA's own conversion (`plughw:…`)."""

    def __init__(
        self, device: str, buffer_ms: int, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._lib = _library()
        self._monotonic = monotonic
        self._pcm = ctypes.c_void_p()
        self._written = 0
        self._seen: deque[float] = deque(maxlen=_OBSERVATIONS)
        self._buffer = RATE * buffer_ms // 1000
        self._stood: tuple[int, int] = (0, 0)
        self._moved_at = monotonic()
        self._in_vain = 0
        self._longest_query_s = _LONGEST_QUERY_S
        self._refused = 0
        opened = self._lib.snd_pcm_open(
            ctypes.byref(self._pcm), device.encode(), _PLAYBACK, _NONBLOCK
        )
        if opened < 0:
            raise SinkError(f"{device}: {self._why(opened)}")
        try:
            self._set_up(buffer_ms)
        except SinkError:
            self.close()  # or it would be busy the next time, by us
            raise

    def _set_up(self, buffer_ms: int) -> None:
        result = self._lib.snd_pcm_set_params(
            self._pcm, _S16_LE, _INTERLEAVED, 1, RATE, 1, buffer_ms * 1000
        )
        if result < 0:
            raise SinkError(f"the card cannot be set up: {self._why(result)}")
        self._prime()

    def room(self) -> int:
        available = int(self._lib.snd_pcm_avail_update(self._pcm))
        if available < 0:
            self._recover(available)
            return 0
        self._in_vain = 0
        self._watch(available)
        self._observe()
        return available

    def _watch(self, available: int) -> None:
        """A card that stands still says nothing of it: nobody here waits for its interrupt."""
        now = self._monotonic()
        if self._stood != (available, self._written):
            self._stood = (available, self._written)
            self._moved_at = now
        elif now - self._moved_at > _STALLED_S:
            raise SinkError("the card has stopped taking frames")

    def write(self, frames: bytes | bytearray) -> None:
        taken = self._put(bytes(frames))
        if taken < 0:
            self._recover(taken)
        elif taken == 0 and frames:
            # It said that there was room. Trying for ever, at real-time priority, is no answer.
            raise SinkError("the card takes no frames")
        else:
            self._written += taken

    def _put(self, content: bytes) -> int:
        """Frames the card took, or what is wrong."""
        count = len(content) // FRAME_BYTES
        taken = int(self._lib.snd_pcm_writei(self._pcm, content, count))
        return 0 if taken == -errno.EAGAIN else taken

    def next_frame_at(self) -> float | None:
        if len(self._seen) < _ENOUGH:
            return None
        return min(self._seen) + self._written / RATE

    def take_back(self, frames: int) -> int:
        # The pointer reports late: what may be about to leave is left alone.
        possible = int(self._lib.snd_pcm_rewindable(self._pcm)) - _REWIND_MARGIN
        if min(frames, possible) <= 0:
            return 0
        taken = max(int(self._lib.snd_pcm_rewind(self._pcm, min(frames, possible))), 0)
        self._written -= taken
        return taken

    def silence(self) -> int:
        delay = ctypes.c_long()
        known = self._lib.snd_pcm_delay(self._pcm, ctypes.byref(delay)) == 0
        queued = delay.value if known else 0
        for step in (self._lib.snd_pcm_drop, self._lib.snd_pcm_prepare):
            if (result := step(self._pcm)) < 0:
                raise SinkError(self._why(result))
        self._prime()
        return max(queued, 0)

    def close(self) -> None:
        if self._pcm:
            self._lib.snd_pcm_drop(self._pcm)
            self._lib.snd_pcm_close(self._pcm)
            self._pcm = ctypes.c_void_p()

    def _prime(self) -> None:
        """Start on silence, so that the clock of the card can be observed."""
        self._seen.clear()
        self._written = self._put(bytes(self._buffer // 2 * FRAME_BYTES))
        if self._written < 0:
            raise SinkError(self._why(self._written))
        started = self._lib.snd_pcm_start(self._pcm)
        if started < 0 and started != -errno.EBADFD:
            raise SinkError(self._why(started))

    def _observe(self) -> None:
        delay = ctypes.c_long()
        before = self._monotonic()
        result = self._lib.snd_pcm_delay(self._pcm, ctypes.byref(delay))
        after = self._monotonic()
        if result != 0:
            return
        if after - before >= self._longest_query_s:
            self._refused += 1
            if self._refused < _REFUSALS:
                return
            self._longest_query_s *= 2  # late by a little is better than never
        self._refused = 0
        instant = (before + after) / 2 + delay.value / RATE
        self._seen.append(instant - self._written / RATE)

    def _recover(self, error: int) -> None:
        """After an underrun start over; anything else means the device is gone."""
        if -error not in _RECOVERABLE:
            raise SinkError(self._why(error))
        self.xruns += 1
        self._in_vain += 1
        if self._in_vain > _RECOVERIES:
            raise SinkError(self._why(error))
        prepared = self._lib.snd_pcm_prepare(self._pcm)
        if prepared < 0:
            raise SinkError(self._why(prepared))
        self._prime()

    def _why(self, error: int) -> str:
        return str(self._lib.snd_strerror(error).decode(errors="replace"))
