"""Loudness (BS.1770, gated) and true peak of blocks of mono sound, in bounded memory."""

from collections.abc import Iterable, Iterator
from math import log10

import numpy as np

from audio_library.graph import Block, Chain

SILENCE_LUFS = -70.0
_LEAST_S = 3.0
_PHASES, _HALF = 4, 16
_NEAR = 0.8  # 1.9 dB


class LoudnessMeter:
    """Integrated loudness; short sounds are metered as if repeated, gating needs some blocks."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._chain = Chain("ebur128=metadata=1", rate_hz)
        self._first: list[Block] = []
        self._frames = 0

    def push(self, block: Block) -> None:
        if self._frames < _LEAST_S * self._rate_hz:
            self._first.append(block)
        self._frames += block.size
        for _ in self._chain.push(block):
            pass

    def passing(self, blocks: Iterable[Block]) -> Iterator[Block]:
        """Meter blocks on their way to somewhere else."""
        for block in blocks:
            self.push(block)
            yield block

    def integrated_lufs(self) -> float:
        """To be asked once, at the end."""
        if 0 < self._frames < _LEAST_S * self._rate_hz:
            short = np.concatenate(self._first)
            self._first.clear()
            for _ in range(int(_LEAST_S * self._rate_hz / short.size) + 1):
                self.push(short)
        for _ in self._chain.finish():
            pass
        return float(self._chain.metadata.get("lavfi.r128.I", SILENCE_LUFS))


class TruePeakMeter:
    """Highest level between the samples (four times oversampled), as BS.1770 annex 2 has it.

    Only stretches whose samples come near the highest so far are oversampled: sound below 9 kHz,
    as the horns' low-pass leaves it, cannot rise more than 1.6 dB between samples at 48 kHz.
    """

    def __init__(self) -> None:
        taps = np.arange(-_HALF, _HALF + 1)
        window = np.hanning(2 * _HALF + 3)[1:-1]
        self._filters = [
            (np.sinc(taps + phase / _PHASES) * window).astype(np.float32)
            for phase in range(1, _PHASES)
        ]
        self._tail = np.zeros(2 * _HALF, np.float32)
        self._peak = 0.0

    def push(self, block: Block, stretch: int = 960) -> None:
        sound = np.concatenate([self._tail, block])
        self._tail = sound[-2 * _HALF :]
        level = np.abs(sound)
        self._peak = max(self._peak, float(level.max(initial=0.0)))
        starts = np.arange(0, sound.size, stretch)
        highest = np.maximum.reduceat(level, starts)
        for start in starts[highest > self._peak * _NEAR]:
            part = sound[max(start - _HALF, 0) : start + stretch + _HALF]
            if part.size > 2 * _HALF:
                self._oversample(part)

    def dbtp(self) -> float:
        """The peak in dB below full scale; −120 for silence."""
        self.push(np.zeros(2 * _HALF, np.float32))
        return 20 * log10(max(self._peak, 1e-6))

    def _oversample(self, part: Block) -> None:
        for taps in self._filters:
            between = np.convolve(part, taps, "valid")
            self._peak = max(self._peak, float(np.abs(between).max(initial=0.0)))


def integrated_lufs(blocks: Iterable[Block], rate_hz: int) -> float:
    """Loudness of a whole stream of blocks."""
    meter = LoudnessMeter(rate_hz)
    for block in blocks:
        meter.push(block)
    return meter.integrated_lufs()
