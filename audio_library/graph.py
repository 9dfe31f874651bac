"""A filter chain with numpy blocks going in and out: the one place that builds FFmpeg graphs."""

from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

import av
import numpy as np
from numpy.typing import NDArray

Block: TypeAlias = NDArray[np.float32]  # mono samples, full scale = 1.0


class Chain:
    """Mono float blocks at `rate_hz` through `filters` (FFmpeg's syntax, comma separated).

    `metadata` holds what the last frame that came out carried (meters write there).
    """

    def __init__(self, filters: str, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._graph = av.filter.Graph()
        buffer = self._graph.add(
            "abuffer",
            sample_rate=str(rate_hz),
            sample_fmt="fltp",
            channel_layout="mono",
            time_base=f"1/{rate_hz}",
        )
        self._last = buffer
        for name, arguments in _parsed(filters):
            self._append(name, arguments)
        self._append("aformat", "sample_fmts=fltp:channel_layouts=mono")
        self._append("abuffersink", None)
        self._graph.configure()
        self._pushed = 0
        self.metadata: dict[str, str] = {}

    def push(self, block: Block) -> Iterator[Block]:
        """Feed one block; yields whatever the chain has ready."""
        frame = av.AudioFrame.from_ndarray(block[None, :], format="fltp", layout="mono")
        frame.sample_rate = self._rate_hz
        frame.pts = self._pushed
        self._pushed += block.size
        self._graph.push(frame)
        return self._ready()

    def finish(self) -> Iterator[Block]:
        """Say that no more comes; yields what the filters still held."""
        self._graph.push(None)
        return self._ready()

    def _ready(self) -> Iterator[Block]:
        while True:
            try:
                frame: Any = self._graph.pull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return
            self.metadata = frame.metadata or self.metadata  # a last, partial frame has none
            yield frame.to_ndarray()[0]

    def _append(self, name: str, arguments: str | None) -> None:
        node = self._graph.add(name, arguments) if arguments else self._graph.add(name)
        self._last.link_to(node)
        self._last = node


def run(blocks: Iterable[Block], filters: str, rate_hz: int) -> Iterator[Block]:
    """All blocks through one chain, its tail included."""
    chain = Chain(filters, rate_hz)
    for block in blocks:
        yield from chain.push(block)
    yield from chain.finish()


def _parsed(filters: str) -> Iterator[tuple[str, str | None]]:
    for part in filters.split(","):
        name, _, arguments = part.partition("=")
        yield name, arguments or None
