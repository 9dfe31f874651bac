"""The outline of a clip that the page draws: a few hundred numbers from 0 to 100."""

import numpy as np

from audio_library.graph import Block
from audio_library.settings import DELIVERY_RATE_HZ

_POINTS = 600


class Waveform:
    """Collects the highest level of every 10 ms; an hour is 360,000 numbers."""

    def __init__(self, rate_hz: int = DELIVERY_RATE_HZ) -> None:
        self._step = rate_hz // 100
        self._rest: Block = np.zeros(0, np.float32)
        self._highest: list[Block] = []

    def push(self, block: Block) -> None:
        sound = np.concatenate([self._rest, block])
        whole = sound.size // self._step * self._step
        self._highest.append(np.abs(sound[:whole]).reshape(-1, self._step).max(axis=1, initial=0.0))
        self._rest = sound[whole:]

    def points(self) -> tuple[int, ...]:
        """At most 600 levels in percent of full scale, evenly spread over the clip."""
        rest = [np.abs(self._rest).max(initial=0.0, keepdims=True)] if self._rest.size else []
        levels = np.concatenate([*self._highest, *rest, np.zeros(0, np.float32)])
        if levels.size == 0:
            return ()
        edges = np.linspace(0, levels.size, min(_POINTS, levels.size) + 1).astype(int)[:-1]
        return tuple(int(x) for x in np.rint(np.maximum.reduceat(levels, edges).clip(0, 1) * 100))
