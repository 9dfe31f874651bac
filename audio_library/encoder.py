"""Write sound as a file people or nodes can play: Ogg Opus to villages, MP3 or M4A to phones."""

import os
from dataclasses import dataclass
from typing import Any, BinaryIO

import av
import numpy as np

from audio_library.graph import Block
from audio_library.settings import DELIVERY_BIT_RATE, DELIVERY_RATE_HZ


@dataclass(frozen=True, slots=True)
class Output:
    """A container, a codec and its settings; `samples` is the sample format the codec takes."""

    container: str
    codec: str
    bit_rate: int
    samples: str
    mime: str
    options: tuple[tuple[str, str], ...] = ()


OUTPUTS: dict[str, Output] = {
    # Complexity 7 of 10 takes a fifth less time for the same size; at 6 the size doubles.
    # `bitexact` leaves out random serials and version tags: the same sound is the same file.
    "opus": Output(
        "ogg", "libopus", DELIVERY_BIT_RATE, "flt", "audio/ogg", (("compression_level", "7"),)
    ),
    "mp3": Output("mp3", "libmp3lame", 64_000, "fltp", "audio/mpeg"),
    "m4a": Output("mp4", "aac", 64_000, "fltp", "audio/mp4"),
}


class Encoder:
    """Mono 48 kHz blocks into one file. `finish` must be called for the file to be whole."""

    def __init__(self, file: BinaryIO, output: Output) -> None:
        if file.seek(0, os.SEEK_END):  # an earlier try
            file.seek(0)
            file.truncate()
        self._container: Any = av.open(
            file,
            "w",
            format=output.container,
            container_options={"fflags": "+bitexact"},
        )
        options = {**dict(output.options), "flags": "+bitexact"}
        stream: Any = self._container.add_stream(
            output.codec, rate=DELIVERY_RATE_HZ, layout="mono", options=options
        )
        stream.bit_rate = output.bit_rate
        stream.codec_context.format = output.samples
        self._stream = stream
        self._samples = output.samples
        self.frames = 0

    def push(self, block: Block) -> list[bytes]:
        """Encode a block; returns a copy of the packets written."""
        shaped = np.ascontiguousarray(block[None, :], np.float32)
        frame = av.AudioFrame.from_ndarray(shaped, format=self._samples, layout="mono")
        frame.sample_rate = DELIVERY_RATE_HZ
        frame.pts = self.frames
        self.frames += block.size
        return self._write(self._stream.encode(frame))

    def finish(self) -> list[bytes]:
        """Write what the encoder still held and the file's end."""
        last = self._write(self._stream.encode(None))
        self._container.close()
        return last

    def _write(self, packets: list[Any]) -> list[bytes]:
        written = [bytes(packet) for packet in packets]
        self._container.mux(packets)
        return written
