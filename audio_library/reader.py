"""Open one foreign file that is already held as a descriptor, and read its sound as plain blocks.

Runs in the confined worker. FFmpeg gets a Python file object, a list of containers and decoders,
and no protocol: it has no way to name another file even where the fences would let it.
"""

import errno
import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, BinaryIO

import av
import numpy as np
from numpy.typing import NDArray

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
# Below this share of the declared length the file is too broken to trust what was heard.
_LEAST_SHARE = 0.25
_WHOLE_SHARE = 0.97
# Samples in an AMR frame, and the size of one that holds no speech (SID or nothing).
_AMR_FRAME = {"amrnb": 160, "amrwb": 320}
_AMR_PAUSE_BYTES = 7
_HEAD_BYTES = 1 << 20
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


@dataclass(slots=True)
class Reading:
    """What reading told about the file; complete once `blocks` is exhausted."""

    format: str
    codec: str
    declared_s: float | None
    rate_hz: int
    exact: bool  # whether the declared length is written in the file, not guessed from its size
    heard_s: float = 0.0
    bad_packets: int = 0

    @property
    def cut_short(self) -> bool:
        """Whether clearly less could be read than the file declares."""
        declared_s = self.declared_s if self.exact else None
        return bool(declared_s and self.heard_s < _WHOLE_SHARE * declared_s - 0.3)


class Source:
    """The sound track of one file. Raises AudioError for whatever cannot be read."""

    def __init__(self, file: BinaryIO, limits: Limits) -> None:
        self._limits = limits
        size_bytes = file.seek(0, os.SEEK_END)  # the fences refuse fstat
        file.seek(0)
        head = file.read(_HEAD_BYTES)
        file.seek(0)
        exact = _says_its_length(head)
        self._container = _opened(file, head)
        self._stream = _sound_of(self._container)
        _check_settings(self._stream, limits)
        self.reading = Reading(
            format=self._container.format.name.split(",")[0],
            codec=self._stream.codec_context.name,
            declared_s=_declared_s(self._container, self._stream, size_bytes),
            rate_hz=self._stream.codec_context.sample_rate,
            exact=exact,
        )
        # A guess at a variable bit rate can be several times too long.
        if (self.reading.declared_s or 0) > limits.max_duration_s * (1 if exact else 3):
            raise _too_long(limits)

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        """Blocks of about a second, shape (1 or 2 channels, frames) at `reading.rate_hz`."""
        regular = _Regular(self.reading.rate_hz)
        samples = 0
        for frame in self._frames():
            self.reading.heard_s += frame.samples / frame.sample_rate
            samples += frame.samples * frame.layout.nb_channels
            if self.reading.heard_s > self._limits.max_duration_s:
                raise _too_long(self._limits)
            if samples > self._limits.max_samples:
                raise AudioError("too_heavy")
            yield from regular.push(frame)
        yield from regular.finish()
        self._check_heard()

    def _frames(self) -> Iterator[Any]:
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
            except av.error.FFmpegError:  # the container breaks off: keep what was heard
                self.reading.bad_packets += 1
                packet = None
            try:
                yield from self._stream.decode(packet)
            except av.error.EOFError:
                return
            except av.error.FFmpegError:
                yield from self._instead_of(packet)
            if packet is None or (packet.dts is None and packet.size == 0):
                return

    def _instead_of(self, packet: Any) -> Iterator[Any]:
        """AMR of phones leaves out the pauses (DTX); FFmpeg calls those 20 ms unsupported."""
        length = _AMR_FRAME.get(self.reading.codec)
        if length is None or packet is None or packet.size > _AMR_PAUSE_BYTES:
            self.reading.bad_packets += 1
            return
        form = self._stream.codec_context.format.name
        silence = av.AudioFrame.from_ndarray(
            np.zeros((1, length), np.float32), format=form, layout="mono"
        )
        silence.sample_rate = self.reading.rate_hz
        yield silence

    def _check_heard(self) -> None:
        heard, declared = self.reading.heard_s, self.reading.declared_s
        exact = self.reading.exact
        if heard == 0 or (exact and declared and heard < _LEAST_SHARE * declared):
            raise AudioError("damaged")
        if heard < self._limits.min_duration_s:
            raise AudioError("too_short", least=self._limits.min_duration_s)


class _Regular:
    """Frames of whatever format, which may change midway, to float blocks of one rate."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._format: tuple[str, str, int] | None = None
        self._graph: Any = None
        self._stereo = False

    def push(self, frame: Any) -> Iterator[NDArray[np.float32]]:
        form = (frame.format.name, frame.layout.name, frame.sample_rate)
        if form != self._format:
            yield from self.finish()
            self._build(frame, form)
        frame.pts = None
        self._graph.push(frame)
        yield from self._ready()

    def finish(self) -> Iterator[NDArray[np.float32]]:
        if self._graph is not None:
            self._graph.push(None)
            yield from self._ready()
            self._graph = None

    def _build(self, frame: Any, form: tuple[str, str, int]) -> None:
        self._format = form
        self._stereo = self._stereo or frame.layout.nb_channels > 1
        layout = "stereo" if frame.layout.nb_channels > 1 else "mono"
        self._graph = graph = av.filter.Graph()
        nodes = [
            graph.add(
                "abuffer",
                sample_rate=str(frame.sample_rate),
                sample_fmt=frame.format.name,
                channel_layout=frame.layout.name,
                time_base=f"1/{frame.sample_rate}",
            ),
            graph.add("aresample", str(self._rate_hz)),
            graph.add("aformat", f"sample_fmts=fltp:channel_layouts={layout}"),
            graph.add("asetnsamples", f"n={self._rate_hz}:p=0"),
            graph.add("abuffersink"),
        ]
        for left, right in pairwise(nodes):
            left.link_to(right)
        graph.configure()

    def _ready(self) -> Iterator[NDArray[np.float32]]:
        while True:
            try:
                frame = self._graph.pull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return
            # A damaged float stream can carry NaN; it must not poison every later sum.
            yield np.clip(np.nan_to_num(frame.to_ndarray()), -8.0, 8.0)


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
        return av.open(_Held(file), "r", options=_OPTIONS, metadata_errors="replace")
    except (av.error.FFmpegError, ValueError, UnicodeError) as error:
        known = any(mark in head[:64] for mark in _MARKS)
        raise AudioError("damaged" if known else "not_audio") from error


def _sound_of(container: Any) -> Any:
    if not container.streams.audio:
        raise AudioError("no_sound" if container.streams.video else "not_audio")
    stream = container.streams.best("audio") or container.streams.audio[0]
    context = stream.codec_context
    if context is None or context.name not in DECODERS:
        raise AudioError("unsupported")
    return stream


def _check_settings(stream: Any, limits: Limits) -> None:
    context = stream.codec_context
    if not 4000 <= context.sample_rate <= limits.max_rate_hz:
        raise AudioError("absurd")
    if not 1 <= context.layout.nb_channels <= limits.max_channels:
        raise AudioError("absurd")


def _declared_s(container: Any, stream: Any, size_bytes: int) -> float | None:
    declared = None
    if stream.duration and stream.time_base:
        declared = float(stream.duration * stream.time_base)
    elif container.duration:
        declared = container.duration / av.time_base
    context = stream.codec_context
    if declared and context.name.startswith("pcm_") and context.bit_rate:
        # A WAV header may say 4 GB in a file of 40 kB; for plain samples the size is the truth.
        declared = min(declared, size_bytes * 8 / context.bit_rate)
    return declared if declared and declared > 0 else None


def _says_its_length(head: bytes) -> bool:
    """Raw AMR and AAC never do; MP3 does in a first frame marked Xing, Info or VBRI."""
    if head.startswith((b"#!AMR", b"ADIF")) or (head[:1] == b"\xff" and head[1:2] in _ADTS):
        return False
    if head.startswith(b"ID3") or (head[:1] == b"\xff" and head[1:2] >= b"\xe0"):
        return any(mark in head for mark in (b"Xing", b"Info", b"VBRI"))
    return True


def _too_long(limits: Limits) -> AudioError:
    return AudioError("too_long", most=round(limits.max_duration_s / 60))
