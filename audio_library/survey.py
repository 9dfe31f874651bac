"""What a recording is like before it is shaped: its channels, clipping, music, pauses, silence."""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from audio_library.graph import Block
from audio_library.remarks import Warning_, warning
from audio_library.spool import SPOOL_RATE_HZ

Decibels: TypeAlias = NDArray[np.float32]  # level of each 20 ms, dBFS

_STEP = SPOOL_RATE_HZ // 50  # 20 ms
_KEEP_BEFORE_S, _KEEP_AFTER_S = 0.12, 0.3
_VERY_QUIET_LUFS = -45.0
_LONG_PAUSE_S = 8.0


@dataclass(slots=True)
class Channels:
    """Energies of a stereo recording, to find a dead channel or two that cancel each other."""

    left: float = 0.0
    right: float = 0.0
    middle: float = 0.0
    stereo: bool = False
    flat: int = 0
    frames: int = 0

    def add(self, block: NDArray[np.float32]) -> Block:
        """Count one block of shape (channels, frames) and return it as mono."""
        self.frames += block.shape[1]
        self.flat += _flat_tops(block[0])
        if block.shape[0] == 1:
            return np.ascontiguousarray(block[0])
        self.stereo = True
        middle: Block = (block[0] + block[1]) * np.float32(0.5)
        self.left += float(np.dot(block[0], block[0]))
        self.right += float(np.dot(block[1], block[1]))
        self.middle += float(np.dot(middle, middle))
        return middle

    @property
    def dead(self) -> bool:
        """One channel at least 30 dB below the other."""
        low, high = sorted((self.left, self.right))
        return self.stereo and high > 0 and low < high * 1e-3

    @property
    def cancelling(self) -> bool:
        """The sum of both is 10 dB weaker than either alone would be."""
        return self.stereo and not self.dead and self.middle < 0.05 * (self.left + self.right)

    def warnings(self) -> list[Warning_]:
        found = []
        if self.flat > 0.0005 * self.frames:
            found.append(warning("clipped"))
        if self.dead:
            found.append(warning("one_channel"))
        if self.cancelling:
            found.append(warning("opposite_channels"))
        return found


class Levels:
    """The level of every 20 ms, collected while the recording is read once."""

    def __init__(self) -> None:
        self._rest: Block = np.zeros(0, np.float32)
        self._squares: list[NDArray[np.float32]] = []

    def add(self, block: Block) -> None:
        sound = np.concatenate([self._rest, block])
        whole = sound.size // _STEP * _STEP
        steps = sound[:whole].reshape(-1, _STEP)
        self._squares.append(np.einsum("ij,ij->i", steps, steps) / np.float32(_STEP))
        self._rest = sound[whole:]

    def decibels(self) -> Decibels:
        """dBFS of each 20-ms step."""
        squares = np.concatenate([*self._squares, np.zeros(0, np.float32)])
        levels: Decibels = 10 * np.log10(np.maximum(squares, np.float32(1e-12)))
        return levels


def sound_bounds(decibels: Decibels, loudness_lufs: float) -> tuple[int, int]:
    """First and last spool frame worth keeping: silence before and after is left out."""
    loud = np.flatnonzero(decibels > max(loudness_lufs - 25.0, -70.0))
    if loud.size == 0:
        return 0, decibels.size * _STEP
    start = int(loud[0]) * _STEP - round(_KEEP_BEFORE_S * SPOOL_RATE_HZ)
    end = (int(loud[-1]) + 1) * _STEP + round(_KEEP_AFTER_S * SPOOL_RATE_HZ)
    return max(start, 0), end


def warnings(decibels: Decibels, loudness_lufs: float) -> list[Warning_]:
    """Remarks that follow from levels alone."""
    found = []
    if loudness_lufs < _VERY_QUIET_LUFS:
        found.append(warning("very_quiet"))
    if _is_mostly_music(decibels, loudness_lufs):
        found.append(warning("mostly_music"))
    if _longest_pause_s(decibels, loudness_lufs) > _LONG_PAUSE_S:
        found.append(warning("long_pauses"))
    return found


def _flat_tops(channel: Block) -> int:
    """Samples that sit at full scale beside another one just as high, or beyond full scale."""
    level = np.abs(channel)
    if level.max(initial=0.0) < 0.9:
        return 0
    high = level > 0.98
    flat = high[1:] & high[:-1] & (np.abs(np.diff(level)) < 2e-3)
    return int(np.count_nonzero(flat)) + int(np.count_nonzero(level > 1.0))


def _is_mostly_music(decibels: Decibels, loudness_lufs: float) -> bool:
    """Speech falls silent between syllables several times a second, music hardly ever does.

    The share of 20-ms steps that lie 10 dB under their second's loudest decides.
    """
    seconds = decibels[: decibels.size // 50 * 50].reshape(-1, 50)
    seconds = (
        seconds[seconds.max(axis=1, initial=-120) > loudness_lufs - 15] if seconds.size else seconds
    )
    if len(seconds) < 4:
        return False
    gaps = np.mean(seconds < seconds.max(axis=1, keepdims=True) - 10, axis=1)
    return float(np.mean(gaps < 0.12)) > 0.6


def _longest_pause_s(decibels: Decibels, loudness_lufs: float) -> float:
    loud = np.flatnonzero(decibels > loudness_lufs - 25.0)
    return float(np.diff(loud).max(initial=0)) * _STEP / SPOOL_RATE_HZ
