"""Read the sound of one foreign file as plain blocks, as far as it can be read.

Runs in the confined worker. Damage in the middle is skipped and counted; formats may change.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, BinaryIO

import av
import numpy as np
from numpy.typing import NDArray

from audio_library.errors import AudioError
from audio_library.links import links
from audio_library.opening import open_track, too_long
from audio_library.settings import Limits

MOST_TRACKS = 4
_AUDIBLE = 0.001  # −60 dBFS
# Below this share of the declared length the file is too broken to trust what was heard.
_LEAST_SHARE = 0.25
_WHOLE_SHARE = 0.97
# Samples in an AMR frame, and the size of one that holds no speech (SID or nothing).
_AMR_FRAME = {"amrnb": 160, "amrwb": 320}
_AMR_PAUSE_BYTES = 7


@dataclass(slots=True)
class Reading:
    """What reading told about the file; complete once `blocks` is exhausted."""

    format: str
    codec: str
    declared_s: float | None
    rate_hz: int
    exact: bool  # whether the declared length is written in the file, not guessed from its size
    heard_s: float = 0.0
    reached_s: float = 0.0  # the latest time stamp of sound or picture
    bad_packets: int = 0

    @property
    def whole(self) -> bool:
        """Whether all was heard that the file itself declares."""
        return bool(self.exact and self.declared_s and self.heard_s > self.declared_s - 0.1)

    @property
    def cut_short(self) -> bool:
        """Whether clearly less could be read than the file declares.

        Where the picture of a video goes on after its sound, the picture tells.
        """
        declared_s = self.declared_s if self.exact else None
        reached_s = max(self.heard_s, self.reached_s)
        return bool(declared_s and reached_s < _WHOLE_SHARE * declared_s - 0.3)


class Source:
    """The sound track of one file. Raises AudioError for whatever cannot be read.

    Its blocks come at `rate_hz`, or at the file's own rate.
    """

    def __init__(
        self,
        file: BinaryIO,
        limits: Limits,
        *,
        track_number: int = 0,
        rate_hz: int | None = None,
    ) -> None:
        self._limits = limits
        self._rate_hz = rate_hz
        first, *self._more = links(file)
        track = open_track(first, limits, track_number)
        self.tracks = track.of
        self._container, self._stream = track.container, track.stream
        self._unread = 0  # packets that could not be decoded since the last one that could
        self.reading = Reading(
            format=track.container.format.name.split(",")[0],
            codec=track.stream.codec_context.name,
            declared_s=track.declared_s,
            rate_hz=track.stream.codec_context.sample_rate,
            exact=track.exact,
        )

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        """Blocks of about a second, shape (1 or 2 channels, frames)."""
        regular = _Regular(self._rate_hz or self.reading.rate_hz)
        samples = 0
        for frame in self._frames():
            self.reading.heard_s += frame.samples / frame.sample_rate
            samples += frame.samples * frame.layout.nb_channels
            if self.reading.heard_s > self._limits.max_duration_s:
                raise too_long(self._limits)
            if samples > self._limits.max_samples:
                raise AudioError("too_heavy")
            yield from regular.push(frame)
        yield from regular.finish()
        self._check_heard()

    def _frames(self) -> Iterator[Any]:
        yield from self._link()
        for window in self._more:
            try:
                track = open_track(window, self._limits)
            except AudioError:  # a broken end does not take the beginning with it
                self.reading.bad_packets += 1
                continue
            self._container, self._stream = track.container, track.stream
            yield from self._link()

    def _link(self) -> Iterator[Any]:
        """The frames of one recording: the whole file, or a link of a chain."""
        for packet in self._packets():
            try:
                for frame in self._stream.decode(packet):
                    self._count_unread()
                    yield frame
            except av.error.EOFError:
                return
            except av.error.FFmpegError:
                yield from self._instead_of(packet)
        # A single last one is padding, as sox leaves after GSM; behind a whole recording lies no
        # sound at all, but tags, or what a memory card had there before.
        if self._unread > 1 and not self.reading.whole:
            self._count_unread()

    def _packets(self) -> Iterator[Any]:
        """The sound's packets, then None; pictures are looked at for their time stamps only."""
        packets = self._container.demux(self._stream, *self._container.streams.video)
        while True:
            try:
                packet = next(packets, None)
            except av.error.FFmpegError:  # the container breaks off: keep what was heard
                self.reading.bad_packets += 1
                packet = None
            if packet is None:
                break
            if packet.pts is not None and packet.time_base:
                reached_s = float(packet.pts * packet.time_base)
                self.reading.reached_s = max(self.reading.reached_s, reached_s)
            if packet.stream.index == self._stream.index and packet.size:
                yield packet
        yield None

    def _count_unread(self) -> None:
        self.reading.bad_packets += self._unread
        self._unread = 0

    def _instead_of(self, packet: Any) -> Iterator[Any]:
        """AMR of phones leaves out the pauses (DTX); FFmpeg calls those 20 ms unsupported."""
        length = _AMR_FRAME.get(self.reading.codec)
        if length is None or packet is None or packet.size > _AMR_PAUSE_BYTES:
            self._unread += 1
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


def audible_track(file: BinaryIO, limits: Limits) -> int:
    """Number of the first sound track that is not silent; 0 where all are, or there is but one."""
    number, of = 0, 1
    while number < of:
        file.seek(0)
        source = Source(file, limits, track_number=number)
        of = min(source.tracks, MOST_TRACKS)
        if of == 1 or any(float(np.abs(block).max()) > _AUDIBLE for block in source.blocks()):
            return number
        number += 1
    return 0


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
