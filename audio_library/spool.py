"""The recording between its two passes: mono 24 kHz, 16 bits, in a nameless file on disk.

The horns' low-pass at 9 kHz makes 24 kHz enough; it halves the work of every filter, and an hour
takes 173 MB of disk instead of memory. Six decibels of headroom keep filter overshoots whole.
"""

from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

from audio_library.graph import Block

SPOOL_RATE_HZ = 24_000
_SCALE = 16384.0
_BYTES = 2


class Spool:
    """Blocks written once, then read any number of times, whole or in part, and replaced."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.frames = 0

    def append(self, block: Block) -> None:
        samples = np.clip(block * _SCALE, -32768, 32767).astype("<i2")
        self._file.write(samples.tobytes())
        self.frames += block.size

    def restart(self) -> None:
        """Forget what was written."""
        self._file.seek(0)
        self.frames = 0

    def blocks(self, start: int = 0, end: int | None = None) -> Iterator[Block]:
        """Frames `start` to `end` in blocks of a second."""
        self._file.flush()
        end = self.frames if end is None else min(end, self.frames)
        for at in range(start, end, SPOOL_RATE_HZ):
            yield self._read(at, min(SPOOL_RATE_HZ, end - at))

    def rewrite(self, start: int, blocks: Iterator[Block]) -> None:
        """Put changed blocks back at `start`, never past what was read to make them."""
        at = start
        for block in blocks:
            block = block[: max(self.frames - at, 0)]
            self._file.seek(at * _BYTES)
            self._file.write(np.clip(block * _SCALE, -32768, 32767).astype("<i2").tobytes())
            at += block.size
        self._file.flush()

    def _read(self, at: int, count: int) -> Block:
        self._file.seek(at * _BYTES)
        samples = np.frombuffer(self._file.read(count * _BYTES), "<i2")
        return samples.astype(np.float32) / np.float32(_SCALE)
