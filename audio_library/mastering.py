"""A foreign recording to one clip for horns; runs in the confined worker.

1. read once: channels, clipping, levels; high- and low-passed mono to the spool
2. cut (silence, or the chosen trim), bring to a nominal level, compress, lift the consonants
3. find the gain that meets the target *after* the limiter, by metering
4. encode, decode what was encoded, meter that; a true peak too high or a loudness off by more
   than half the tolerance sends it back to 3 with a lower ceiling or another gain
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from audio_library import survey
from audio_library.encoder import OUTPUTS, Encoder
from audio_library.errors import AudioError
from audio_library.graph import Block, Chain, run
from audio_library.meters import LoudnessMeter, TruePeakMeter, integrated_lufs
from audio_library.reader import Source
from audio_library.remarks import Warning_, warning
from audio_library.settings import DELIVERY_RATE_HZ, Limits, Mastering, Trim
from audio_library.spool import SPOOL_RATE_HZ, Spool
from audio_library.waveform import Waveform

Report = Callable[[float], None]
_TRIES = 4
_TOLERANCE_LU = 0.25
_MOST_GAIN_DB = 40.0


@dataclass(frozen=True, slots=True)
class Mastered:
    """What the worker found out about the clip it wrote."""

    frames: int
    loudness_lufs: float
    true_peak_dbtp: float
    peaks: tuple[int, ...]
    warnings: tuple[Warning_, ...]
    source_format: str
    source_ms: int
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class _Cut:
    """The spool's frames that are kept, and the fades at both ends, in spool frames."""

    start: int
    end: int
    fade_in: int
    fade_out: int


class Master:
    """One recording on its way; the spool and the target are nameless files the parent holds."""

    def __init__(self, spool: BinaryIO, target: BinaryIO, shape: Mastering, report: Report) -> None:
        self._spool = Spool(spool)
        self._target = target
        self._shape = shape
        self._report = report
        self._warnings: list[Warning_] = []

    def make(self, source: BinaryIO, limits: Limits, trim: Trim | None) -> Mastered:
        """The numbered steps of this module. Raises AudioError."""
        reader, levels = self._read(source, limits)
        loudness = integrated_lufs(self._spool.blocks(), SPOOL_RATE_HZ)
        if loudness < limits.silent_lufs:
            raise AudioError("silent")
        cut = self._cut(levels, loudness, trim, limits)
        self._warnings += survey.warnings(levels, loudness)
        self._compress(cut, loudness)
        frames, made, peaks = self._encode(cut)
        return Mastered(
            frames=frames,
            loudness_lufs=round(made[0], 2),
            true_peak_dbtp=round(made[1], 2),
            peaks=peaks,
            warnings=tuple(self._warnings),
            source_format=reader.reading.format,
            source_ms=round(reader.reading.heard_s * 1000),
            start_ms=round(cut.start / SPOOL_RATE_HZ * 1000),
            end_ms=round(cut.end / SPOOL_RATE_HZ * 1000),
        )

    def _read(self, file: BinaryIO, limits: Limits) -> tuple[Source, survey.Decibels]:
        source = Source(file, limits)
        channels, levels = self._pass(source, left_only=False)
        if channels.cancelling:
            file.seek(0)
            source = Source(file, limits)
            _, levels = self._pass(source, left_only=True)
        self._warnings += channels.warnings()
        reading = source.reading
        if reading.cut_short:
            heard, declared = round(reading.heard_s, 1), round(reading.declared_s or 0, 1)
            self._warnings.append(warning("truncated", heard=heard, declared=declared))
        elif reading.bad_packets:
            self._warnings.append(warning("skipped_damage"))
        return source, levels

    def _pass(self, source: Source, *, left_only: bool) -> tuple[survey.Channels, survey.Decibels]:
        self._spool.restart()
        channels, levels = survey.Channels(), survey.Levels()
        chain = Chain(_band(self._shape), source.reading.rate_hz)
        expected_s = source.reading.declared_s or 600.0
        for block in source.blocks():
            mono = channels.add(block)
            for shaped in chain.push(np.ascontiguousarray(block[0]) if left_only else mono):
                self._spool.append(shaped)
                levels.add(shaped)
            self._report(min(0.2 * source.reading.heard_s / expected_s, 0.2))
        for shaped in chain.finish():
            self._spool.append(shaped)
            levels.add(shaped)
        return channels, levels.decibels()

    def _cut(
        self, levels: survey.Decibels, loudness: float, trim: Trim | None, limits: Limits
    ) -> _Cut:
        if trim is None:
            start, end = survey.sound_bounds(levels, loudness)
            trim = Trim()
        else:
            start = _frames(trim.start_ms)
            end = self._spool.frames if trim.end_ms is None else _frames(trim.end_ms)
        end = min(end, self._spool.frames)
        if start < 0 or end - start < limits.min_duration_s * SPOOL_RATE_HZ:
            raise AudioError(
                "bad_trim" if start or trim.end_ms else "too_short", least=limits.min_duration_s
            )
        # 5 ms at least: a cut in the middle of a wave clicks.
        return _Cut(start, end, _frames(max(trim.fade_in_ms, 5)), _frames(max(trim.fade_out_ms, 5)))

    def _compress(self, cut: _Cut, loudness: float) -> None:
        lift_db = min(self._shape.nominal_lufs - loudness, _MOST_GAIN_DB)
        blocks = self._spool.blocks(cut.start, cut.end)
        self._spool.rewrite(cut.start, run(blocks, _voice(self._shape, lift_db), SPOOL_RATE_HZ))
        self._report(0.25)

    def _encode(self, cut: _Cut) -> tuple[int, tuple[float, float], tuple[int, ...]]:
        shape, ceiling = self._shape, self._shape.ceiling_dbfs
        gain, correction = 0.0, 0.0
        for attempt in range(_TRIES):
            gain = self._gain_for(cut, ceiling, gain) + correction
            frames = self._write(cut, gain, ceiling, 0.3 + 0.4 * (attempt > 0))
            loudness, peak, waveform = _metered(self._target)
            miss = shape.target_lufs - loudness
            if peak <= shape.true_peak_dbtp and abs(miss) <= _TOLERANCE_LU:
                break
            ceiling -= (
                max(peak - shape.true_peak_dbtp + 0.15, 0.0) if peak > shape.true_peak_dbtp else 0
            )
            correction += miss if abs(miss) < 1 else 0
        if loudness < shape.target_lufs - 0.5:
            self._warnings.append(warning("below_target"))
        return frames, (loudness, peak), waveform

    def _gain_for(self, cut: _Cut, ceiling_db: float, gain_db: float) -> float:
        """The gain whose limited result meets the target; the limiter eats some of it."""
        for _ in range(4):
            limited = self._limited(cut, gain_db, ceiling_db)
            miss = self._shape.target_lufs - integrated_lufs(limited, DELIVERY_RATE_HZ)
            gain_db = min(gain_db + miss, _MOST_GAIN_DB)
            if abs(miss) < 0.05:
                break
        return gain_db

    def _write(self, cut: _Cut, gain_db: float, ceiling_db: float, progress: float) -> int:
        encoder = Encoder(self._target, OUTPUTS["opus"])
        whole = (cut.end - cut.start) * 2
        for block in self._limited(cut, gain_db, ceiling_db):
            encoder.push(block[: whole - encoder.frames])
            self._report(progress + (0.95 - progress) * encoder.frames / whole)
        encoder.finish()
        return encoder.frames

    def _limited(self, cut: _Cut, gain_db: float, ceiling_db: float) -> Iterator[Block]:
        return run(self._faded(cut), _loud(gain_db, ceiling_db), SPOOL_RATE_HZ)

    def _faded(self, cut: _Cut) -> Iterator[Block]:
        at, length = 0, cut.end - cut.start
        for block in self._spool.blocks(cut.start, cut.end):
            position = np.arange(at, at + block.size, dtype=np.float32)
            rise = np.minimum(position / max(cut.fade_in, 1), 1)
            fall = np.minimum((length - position) / max(cut.fade_out, 1), 1)
            yield block * np.minimum(rise, fall).astype(np.float32)
            at += block.size


def _band(shape: Mastering) -> str:
    high = f"highpass=f={shape.highpass_hz}"
    return (
        f"aresample={SPOOL_RATE_HZ},{high},{high},lowpass=f={shape.lowpass_hz},"
        f"asetnsamples=n={SPOOL_RATE_HZ}:p=0"
    )


def _voice(shape: Mastering, lift_db: float) -> str:
    return (
        f"volume={lift_db:.3f}dB:precision=float,"
        f"acompressor=threshold={shape.threshold_db}dB:ratio=3:attack=10:release=150:makeup=1,"
        f"equalizer=f=2500:t=q:w=1:g={shape.presence_db},"
        f"volume=-6dB:precision=float,asetnsamples=n={SPOOL_RATE_HZ}:p=0"
    )


def _loud(gain_db: float, ceiling_db: float) -> str:
    limit = 10 ** (ceiling_db / 20)
    return (
        f"volume={gain_db:.3f}dB:precision=float,aresample={DELIVERY_RATE_HZ},"
        f"alimiter=limit={limit:.5f}:level=0:attack=5:release=60:latency=1,"
        f"asetnsamples=n={DELIVERY_RATE_HZ}:p=0"
    )


def _metered(file: BinaryIO) -> tuple[float, float, tuple[int, ...]]:
    """Loudness, true peak and waveform of what a node will decode."""
    file.flush()
    file.seek(0)
    source = Source(file, Limits())
    loudness, peak, waveform = LoudnessMeter(DELIVERY_RATE_HZ), TruePeakMeter(), Waveform()
    for block in source.blocks():
        mono = np.ascontiguousarray(block[0])
        loudness.push(mono)
        peak.push(mono)
        waveform.push(mono)
    return loudness.integrated_lufs(), peak.dbtp(), waveform.points()


def _frames(milliseconds: int) -> int:
    return milliseconds * SPOOL_RATE_HZ // 1000
