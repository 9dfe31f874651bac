"""The last steps to a clip: the gain that meets the target after limiting and encoding.

The limiter eats loudness and Opus overshoots the limiter, both by amounts that depend on the
sound. So the limited sound is metered before it is encoded, and what was encoded is decoded and
metered while it is made; a result off the mark is made again with another gain or ceiling.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from audio_library.encoder import OUTPUTS, Encoder
from audio_library.graph import Block, run
from audio_library.heard import Heard
from audio_library.listening import Listener
from audio_library.meters import integrated_lufs
from audio_library.settings import DELIVERY_RATE_HZ, Mastering
from audio_library.spool import SPOOL_RATE_HZ, Spool
from audio_library.stage import Stage

_TRIES = 7
_METERINGS = 5
_TOLERANCE_LU = 0.3
_MOST_GAIN_DB = 40.0
_SAMPLE_S = 120
# What peaks between the spool's samples and Opus take, measured on speech and music.
_LOSS_LU, _MOST_LOSS_LU = 0.35, 2.5
_STEP_DB = 0.8  # the most a ceiling is lowered at once
_DOUBLING = DELIVERY_RATE_HZ // SPOOL_RATE_HZ


@dataclass(frozen=True, slots=True)
class Cut:
    """The spool's frames that are kept, and the fades at both ends, in spool frames."""

    start: int
    end: int
    fade_in: int
    fade_out: int

    @property
    def frames(self) -> int:
        """Frames of the clip, at 48 kHz."""
        return (self.end - self.start) * _DOUBLING


class Leveller:
    """Brings one compressed recording in the spool to the target, into the file `target`."""

    def __init__(
        self,
        spool: Spool,
        cut: Cut,
        shape: Mastering,
        target: BinaryIO,
        report: Callable[[float], None],
    ) -> None:
        self._spool, self._cut, self._shape = spool, cut, shape
        self._target, self._report = target, report
        self._beyond_lu = 0.0  # how much louder the whole is than the sample that is metered
        self._loss_lu = _LOSS_LU

    def level(self, loudness_lufs: float) -> Heard:
        """Encode what lies at `loudness_lufs` now; the last of a few tries is in the file."""
        ceiling, gain = self._shape.ceiling_dbfs, self._wanted_lufs - loudness_lufs
        if self._is_long:
            self._beyond_lu = loudness_lufs - integrated_lufs(self._sample(), SPOOL_RATE_HZ)
        for _ in range(_TRIES):
            gain, metered = self._gain_for(gain, ceiling)
            heard = self._encode(gain, ceiling)
            miss = self._shape.target_lufs - heard.loudness_lufs
            over = heard.true_peak_dbtp - self._shape.true_peak_dbtp
            if over <= 0 and (abs(miss) <= _TOLERANCE_LU or gain >= _MOST_GAIN_DB):
                break
            # What encoding took this time tells what to aim at next time.
            self._loss_lu = min(max(metered - heard.loudness_lufs, 0.0), _MOST_LOSS_LU)
            if over > 0:
                # One peak may stand out by far and be gone with the next ceiling.
                ceiling -= min(over, _STEP_DB) + 0.1
        return heard

    @property
    def _wanted_lufs(self) -> float:
        return self._shape.target_lufs + self._loss_lu

    def _gain_for(self, gain_db: float, ceiling_db: float) -> tuple[float, float]:
        """The gain and the loudness it gives after the limiter.

        Metered at the spool's rate: the limiter takes the same there, at half the work.
        """
        slope = 0.5  # how much louder a decibel of gain makes it: less than one under a limiter
        before: tuple[float, float] | None = None
        for left in reversed(range(_METERINGS)):
            limited = run(self._sample(), _limited(gain_db, ceiling_db), SPOOL_RATE_HZ)
            loudness = integrated_lufs(limited, SPOOL_RATE_HZ) + self._beyond_lu
            miss = self._wanted_lufs - loudness
            if not left or abs(miss) < 0.15 or (gain_db >= _MOST_GAIN_DB and miss > 0):
                break
            if before is not None and gain_db != before[0]:
                slope = min(max((loudness - before[1]) / (gain_db - before[0]), 0.2), 1.0)
            before = gain_db, loudness
            gain_db = min(gain_db + miss / slope, _MOST_GAIN_DB)
        return gain_db, loudness

    def _encode(self, gain_db: float, ceiling_db: float) -> Heard:
        """Filtering, encoding and listening each in a thread: FFmpeg needs no Python lock."""
        listener = Listener()
        encoder = Encoder(self._target, OUTPUTS["opus"])
        hearing = Stage(listener.push)
        encoding: Stage[Block] = Stage(lambda block: hearing.put(encoder.push(block)))
        with hearing, encoding:
            for block in self._clip(gain_db, ceiling_db):
                encoding.put(block)
            encoding.finish()
            hearing.put(encoder.finish())
            hearing.finish()
        return listener.heard(encoder.frames)

    def _clip(self, gain_db: float, ceiling_db: float) -> Iterator[Block]:
        """Exactly the cut's length, whatever the resampler holds back at its end."""
        filters = f"aresample={DELIVERY_RATE_HZ},{_limited(gain_db, ceiling_db)}"
        done = 0
        for block in run(self._faded(), filters, SPOOL_RATE_HZ):
            block = block[: self._cut.frames - done]
            done += block.size
            self._report(0.3 + 0.65 * done / self._cut.frames)
            if block.size:
                yield block
        if done < self._cut.frames:
            yield np.zeros(self._cut.frames - done, np.float32)

    @property
    def _is_long(self) -> bool:
        return self._cut.end - self._cut.start > 2 * _SAMPLE_S * SPOOL_RATE_HZ

    def _sample(self) -> Iterator[Block]:
        """All of a short recording; of a long one, stretches spread over it: two minutes tell."""
        if not self._is_long:
            yield from self._spool.blocks(self._cut.start, self._cut.end)
            return
        stretch = 10 * SPOOL_RATE_HZ
        number = _SAMPLE_S // 10
        for at in np.linspace(self._cut.start, self._cut.end - stretch, number).astype(int):
            yield from self._spool.blocks(int(at), int(at) + stretch)

    def _faded(self) -> Iterator[Block]:
        cut, at = self._cut, 0
        length = cut.end - cut.start
        for block in self._spool.blocks(cut.start, cut.end):
            position = np.arange(at, at + block.size, dtype=np.float32)
            rise = np.minimum(position / max(cut.fade_in, 1), 1)
            fall = np.minimum((length - position) / max(cut.fade_out, 1), 1)
            yield block * np.minimum(rise, fall).astype(np.float32)
            at += block.size


def _limited(gain_db: float, ceiling_db: float) -> str:
    limit = 10 ** (ceiling_db / 20)
    return (
        f"volume={gain_db:.3f}dB:precision=float,"
        f"alimiter=limit={limit:.5f}:level=0:attack=5:release=60:latency=1,"
        f"asetnsamples=n={DELIVERY_RATE_HZ}:p=0"
    )
