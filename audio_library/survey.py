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
# Between the 10th and 95th percentile of 20-ms levels: hiss has 3 dB, speech 20 to 60.
_STEADY_DB, _LIVELY_DB = 6.0, 15.0
_LEAST_STEPS = 8
_FAINT_DB = 8.0  # so much fainter than the limit speech may be
_DEEPEST_DB = 45.0
# On a made set of 86 recordings of speech (noise, echo, telephone, music below it) and 76 of
# music, these call no speech music, and miss 7 of music.
_FEW_PAUSES, _RESTFUL = 0.18, 0.135


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
        self.flat += max(map(_flat_tops, block))
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
    """The level of every 20 ms and how often the wave crosses zero in it, from one reading."""

    def __init__(self) -> None:
        self._rest: Block = np.zeros(0, np.float32)
        self._squares: list[NDArray[np.float32]] = []
        self._crossings: list[NDArray[np.float32]] = []

    def add(self, block: Block) -> None:
        sound = np.concatenate([self._rest, block])
        whole = sound.size // _STEP * _STEP
        steps = sound[:whole].reshape(-1, _STEP)
        self._squares.append(np.einsum("ij,ij->i", steps, steps) / np.float32(_STEP))
        below = np.signbit(steps)
        crossings = np.count_nonzero(below[:, 1:] != below[:, :-1], axis=1)
        self._crossings.append((crossings / (_STEP - 1)).astype(np.float32))
        self._rest = sound[whole:]

    def decibels(self) -> Decibels:
        """dBFS of each 20-ms step."""
        squares = np.concatenate([*self._squares, np.zeros(0, np.float32)])
        levels: Decibels = 10 * np.log10(np.maximum(squares, np.float32(1e-12)))
        return levels

    def crossings(self) -> NDArray[np.float32]:
        """Zero crossings of each 20-ms step, as a share of its samples."""
        return np.concatenate([*self._crossings, np.zeros(0, np.float32)])


def is_audible(decibels: Decibels, loudness_lufs: float, silent_lufs: float) -> bool:
    """Whether somebody is to be heard: quiet speech still rises and falls, mere hiss does not."""
    if decibels.size == 0:
        return False
    # A shifted zero line is heard as a click where it begins and ends.
    if np.count_nonzero(decibels > max(loudness_lufs - 25, -90.0)) < _LEAST_STEPS:
        return False
    low, high = _share(decibels, 0.1), _share(decibels, 0.95)
    if high - low < _STEADY_DB:
        return loudness_lufs >= _VERY_QUIET_LUFS
    return loudness_lufs >= silent_lufs - (_FAINT_DB if high - low > _LIVELY_DB else 0)


def sound_bounds(decibels: Decibels, loudness_lufs: float, start: int, end: int) -> tuple[int, int]:
    """First and last spool frame worth keeping between two: silence at the ends is left out.

    A burst raises the loudness of the whole; what is well above the pauses counts as sound too.
    """
    part = decibels[start // _STEP : -(-end // _STEP)]
    loud = np.flatnonzero(part > _threshold(decibels, loudness_lufs))
    if loud.size == 0:
        return start, end
    first = start + int(loud[0]) * _STEP - round(_KEEP_BEFORE_S * SPOOL_RATE_HZ)
    last = start + (int(loud[-1]) + 1) * _STEP + round(_KEEP_AFTER_S * SPOOL_RATE_HZ)
    return max(first, start), min(last, end)


def _threshold(decibels: Decibels, loudness_lufs: float) -> float:
    pauses = _share(decibels, 0.1) + 10.0 if decibels.size else 0.0
    return max(min(loudness_lufs - 25.0, pauses), loudness_lufs - _DEEPEST_DB, -80.0)


def warnings(levels: Levels, loudness_lufs: float) -> list[Warning_]:
    """Remarks that follow from the course of the recording."""
    found, decibels = [], levels.decibels()
    if loudness_lufs < _VERY_QUIET_LUFS:
        found.append(warning("very_quiet"))
    if is_mostly_music(decibels, levels.crossings(), loudness_lufs):
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


def is_mostly_music(
    decibels: Decibels, crossings: NDArray[np.float32], loudness_lufs: float
) -> bool:
    """Whether a horn would carry music rather than words.

    Two things music lacks (after Saunders 1996): speech falls silent between syllables several
    times a second, and jumps between vowels and hisses from one 20 ms to the next, which zero
    crossings show. Music that is all drums has both, and is not found.
    """
    seconds = decibels[: decibels.size // 50 * 50].reshape(-1, 50)
    if seconds.size:
        seconds = seconds[seconds.max(axis=1) > loudness_lufs - 15]
    if len(seconds) < 4:
        return False
    pauses = float(np.mean(seconds < seconds.max(axis=1, keepdims=True) - 10))
    pitches = np.log(crossings[decibels > _share(decibels, 0.95) - 25] + 0.005)
    restless = float(np.mean(np.abs(np.diff(pitches)))) if pitches.size > 1 else 0.0
    return pauses < _FEW_PAUSES or restless < _RESTFUL


def _share(decibels: Decibels, share: float) -> float:
    """The level that this share of the steps lies under; np.percentile would import late."""
    return float(np.sort(decibels)[int(share * (decibels.size - 1))])


def _longest_pause_s(decibels: Decibels, loudness_lufs: float) -> float:
    loud = np.flatnonzero(decibels > loudness_lufs - 25.0)
    return float(np.diff(loud).max(initial=0)) * _STEP / SPOOL_RATE_HZ
