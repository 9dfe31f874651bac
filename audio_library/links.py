"""Ogg files that were joined end to end: where each recording in them begins and ends.

Radio recorders and `cat` make such chains. FFmpeg stops at a link with other settings than the
first (8.0: "Channel change is not supported"), so `reader` opens each link as a file of its own.
"""

import os
from dataclasses import dataclass
from typing import BinaryIO

_HEADER_BYTES = 27
_FIRST_PAGE = 2  # header flag: a stream begins here
_MOST_LINKS = 500


@dataclass(slots=True)
class Window:
    """Part of a file, to be read and sought in like a whole one."""

    file: BinaryIO
    start: int
    end: int
    at: int = 0

    def read(self, size: int = -1) -> bytes:
        left = max(self.end - self.start - self.at, 0)
        self.file.seek(self.start + self.at)
        data = self.file.read(left if size < 0 else min(size, left))
        self.at += len(data)
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self.at, os.SEEK_END: self.end - self.start}[whence]
        if base + offset < 0:
            raise ValueError(offset)
        self.at = base + offset
        return self.at

    def tell(self) -> int:
        return self.at


def links(file: BinaryIO) -> list[Window]:
    """The recordings a file holds: one, unless it is a chain of Ogg streams."""
    whole = file.seek(0, os.SEEK_END)
    starts, at, beginning = [0], 0, True
    while at < whole and len(starts) < _MOST_LINKS:
        file.seek(at)
        header = file.read(_HEADER_BYTES)
        if len(header) < _HEADER_BYTES or header[:4] != b"OggS":
            break  # not Ogg, or damaged: what follows belongs to the last link
        first = bool(header[5] & _FIRST_PAGE)
        if first and not beginning:
            starts.append(at)
        beginning = first
        at += _HEADER_BYTES + header[26] + sum(file.read(header[26]))
    file.seek(0)
    return [
        Window(file, start, end) for start, end in zip(starts, [*starts[1:], whole], strict=True)
    ]
