"""A foreign recording to one clip for horns; runs in the confined worker.

1. read once: channels, clipping, levels; high- and low-passed mono to the spool
2. cut (silence, or the chosen trim), bring to a nominal level, compress, lift the consonants
3. find the gain that meets the target after limiting, encode, and check (`leveling`)
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, BinaryIO

import numpy as np

from audio_library import survey
from audio_library.errors import AudioError
from audio_library.graph import Chain, run
from audio_library.leveling import Cut, Leveller
from audio_library.meters import LoudnessMeter, integrated_lufs
from audio_library.reader import MOST_TRACKS, Source, audible_track
from audio_library.remarks import Warning_, warning
from audio_library.settings import Limits, Mastering, Trim
from audio_library.spool import SPOOL_RATE_HZ, Spool
from audio_library.waveform import Waveform

Report = Callable[[float], None]
_MOST_LIFT_DB = 40.0
_SLIP_MS = 150  # a mark this close to the end was not set: pages round to tenths of a second


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


def master(arguments: dict[str, Any], files: list[BinaryIO], report: Report) -> dict[str, Any]:
    """The worker's job: a foreign recording to a clip. Files: source, spool, target."""
    source, spool, target = files
    trim = Trim(**arguments["trim"]) if arguments["trim"] else None
    limits, shape = Limits(**arguments["limits"]), Mastering(**arguments["shape"])
    return asdict(Master(spool, target, shape, report).make(source, limits, trim))


def outline(_: dict[str, Any], files: list[BinaryIO], _report: Report) -> dict[str, Any]:
    """The worker's job: the waveform of a recording as it came. Files: source."""
    track = audible_track(files[0], Limits())
    files[0].seek(0)
    source = Source(files[0], Limits(), track_number=track)
    waveform = Waveform(source.reading.rate_hz)
    for block in source.blocks():
        waveform.push(np.abs(block).max(axis=0))
    return {"peaks": waveform.points(), "duration_ms": round(source.reading.heard_s * 1000)}


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
        reader, levels, loudness = self._audible(source, limits)
        cut = self._cut(levels.decibels(), loudness, trim, limits)
        self._warnings += survey.warnings(levels, loudness)
        leveller = Leveller(self._spool, cut, self._shape, self._target, self._report)
        heard = leveller.level(self._compress(cut, loudness))
        if heard.loudness_lufs < self._shape.target_lufs - 0.5:
            self._warnings.append(warning("below_target"))
        return Mastered(
            frames=heard.frames,
            loudness_lufs=round(heard.loudness_lufs, 2),
            true_peak_dbtp=round(heard.true_peak_dbtp, 2),
            peaks=heard.peaks,
            warnings=tuple(self._warnings),
            source_format=reader.reading.format,
            source_ms=round(reader.reading.heard_s * 1000),
            start_ms=round(cut.start / SPOOL_RATE_HZ * 1000),
            end_ms=round(cut.end / SPOOL_RATE_HZ * 1000),
        )

    def _audible(self, file: BinaryIO, limits: Limits) -> tuple[Source, survey.Levels, float]:
        """The first sound track that is not silent: some phones put an empty one first."""
        number, of = 0, 1
        while number < of:
            source, levels = self._read(file, limits, number)
            loudness = integrated_lufs(self._spool.blocks(), SPOOL_RATE_HZ)
            if survey.is_audible(levels.decibels(), loudness, limits.silent_lufs):
                return source, levels, loudness
            number, of = number + 1, min(source.tracks, MOST_TRACKS)
        raise AudioError("silent")

    def _read(
        self, file: BinaryIO, limits: Limits, track_number: int
    ) -> tuple[Source, survey.Levels]:
        self._warnings.clear()
        file.seek(0)
        source = Source(file, limits, track_number=track_number)
        channels, levels = self._pass(source, left_only=False)
        if channels.cancelling:
            file.seek(0)
            source = Source(file, limits, track_number=track_number)
            _, levels = self._pass(source, left_only=True)
        self._warnings += channels.warnings()
        reading = source.reading
        if reading.cut_short:
            heard, declared = round(reading.heard_s, 1), round(reading.declared_s or 0, 1)
            self._warnings.append(warning("truncated", heard=heard, declared=declared))
        elif reading.bad_packets:
            self._warnings.append(warning("skipped_damage"))
        return source, levels

    def _pass(self, source: Source, *, left_only: bool) -> tuple[survey.Channels, survey.Levels]:
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
        return channels, levels

    def _cut(
        self, levels: survey.Decibels, loudness: float, trim: Trim | None, limits: Limits
    ) -> Cut:
        """The chosen ends; an end that was left alone loses its silence."""
        trim = trim or Trim()
        start, end = _frames(trim.start_ms), self._spool.frames
        if trim.end_ms is not None:
            end = min(end, _frames(trim.end_ms))
        if start < 0 or end - start < limits.min_duration_s * SPOOL_RATE_HZ:
            raise AudioError("bad_trim" if start or trim.end_ms else "too_short", **_least(limits))
        first, last = survey.sound_bounds(levels, loudness, start, end)
        cut_start = start or first
        is_whole = end > self._spool.frames - _frames(_SLIP_MS)
        cut_end = min(last, end) if is_whole else end
        # 5 ms at least: a cut in the middle of a wave clicks.
        fades = _frames(max(trim.fade_in_ms, 5)), _frames(max(trim.fade_out_ms, 5))
        if cut_end - cut_start < limits.min_duration_s * SPOOL_RATE_HZ:
            return Cut(start, end, *fades)
        return Cut(cut_start, cut_end, *fades)

    def _compress(self, cut: Cut, loudness_lufs: float) -> float:
        """Step 2, in place in the spool; returns the loudness reached."""
        lift_db = min(self._shape.nominal_lufs - loudness_lufs, _MOST_LIFT_DB)
        blocks = self._spool.blocks(cut.start, cut.end)
        meter = LoudnessMeter(SPOOL_RATE_HZ)
        voiced = run(blocks, _voice(self._shape, lift_db), SPOOL_RATE_HZ)
        self._spool.rewrite(cut.start, meter.passing(voiced))
        self._report(0.25)
        return meter.integrated_lufs()


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


def _least(limits: Limits) -> dict[str, float]:
    return {"least": limits.min_duration_s}


def _frames(milliseconds: int) -> int:
    return milliseconds * SPOOL_RATE_HZ // 1000
