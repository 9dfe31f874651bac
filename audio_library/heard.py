"""What a clip measures; apart from the meters, which the library's callers need not load."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Heard:
    """Frames at 48 kHz, loudness (BS.1770), true peak, and `peaks`, the outline for the page."""

    frames: int
    loudness_lufs: float
    true_peak_dbtp: float
    peaks: tuple[int, ...]
