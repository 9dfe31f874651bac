"""How loud each frame of an airing may be, where hours of different volume meet within it.

A quieter band is reached by its first frame; a louder one is faded into after it. So the loudness
is never above what a band permits.
"""

import bisect
from collections.abc import Sequence
from dataclasses import dataclass

from device.player.score import RATE

RAMP_FRAMES = 2 * RATE


@dataclass(frozen=True, slots=True)
class Envelope:
    """Straight lines between `points` (frame, factor), ascending; none: full volume throughout."""

    points: tuple[tuple[int, float], ...] = ()

    @classmethod
    def of(cls, bands: Sequence[Sequence[float]]) -> "Envelope":
        """From [[first frame, per cent], …], ascending."""
        points: list[tuple[int, float]] = []
        for frame, factor in _without_bumps([(int(at), pct / 100) for at, pct in bands]):
            before = points[-1][1] if points else factor
            if factor < before:
                points += [(frame - RAMP_FRAMES, before), (frame, factor)]
            elif factor > before:
                points += [(frame, before), (frame + RAMP_FRAMES, factor)]
            elif not points:
                points.append((frame, factor))
        return cls(tuple(points))

    def at(self, frame: int) -> float:
        after = bisect.bisect_right(self.points, frame, key=lambda point: point[0])
        if after == 0:
            return self.points[0][1] if self.points else 1.0
        (left, low) = self.points[after - 1]
        if after == len(self.points):
            return low
        (right, high) = self.points[after]
        return low + (high - low) * (frame - left) / max(right - left, 1)


def _without_bumps(bands: list[tuple[int, float]]) -> list[tuple[int, float]]:
    """A louder band too short for its two ramps stays as quiet as what follows it."""
    smooth = list(bands)
    for i in range(len(smooth) - 2, -1, -1):
        (frame, factor), (then, quieter) = smooth[i], smooth[i + 1]
        if then - frame < 2 * RAMP_FRAMES:
            smooth[i] = (frame, min(factor, quieter))
    return smooth
