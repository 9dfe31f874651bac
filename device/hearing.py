"""Was it heard? What the loudspeaker was given, found again in what a microphone picks up.

Generalised cross-correlation with phase transform (GCC-PHAT) over 4-s windows in the band a horn
passes: where the same sound is in both, the correlation has a peak at the path's delay, whatever
the loudness and the colour of the room. Runs only in the listener's own short-lived process, the
one place of a node that loads NumPy.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RATE = 16_000  # of the microphone
SOUND_RATE = 48_000  # of what is played
WINDOW_S = 4.0
WINDOW = int(RATE * WINDOW_S)
SOUND_WINDOW = int(SOUND_RATE * WINDOW_S)
_BAND_HZ = (350.0, 4500.0)
_QUIET = 30.0  # RMS in 16-bit steps: below it nothing is being said
_GATE_S = 0.020  # round the delay that is known
_BESIDE_S = 0.25  # on both sides of the gate: there the same peak would mean nothing
_LONGEST_S = 1.0  # of any path from the horn to the microphone, with the card's own delay
_EDGE_S = 0.25  # faded in and out: where the window is cut, both would have a click in common
GATED_PEAK = 8.0  # of peak to RMS, from the delay that is known
UNGATED_PEAK = 16.0  # while it is not: the same words in the neighbourhood correlate too

Samples = NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Window:
    """What one window told. `peak` is in units of the correlation's RMS, `level_db` re full scale.

    `spoken` False: the loudspeaker was given silence, so nothing can be said.
    """

    spoken: bool
    heard: bool
    delay_s: float
    peak: float
    level_db: float


def judge(sound: Samples, picked_up: Samples, delay_s: float | None) -> Window:
    """One window: `sound` at 48 kHz and `picked_up` at 16 kHz of the same 4 s.

    `delay_s`: the path's delay as found before; None while it is not known.
    """
    level_db = _level_db(picked_up)
    if _rms(sound) < _QUIET:
        return Window(False, False, 0.0, 0.0, level_db)
    correlation = np.abs(_correlation(sound, picked_up))
    first, last = _span(delay_s)
    gate = np.take(correlation, np.arange(first, last), mode="wrap")
    best = int(np.argmax(gate))
    peak = float(gate[best] / max(float(np.sqrt(np.mean(correlation**2))), 1e-12))
    if delay_s is None:
        heard = peak > UNGATED_PEAK
    else:
        heard = peak > GATED_PEAK and gate[best] > _beside(correlation, first, last)
    return Window(True, heard, (first + best) / RATE, peak, level_db)


def _beside(correlation: NDArray[np.float64], first: int, last: int) -> float:
    """The highest of the correlation on both sides of the gate.

    Two voices of one pitch are a little alike at many delays; a path stands out at its own.
    """
    reach = int(_BESIDE_S * RATE)
    lags = np.concatenate([np.arange(first - reach, first), np.arange(last, last + reach)])
    return float(np.max(correlation.take(lags, mode="wrap")))


def _span(delay_s: float | None) -> tuple[int, int]:
    if delay_s is None:
        return 0, int(_LONGEST_S * RATE)
    middle, reach = round(delay_s * RATE), int(_GATE_S * RATE)
    return middle - reach, middle + reach + 1


def _correlation(sound: Samples, picked_up: Samples) -> NDArray[np.float64]:
    """At a lag of n samples: how alike `picked_up` is to `sound` n samples earlier."""
    heard = np.fft.rfft(_faded(picked_up, RATE))
    # The same 4 s: bins of both spectra mean the same frequencies, the upper ones are left out.
    given = np.fft.rfft(_faded(sound, SOUND_RATE))[: heard.size]
    cross = heard * np.conj(given)
    magnitude = np.abs(cross)
    frequency = np.arange(heard.size) / WINDOW_S
    band = (frequency > _BAND_HZ[0]) & (frequency < _BAND_HZ[1]) & (magnitude > 0)
    white = np.zeros_like(cross)
    white[band] = cross[band] / magnitude[band]
    return np.fft.irfft(white, WINDOW)


def _faded(samples: Samples, rate: int) -> NDArray[np.float64]:
    """Without its mean, and without edges: after whitening they would outweigh all else."""
    faded = samples.astype(np.float64)
    faded -= faded.mean()
    edge = int(_EDGE_S * rate)
    ramp = 0.5 - 0.5 * np.cos(np.pi * (np.arange(edge) + 0.5) / edge)
    faded[:edge] *= ramp
    faded[-edge:] *= ramp[::-1]
    return faded


def _rms(samples: Samples) -> float:
    return float(np.sqrt(np.mean(samples.astype(np.float64) ** 2))) if samples.size else 0.0


def _level_db(samples: Samples) -> float:
    return round(20 * float(np.log10(max(_rms(samples), 0.1) / 32768)), 1)
