"""Open one foreign file that is already held as a descriptor, and find the sound in it.

Runs in the confined worker. FFmpeg gets a Python file object, a list of containers and decoders,
and no protocol: it has no way to name another file even where the fences would let it.
"""

import errno
import os
from dataclasses import dataclass
from math import inf
from typing import Any, Protocol

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
_HEAD_BYTES = 1 << 16
# A tag with a picture may be megabytes; behind it is where the sound says what it is.
_MOST_TAGS = 4
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
# Streams without a length of their own: FFmpeg guesses it from the size and the bit rate.
_ENDLESS = ("aac", "ac3", "amr", "amrnb", "amrwb", "eac3", "loas")
_LARGEST_RIFF_BYTES = 1 << 31
_GUESS_MAY_BE = 3  # a length guessed from a variable bit rate can be several times too long


class Readable(Protocol):
    """A file, or a part of one."""

    def read(self, size: int = -1, /) -> bytes: ...
    def seek(self, offset: int, whence: int = 0, /) -> int: ...
    def tell(self) -> int: ...


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


def open_track(file: Readable, limits: Limits, number: int = 0) -> Track:
    """A sound track of a file, the likeliest first; there are `Track.of` to choose from.

    Raises AudioError for what holds no sound, or asks for too much.
    """
    size_bytes = file.seek(0, os.SEEK_END)  # the fences refuse fstat
    file.seek(0)
    head = file.read(_HEAD_BYTES)
    sound = _behind_tags(file, head)
    file.seek(0)
    container = _opened(file, head, sound)
    streams = _sounds_of(container)
    stream = streams[number]
    _check_settings(stream, limits)
    counted_s = _counted_s(sound, stream) if container.format.name == "mp3" else None
    exact = bool(counted_s) or container.format.name not in ("mp3", *_ENDLESS)
    declared_s = counted_s or _declared_s(container, stream)
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

    def __init__(self, file: Readable) -> None:
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


def _opened(file: Readable, head: bytes, sound: bytes) -> Any:
    try:
        return av.open(_Held(file), "r", options=_OPTIONS, **_TAGS)
    except (av.error.FFmpegError, ValueError, UnicodeError) as error:
        if _is_free_format(sound):
            raise AudioError("unsupported") from error
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


def _behind_tags(file: Readable, head: bytes) -> bytes:
    """The first bytes that are no ID3 tag, whose text and picture may hold anything."""
    at = 0
    for _ in range(_MOST_TAGS):
        if head[:3] != b"ID3" or len(head) < 10:
            break
        # Four times seven bits; the header's own ten bytes are not counted.
        at += 10 + sum(
            (byte & 0x7F) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=True)
        )
        file.seek(at)
        head = file.read(_HEAD_BYTES)
    return head


def _counted_s(sound: bytes, stream: Any) -> float | None:
    """The length an MP3 says in its first frame, which counts the others. FFmpeg takes a guess
    at the bit rate instead where something else follows in the file."""
    frames = None
    for mark, at in ((b"Xing", 8), (b"Info", 8), (b"VBRI", 14)):
        found = sound.find(mark, 0, 8192)
        if found >= 0 and (mark == b"VBRI" or sound[found + 7 : found + 8] > b"\0"):
            frames = int.from_bytes(sound[found + at : found + at + 4], "big")
            break
    rate_hz = stream.codec_context.sample_rate
    return frames * (1152 if rate_hz >= 32_000 else 576) / rate_hz if frames else None


def _is_free_format(sound: bytes) -> bool:
    """An MP3 frame of no bit rate from the list, which FFmpeg does not read."""
    return sound[:1] == b"\xff" and sound[1:2] >= b"\xe2" and 0 <= (sound[2:3] or b"\xf0")[0] < 16


def too_long(limits: Limits) -> AudioError:
    """The refusal of what goes on for too long."""
    return AudioError("too_long", most=round(limits.max_duration_s / 60))
