"""A score: what an airing sounds like, frame by frame, ready before its instant.

Sounds are raw 48 kHz mono 16-bit files, mapped into memory; between them is silence. At full
volume and no gain the frames that come out are those in the files, bit for bit.
"""

import mmap
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

RATE = 48_000
FRAME_BYTES = 2
_LOUDEST = 32_767
_QUIETEST = -32_768


@dataclass(frozen=True, slots=True)
class Sound:
    """One playing of a clip: at frame `at` of the programme, `frames` long."""

    at: int
    frames: int
    pcm: Any  # a mapped file, or bytes
    gain: float = 1.0


@dataclass
class Score:
    """The sounds of one airing in order, and its length in frames."""

    sounds: tuple[Sound, ...] = ()
    frames: int = 0
    _next: int = field(default=0, repr=False)

    @classmethod
    def from_message(cls, sounds: Sequence[dict[str, Any]]) -> "Score":
        """From [{"path", "frames", "at", "gain_db"}], at ascending. Raises OSError."""
        maps: dict[str, Any] = {}
        laid = tuple(_mapped(maps, sound) for sound in sounds)
        return cls(laid, max((s.at + s.frames for s in laid), default=0))

    def render(self, position: int, frames: int) -> bytes | bytearray:
        """`frames` frames from `position` on (before 0 and past the end: silence)."""
        end = position + frames
        out: bytearray | None = None
        for sound in self.sounds:
            if sound.at >= end:
                break
            if sound.at + sound.frames <= position:
                continue
            first, last = max(position, sound.at), min(end, sound.at + sound.frames)
            piece = sound.pcm[(first - sound.at) * FRAME_BYTES : (last - sound.at) * FRAME_BYTES]
            piece = scaled(piece, sound.gain)
            if last - first == frames:
                return bytes(piece)
            if out is None:
                out = bytearray(frames * FRAME_BYTES)
            start = (first - position) * FRAME_BYTES
            out[start : start + len(piece)] = piece
        return out if out is not None else bytes(frames * FRAME_BYTES)


def scaled(pcm: bytes, factor: float) -> bytes:
    """`pcm` times `factor`, limited to 16 bits; the very same bytes when the factor is 1."""
    if factor == 1.0:
        return pcm
    frames = array("h", pcm)
    if factor < 1.0:
        return array("h", [int(value * factor) for value in frames]).tobytes()
    loud = (int(value * factor) for value in frames)
    return array("h", [max(_QUIETEST, min(_LOUDEST, value)) for value in loud]).tobytes()


def ramped(pcm: bytes | bytearray, begin: float, end: float) -> bytes:
    """`pcm` under a straight line from volume `begin` to volume `end`."""
    frames = array("h", bytes(pcm))
    step = (end - begin) / max(len(frames), 1)
    return array("h", [int(value * (begin + step * i)) for i, value in enumerate(frames)]).tobytes()


def _mapped(maps: dict[str, Any], sound: dict[str, Any]) -> Sound:
    path = str(sound["path"])
    if path not in maps:
        maps[path] = _map(Path(path))
    frames = min(int(sound["frames"]), len(maps[path]) // FRAME_BYTES)
    return Sound(int(sound["at"]), frames, maps[path], 10 ** (float(sound["gain_db"]) / 20))


def _map(path: Path) -> Any:
    with path.open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    mapped.madvise(mmap.MADV_WILLNEED)
    return mapped
