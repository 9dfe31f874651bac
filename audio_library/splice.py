"""The splice a node makes, made here for the ear of an official; runs in the worker.

Each clip is decoded and turned by pydub into the samples a node would play: gain, silence between,
clip after clip. A second of one clip is in memory at a time: an original may last an hour.
"""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from pydub import AudioSegment

from audio_library.encoder import OUTPUTS, Encoder
from audio_library.errors import AudioError
from audio_library.graph import Block
from audio_library.listening import Ear
from audio_library.reader import Source, audible_track
from audio_library.settings import DELIVERY_RATE_HZ, Limits

_DELIVERED = ("ogg", "opus", DELIVERY_RATE_HZ)


def preview(arguments: dict[str, Any], files: list[BinaryIO], report: Any) -> dict[str, Any]:
    """The worker's job: all parts into one file. Files: target, then one per entry of `sha256s`."""
    target, *sources = files
    held = dict(zip(arguments["sha256s"], sources, strict=True))
    encoder = Encoder(target, OUTPUTS[arguments["fmt"]])
    parts = arguments["parts"]
    for number, part in enumerate(parts):
        last = number == len(parts) - 1
        for sound in _sounds(part, held[part["sha256"]], arguments["volume_db"], last):
            for block in _blocks(sound):
                encoder.push(block)
        report((number + 1) / len(parts))
    encoder.finish()
    return {"frames": encoder.frames}


def check(_: dict[str, Any], files: list[BinaryIO], _report: object) -> dict[str, Any]:
    """The worker's job: whether a file is whole and in the delivery format, and how it sounds.

    Files: the sound.
    """
    source = Source(files[0], Limits())
    ear, frames = Ear(), 0
    for block in source.blocks():
        if block.shape[0] == 1:
            frames += block.shape[1]
            ear.push(np.ascontiguousarray(block[0]))
    reading = source.reading
    if (reading.format, reading.codec, reading.rate_hz) != _DELIVERED or reading.bad_packets:
        raise AudioError("unsupported")
    if frames != round(reading.heard_s * DELIVERY_RATE_HZ) or reading.cut_short:
        raise AudioError("damaged")
    return asdict(ear.heard(frames))


def _sounds(
    part: dict[str, Any], file: BinaryIO, volume_db: float, last: bool
) -> Iterator[AudioSegment]:
    gain_db = part["gain_db"] + volume_db
    gap = AudioSegment.silent(duration=part["gap_ms"], frame_rate=DELIVERY_RATE_HZ)
    for time in range(part["times"]):
        for second in decoded(file):
            yield second.apply_gain(gain_db)
        if part["gap_ms"] and not (last and time == part["times"] - 1):
            yield gap


def decoded(file: BinaryIO) -> Iterator[AudioSegment]:
    """One stored sound, a clip or an untouched original, by the second: mono 48 kHz, 16 bits."""
    limits = Limits(min_duration_s=0)
    track = audible_track(file, limits)
    file.seek(0)
    source = Source(file, limits, track_number=track, rate_hz=DELIVERY_RATE_HZ)
    for block in source.blocks():
        samples = np.rint(_mono(block).clip(-1, 1) * 32767).astype("<i2").tobytes()
        yield AudioSegment(samples, frame_rate=DELIVERY_RATE_HZ, sample_width=2, channels=1)


def _mono(block: NDArray[np.float32]) -> Block:
    """Both channels, or one where they cancel each other, as `mastering` does it."""
    middle: Block = block.mean(axis=0)
    cancelling = np.dot(middle, middle) < 0.05 * np.vdot(block, block)
    return block[0] if cancelling and np.dot(block[0], block[0]) > 0 else middle


def _blocks(sound: AudioSegment) -> Iterator[Block]:
    samples = np.frombuffer(sound.raw_data, "<i2")
    for at in range(0, samples.size, DELIVERY_RATE_HZ):
        yield samples[at : at + DELIVERY_RATE_HZ].astype(np.float32) / np.float32(32768)
