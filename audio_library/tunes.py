"""Signature tunes and alert tones, made note by note by this code and therefore free of rights.

A tune is a few notes of a plucked or struck sound (harmonics that die away), laid over each
other with pydub. Nothing below 250 Hz: a horn would not carry it. Runs in the worker.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydub import AudioSegment

_RATE_HZ = 48_000
_A4_HZ, _A4 = 440.0, 69
_STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}

Wave: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Timbre:
    """Harmonics as (multiple, strength); `decay_s` is the time to fall to a third."""

    harmonics: tuple[tuple[float, float], ...]
    decay_s: float
    attack_s: float = 0.004
    vibrato_cents: float = 0.0


_BELL = Timbre(((1, 1.0), (2.0, 0.5), (2.76, 0.35), (4.1, 0.2), (5.4, 0.12)), 0.9)
_PLUCKED = Timbre(((1, 1.0), (2, 0.7), (3, 0.45), (4, 0.25), (5, 0.15), (6, 0.1)), 0.45)
_MONOCHORD = Timbre(((1, 1.0), (2, 0.35), (3, 0.2), (4, 0.05)), 1.1, 0.02, 22.0)
_GLASS = Timbre(((1, 1.0), (3, 0.25), (5, 0.1)), 0.35)
_ORGAN = Timbre(((1, 1.0), (2, 0.5), (3, 0.3), (4, 0.2)), 30.0, 0.02)


@dataclass(frozen=True, slots=True)
class Tune:
    """`notes` is "name+octave:beats" separated by spaces ("-" rests); `beat_ms` its tempo."""

    timbre: Timbre
    beat_ms: int
    notes: str
    ring_ms: int = 900


# Pentatonic (C D F G A, "điệu Bắc") for the village tunes; plain signals for alerts.
_TUNES: dict[str, Tune] = {
    "lang_que": Tune(_PLUCKED, 210, "G4 A4 C5:2 D5 C5 A4:2 G4 A4 C5 D5 F5:2 D5 C5:3"),
    "dan_bau": Tune(_MONOCHORD, 330, "C5:2 D5 F5:2 G5 F5 D5 C5:3", ring_ms=1500),
    "binh_minh": Tune(_BELL, 260, "C5 F5 G5 A5:2 G5 A5 C6:4", ring_ms=1600),
    "cong_nghe_so": Tune(_GLASS, 130, "C5 G5 C6 - D6 - G5 A5 C6 - G6:3"),
    "chuong_ba_tieng": Tune(_BELL, 520, "G5 E5 C5:2", ring_ms=1800),
    "ket_thuc": Tune(_PLUCKED, 300, "D5 C5 A4 G4:2 C5:3", ring_ms=1500),
    # Alternating two tones a fourth apart, as sirens of public warning do; nothing musical.
    "bao_dong": Tune(_ORGAN, 400, "A4 D5 A4 D5 A4 D5 A4 D5 A4 D5", ring_ms=0),
    "chu_y": Tune(_BELL, 350, "E5 B5 E5 B5", ring_ms=1200),
    # A drill must not sound like the real thing: three even, separated notes.
    "dien_tap": Tune(_ORGAN, 350, "C5 - C5 - C5 -", ring_ms=0),
    "bao_an": Tune(_ORGAN, 700, "C5:2 E5:2 G5:3", ring_ms=0),
}


def tune(arguments: dict[str, Any], files: list[BinaryIO], _report: object) -> dict[str, Any]:
    """The worker's job: write the named tune as a WAV file. Files: target."""
    wave = rendered(_TUNES[arguments["name"]])
    # Not pydub's export: it would close the file, and the parent still needs it.
    files[0].write(_wav_header(len(wave.raw_data)) + wave.raw_data)
    return {"duration_ms": len(wave)}


def rendered(tune: Tune) -> AudioSegment:
    """All notes laid over each other, mono 48 kHz 16 bits, softly ended."""
    notes = list(_placed(tune))
    whole_ms = max(at + length for at, length, _ in notes)
    sound = AudioSegment.silent(duration=whole_ms, frame_rate=_RATE_HZ)
    for at_ms, length_ms, name in notes:
        sound = sound.overlay(_note(name, length_ms, tune.timbre), position=at_ms)
    return sound.fade_out(min(300, whole_ms // 4))


def _placed(tune: Tune) -> Sequence[tuple[int, int, str]]:
    """(start ms, sounding ms, note) of every note; a note rings into the next ones."""
    at, placed = 0, []
    for word in tune.notes.split():
        name, _, beats = word.partition(":")
        length = int(beats or 1) * tune.beat_ms
        if name != "-":
            placed.append((at, length + tune.ring_ms, name))
        at += length
    return placed


def _note(name: str, length_ms: int, timbre: Timbre) -> AudioSegment:
    wave = _struck(_pitch_hz(name), length_ms / 1000, timbre)
    samples = np.rint(wave * 0.22 * 32767).astype("<i2")
    note = AudioSegment(samples.tobytes(), frame_rate=_RATE_HZ, sample_width=2, channels=1)
    return note.fade_out(min(25, length_ms // 3))


def _struck(pitch_hz: float, length_s: float, timbre: Timbre) -> Wave:
    time = np.arange(int(length_s * _RATE_HZ)) / _RATE_HZ
    bend = timbre.vibrato_cents / 1200 * np.log(2) * np.sin(2 * np.pi * 5.5 * time)
    turns = np.cumsum(pitch_hz * np.exp(bend)) / _RATE_HZ
    sound = np.zeros_like(time)
    for multiple, strength in timbre.harmonics:
        if pitch_hz * multiple < 9000:  # what the horns' low-pass would take away anyway
            # High partials die sooner, as on a string or a bell.
            decay = np.exp(-time / timbre.decay_s * multiple**0.5)
            sound += strength * decay * np.sin(2 * np.pi * multiple * turns)
    rise = np.minimum(time / timbre.attack_s, 1.0)
    peak = float(np.abs(sound).max(initial=1e-9))
    return np.asarray(sound * rise / peak)


def _pitch_hz(name: str) -> float:
    key = _STEPS[name[0]] + 12 * (int(name[-1]) + 1)
    return float(_A4_HZ * 2 ** ((key - _A4) / 12))


def _wav_header(size_bytes: int) -> bytes:
    def u32(number: int) -> bytes:
        return number.to_bytes(4, "little")

    # fmt chunk: PCM, mono, 48 kHz, 96,000 bytes a second, blocks of 2 bytes, 16 bits.
    form = b"\x01\x00\x01\x00" + u32(_RATE_HZ) + u32(_RATE_HZ * 2) + b"\x02\x00\x10\x00"
    return b"RIFF" + u32(36 + size_bytes) + b"WAVEfmt " + u32(16) + form + b"data" + u32(size_bytes)
