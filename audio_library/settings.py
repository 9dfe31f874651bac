"""What a recording is shaped to, and the limits it is read within; every number has its reason."""

from dataclasses import dataclass
from enum import StrEnum


class HornClass(StrEnum):
    """The loudspeakers a clip is shaped for."""

    STANDARD = "standard"  # 25–50 W reflex horns on masts: nearly every village
    SMALL = "small"  # 10–15 W horns on houses and boats
    INDOOR = "indoor"  # column or ceiling speakers of a culture house


@dataclass(frozen=True, slots=True)
class Mastering:
    """How sound is shaped for one class of loudspeaker. Frequencies in Hz, levels in dB.

    highpass_hz     below a horn's cut-off, power only heats the driver and moves its diaphragm
    lowpass_hz      above it a horn gives hiss only, and the encoder has better use for the bits
    presence_db     gain at 2.5 kHz, where consonants live and distance and foliage eat most
    threshold_db    compressor knee, ratio 3:1 above it, for speech brought to `nominal_lufs` first
    target_lufs     integrated loudness (BS.1770). −16 gave the best intelligibility through a horn
                    at 0 to +5 dB of noise; −14 and −12 only added distortion
    true_peak_dbtp  highest true peak after encoding, so that no amplifier's input clips
    ceiling_dbfs    the limiter's first try: Opus overshoots a limiter by 0.3–1 dB, so start lower
    """

    highpass_hz: int
    lowpass_hz: int = 9000
    presence_db: float = 3.0
    threshold_db: float = -26.0
    nominal_lufs: float = -22.0
    target_lufs: float = -16.0
    true_peak_dbtp: float = -1.5
    ceiling_dbfs: float = -3.0


MASTERING: dict[HornClass, Mastering] = {
    # Mast horns cut off at 150–250 Hz; a man's voice starts at 100 Hz but is understood without.
    HornClass.STANDARD: Mastering(highpass_hz=180),
    # Small horns cut off at 300–400 Hz and their drivers fail first from low notes.
    HornClass.SMALL: Mastering(highpass_hz=300, presence_db=2.0),
    # Cone loudspeakers take the lower voice; less presence, it would sound sharp in a room.
    HornClass.INDOOR: Mastering(highpass_hz=90, lowpass_hz=11000, presence_db=1.5),
}


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a foreign file may ask for before it is refused."""

    max_bytes: int = 200_000_000  # an hour of MP3 is 60 MB, ten minutes of phone video 150 MB
    max_duration_s: float = 3 * 3600.0  # a whole relay; more is a mistake or a bomb
    min_duration_s: float = 0.3  # shorter is a slip of the finger
    max_rate_hz: int = 384_000
    max_channels: int = 8
    # Decoded samples over all channels: three hours of 48 kHz stereo. Stops exotic bombs.
    max_samples: int = 3 * 3600 * 48_000 * 2
    silent_lufs: float = -60.0
    memory_bytes: int = 1_500_000_000  # address space of the worker; it really uses about 80 MB
    cpu_s: int = 900
    wall_s: float = 1200.0


@dataclass(frozen=True, slots=True)
class Trim:
    """Which part of the original to keep, in ms from its start; fades are applied at the cut.

    An end that is left alone (start 0, end None) loses its silence as it always does.
    """

    start_ms: int = 0
    end_ms: int | None = None
    fade_in_ms: int = 0
    fade_out_ms: int = 0


DELIVERY_RATE_HZ = 48_000
DELIVERY_BIT_RATE = 32_000  # measured best of nine for size and intelligibility: 232 kB a minute
