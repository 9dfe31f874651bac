"""A short recording made from nothing: tones that rise and fall like syllables."""

import array
import io
import math
import wave

RATE = 16_000


def wav(seconds: float = 2.0) -> bytes:
    """A mono 16-bit WAV of that length."""
    count = int(seconds * RATE)
    samples = array.array("h", (_sample(index / RATE) for index in range(count)))
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(samples.tobytes())
    return file.getvalue()


def _sample(at: float) -> int:
    # Four "syllables" a second, each with a few harmonics of a voice's pitch.
    loudness = max(0.0, math.sin(math.tau * 4 * at)) ** 0.5
    voice = sum(math.sin(math.tau * 180 * n * at) / n for n in (1, 2, 3, 5, 8, 13))
    return int(6000 * loudness * voice)
