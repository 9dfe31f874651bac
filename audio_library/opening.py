"""Open one foreign file that is already held as a descriptor, and find the sound in it.

Runs in the confined worker. FFmpeg gets a Python file object, a list of containers and decoders,
and no protocol: it has no way to name another file even where the fences would let it.
"""

import errno
import os
from dataclasses import dataclass
from math import inf
from typing import Any, BinaryIO

import av

from audio_library.errors import AudioError
from audio_library.formats import DECODERS, DEMUXERS
from audio_library.settings import Limits

_OPTIONS = {
    "format_whitelist": ",".join(DEMUXERS),
    "codec_whitelist": ",".join(DECODERS),
    "protocol_whitelist": "",
    "probesize": "5000000",
    "analyzeduration": "10000000",
    "max_streams": "64",
}
_HEAD_BYTES = 1 << 20
# Old Vietnamese tags are in TCVN3 or VNI, never UTF-8; from PyAV 19 on that harms nothing.
_TAGS: dict[str, Any] = (
    {"metadata_errors": "replace"} if int(av.__version__.partition(".")[0]) < 19 else {}
)
# How recordings begin; what begins so and cannot be opened is damaged, not something else.
_MARKS = (
    b"ftyp",
    b"RIFF",
    b"OggS",
    b"fLaC",
    b"#!AMR",
    b"ID3",
    b"\x1aE\xdf\xa3",
    b"0&\xb2u",
    b"FORM",
)
_ADTS = (b"\xf0", b"\xf1", b"\xf8", b"\xf9")
_LARGEST_RIFF_BYTES = 1 << 31
_GUESS_MAY_BE = 3  # a length guessed from a variable bit rate can be several times too long


@dataclass(frozen=True, slots=True)
class Track:
    """The sound found: FFmpeg's container and stream, and how long it says it is.

    `of` is how many sound tracks the file has that can be read.
    """

    container: Any
    stream: Any
    declared_s: float | None
    exact: bool  # whether that length is written in the file, not guessed from its size
    of: int = 1


def open_track(file: BinaryIO, limits: Limits, number: int = 0) -> Track:
    """A sound track of a file, the likeliest first; there are `Track.of` to choose from.

    Raises AudioError for what holds no sound, or asks for too much.
    """
    size_bytes = file.seek(0, os.SEEK_END)  # the fences refuse fstat
    file.seek(0)
    head = file.read(_HEAD_BYTES)
    file.seek(0)
    container = _opened(file, head)
    streams = _sounds_of(container)
    stream = streams[number]
    _check_settings(stream, limits)
    exact = _says_its_length(head)
    declared_s = _declared_s(container, stream)
    if declared_s:
        declared_s *= _cut_off(head, size_bytes)
    if (declared_s or 0) > limits.max_duration_s:
        # A WAV header may say 4 GB in a file of 40 kB; for plain samples the size is the truth.
        declared_s = min(declared_s or 0, _held_s(stream, size_bytes))
    if (declared_s or 0) > limits.max_duration_s * (1 if exact else _GUESS_MAY_BE):
        raise too_long(limits)
    return Track(container, stream, declared_s, exact, len(streams))


class _Held:
    """The file as FFmpeg may use it; a seek to a place that cannot be is an error, not a crash."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def read(self, size: int) -> bytes:
        return self._file.read(size)

    def tell(self) -> int:
        return self._file.tell()

    def seek(self, offset: int, whence: int = 0) -> int:
        try:
            return self._file.seek(offset, whence)
        except (OSError, ValueError, OverflowError):
            return -errno.EINVAL


def _opened(file: BinaryIO, head: bytes) -> Any:
    try:
        return av.open(_Held(file), "r", options=_OPTIONS, **_TAGS)
    except (av.error.FFmpegError, ValueError, UnicodeError) as error:
        known = any(mark in head[:64] for mark in _MARKS)
        raise AudioError("damaged" if known else "not_audio") from error


def _sounds_of(container: Any) -> list[Any]:
    """The tracks that can be read. New phones put one beside the usual track that cannot."""
    if not container.streams.audio:
        raise AudioError("no_sound" if container.streams.video else "not_audio")
    best = container.streams.best("audio")
    streams = sorted(container.streams.audio, key=lambda stream: stream is not best)
    readable = [s for s in streams if s.codec_context and s.codec_context.name in DECODERS]
    if not readable:
        raise AudioError("unsupported")
    return readable


def _check_settings(stream: Any, limits: Limits) -> None:
    context = stream.codec_context
    if context.sample_rate == 0:  # nothing could be decoded to find it out
        raise AudioError("damaged")
    if not 4000 <= context.sample_rate <= limits.max_rate_hz:
        raise AudioError("absurd")
    if not 1 <= context.layout.nb_channels <= limits.max_channels:
        raise AudioError("absurd")


def _declared_s(container: Any, stream: Any) -> float | None:
    declared = None
    if stream.duration and stream.time_base:
        declared = float(stream.duration * stream.time_base)
    elif container.duration:
        declared = container.duration / av.time_base
    return declared if declared and declared > 0 else None


def _cut_off(head: bytes, size_bytes: int) -> float:
    """How many times larger a RIFF file says it is; FFmpeg believes the file's size alone.

    Recorders that write as they go leave 4 GB or nothing there: that says nothing.
    """
    said = int.from_bytes(head[4:8], "little") + 8 if head[:4] == b"RIFF" else 0
    return said / size_bytes if size_bytes < said < _LARGEST_RIFF_BYTES else 1.0


def _held_s(stream: Any, size_bytes: int) -> float:
    """How long a file of this size can be at most; infinite for what is compressed."""
    context = stream.codec_context
    if context.name.startswith("pcm_") and context.bit_rate:
        return float(size_bytes * 8 / context.bit_rate)
    return inf


def _says_its_length(head: bytes) -> bool:
    """Raw AMR and AAC never do; MP3 does in a first frame marked Xing, Info or VBRI."""
    if head.startswith((b"#!AMR", b"ADIF")) or (head[:1] == b"\xff" and head[1:2] in _ADTS):
        return False
    if head.startswith(b"ID3") or (head[:1] == b"\xff" and head[1:2] >= b"\xe0"):
        return any(mark in head for mark in (b"Xing", b"Info", b"VBRI"))
    return True


def too_long(limits: Limits) -> AudioError:
    """The refusal of what goes on for too long."""
    return AudioError("too_long", most=round(limits.max_duration_s / 60))
