"""A recording nobody has seen: something between speech and music, different every time."""

import wave

import numpy as np
from scipy import signal

RATE_HZ = 44_100


def make_recording(path, seconds, seed):
    """A mono WAV of syllable-like bursts of coloured noise and tones."""
    random = np.random.default_rng(seed)
    time = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    sound = np.zeros_like(time)
    for start in np.arange(0.1, seconds - 0.3, 0.22):
        length = random.uniform(0.12, 0.2)
        inside = (time >= start) & (time < start + length)
        pitch = random.uniform(110, 260)
        voiced = sum(np.sin(2 * np.pi * pitch * n * time[inside]) / n for n in range(1, 14))
        shape = np.hanning(inside.sum())
        sound[inside] += shape * (voiced + 0.3 * random.standard_normal(inside.sum()))
    low_pass = signal.butter(4, 5000, fs=RATE_HZ, output="sos")
    sound = signal.sosfilt(low_pass, sound)
    frames = np.int16(sound / np.abs(sound).max() * 0.5 * 32767)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(frames.tobytes())
    return path


def read_wav(path):
    """Samples as floats, and the rate."""
    with wave.open(str(path), "rb") as file:
        assert file.getsampwidth() == 2
        frames = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(float)
        return frames.reshape(-1, file.getnchannels()).mean(axis=1), file.getframerate()


def likeness(one, other):
    """The highest normalised correlation of two sounds over all shifts, 0 to 1."""
    one, other = one - one.mean(), other - other.mean()
    scale = np.linalg.norm(one) * np.linalg.norm(other)
    return float(np.abs(signal.correlate(one, other, method="fft")).max() / scale)
