"""Independent meters: libsndfile decodes as a node does, pyloudnorm and scipy measure."""

from math import log10
from pathlib import Path

import numpy as np
import pyloudnorm
import soundfile
from scipy.signal import resample_poly


def decoded(path: Path) -> np.ndarray:
    """Mono samples of a clip as a node hears it."""
    samples, rate = soundfile.read(path)
    assert rate == 48_000
    assert samples.ndim == 1
    return samples


def loudness_lufs(samples: np.ndarray) -> float:
    return float(pyloudnorm.Meter(48_000).integrated_loudness(samples))


def true_peak_dbtp(samples: np.ndarray) -> float:
    return 20 * log10(max(np.abs(resample_poly(samples, 4, 1)).max(), 1e-9))
