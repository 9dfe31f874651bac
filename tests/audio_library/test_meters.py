"""Our meters against meters that are not ours."""

import numpy as np
import pytest

from audio_library.meters import LoudnessMeter, TruePeakMeter
from tests.audio_library import meters


@pytest.fixture
def sound():
    """Twelve seconds of shaped noise that swells and fades, below 9 kHz like a clip."""
    chance = np.random.default_rng(1)
    noise = np.convolve(chance.standard_normal(48_000 * 12), np.hanning(9) / 4.5, "same")
    swell = 0.05 + 0.2 * np.abs(np.sin(np.arange(noise.size) / 48_000))
    return (noise * swell).astype(np.float32)


def test_loudness_agrees_with_pyloudnorm(sound):
    meter = LoudnessMeter(48_000)
    for at in range(0, sound.size, 10_000):
        meter.push(sound[at : at + 10_000])

    assert meter.integrated_lufs() == pytest.approx(meters.loudness_lufs(sound), abs=0.1)


def test_a_short_sound_has_a_loudness_too(sound):
    short = sound[48_000 : 48_000 + 9_600]
    meter = LoudnessMeter(48_000)
    meter.push(short)

    assert meter.integrated_lufs() == pytest.approx(
        meters.loudness_lufs(np.tile(short, 15)), abs=0.3
    )


def test_silence_has_no_loudness():
    meter = LoudnessMeter(48_000)
    meter.push(np.zeros(48_000, np.float32))

    assert meter.integrated_lufs() == -70.0


@pytest.mark.parametrize("hertz", [1000, 3999, 8000])
def test_the_true_peak_lies_between_the_samples(hertz):
    # Samples of this tone miss its tops; the tone itself reaches 0.5 = -6.02 dBTP.
    time = np.arange(48_000) / 48_000
    swell = np.minimum(1, 200 * np.minimum(time, 1 - time))  # a tone cut off overshoots
    tone = (0.5 * swell * np.sin(2 * np.pi * hertz * time + 0.7)).astype(np.float32)
    meter = TruePeakMeter()
    for at in range(0, tone.size, 7_000):
        meter.push(tone[at : at + 7_000])

    assert meter.dbtp() == pytest.approx(-6.02, abs=0.1)


def test_the_true_peak_agrees_with_scipy(sound):
    meter = TruePeakMeter()
    meter.push(sound)

    assert meter.dbtp() == pytest.approx(meters.true_peak_dbtp(sound), abs=0.1)


def test_the_true_peak_of_silence_is_a_number():
    assert TruePeakMeter().dbtp() == pytest.approx(-120)
