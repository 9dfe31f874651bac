"""How surely the listener hears its own loudspeaker: simulated horn, room, noise, other voices.

Speech of espeak-ng goes through a horn (band-pass, clipping), a room (reverberation and echoes) and
a card that runs up to 80 ppm off, into a microphone with noise at a given ratio (in the horn's
band). Beside it the plain way: the energy picked up rises above the silence before it.

The noises are pink noise, rain, a motorbike, other speech, and some the method was not made with:
an engine that revs, a market's babble, music, a neighbour's horn with other speech, the same clip
from a horn 300 m away, wind in the microphone.

    python benchmarks/heard.py [--trials 60] [--seed 5]
"""

import argparse
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import signal

sys.path.insert(0, str(Path(__file__).parent.parent))

from device.hearing import RATE, SOUND_RATE, SOUND_WINDOW, WINDOW, judge

SNRS_DB = (-10, -5, 0, 10)
KNOWN_DELAY_S = 0.12
LOUDNESS = 25_000.0  # of a noise, as `in_band` counts: some 100 steps of 16 bits
TEXTS = (
    "Bà con chú ý, tổ công nghệ số cộng đồng hướng dẫn cài đặt ứng dụng định danh điện tử "
    "vào sáng thứ bảy tại nhà văn hóa thôn, bà con mang theo căn cước và điện thoại. ",
    "Hôm nay trời nhiều mây, có mưa rào vài nơi, gió nhẹ, nhiệt độ cao nhất ba mươi hai độ, "
    "bà con che chắn chuồng trại và không ra sông suối khi nước lên nhanh. ",
    "Trạm y tế xã tổ chức tiêm phòng cho trẻ em dưới năm tuổi vào ngày hai mươi tháng này, "
    "các gia đình đưa trẻ đến đúng giờ và mang theo sổ theo dõi sức khỏe. ",
)


@dataclass(frozen=True)
class Scene:
    """What a noise may be made of."""

    other: np.ndarray  # speech that is not ours
    own: np.ndarray  # the excerpt our horn is given
    chance: np.random.Generator


Noise = Callable[[Scene], np.ndarray]


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--trials", type=int, default=60, help="of each noise at each ratio")
    options.add_argument("--seed", type=int, default=5)
    given = options.parse_args()
    chance = np.random.default_rng(given.seed)
    voices = [speech(text) for text in TEXTS]
    print("                     our own horn            nobody's: false alarms")
    print("SNR dB    noise      heard     by energy     heard     by energy")
    for snr_db in SNRS_DB:
        table = np.zeros((len(NOISES), 4))
        for row, noise in enumerate(NOISES.values()):
            for _ in range(given.trials):
                table[row] += one_trial(voices, noise, snr_db, chance)
        table *= 100 / given.trials
        for name, row in zip([*NOISES, "all"], [*table, table.mean(axis=0)], strict=True):
            hit, energy, alarm, energy_alarm = row
            print(
                f"{snr_db:6d}    {name:10s} {hit:5.1f} %  {energy:8.1f} %  {alarm:9.2f} %"
                f"  {energy_alarm:8.1f} %"
            )
    return 0


def one_trial(
    voices: list[np.ndarray], noise: Noise, snr_db: float, chance: np.random.Generator
) -> tuple[bool, bool, bool, bool]:
    """(heard, by energy) with the horn on, and the same two with another sound in its place."""
    own, other = chance.permutation(len(voices))[:2]
    sound = excerpt(voices[own], chance)

    def background() -> np.ndarray:
        y = noise(Scene(voices[other], sound, chance))
        return y / in_band(y) * LOUDNESS

    around, through = background(), horn_and_room(sound, chance)
    gain = 10 ** (snr_db / 20) * in_band(around) / in_band(through)
    present, absent, before = as_pcm(through * gain + around), background(), background()
    with_horn = judge(sound, present, KNOWN_DELAY_S).heard
    without = judge(sound, as_pcm(absent), KNOWN_DELAY_S).heard
    return with_horn, louder(present, before), without, louder(absent, before)


def louder(now: np.ndarray, before: np.ndarray) -> bool:
    """The plain way: three decibels more than before the airing."""
    return in_band(now) > 1.41 * in_band(before)


def horn_and_room(sound: np.ndarray, chance: np.random.Generator) -> np.ndarray:
    """The sound at 16 kHz as it reaches the microphone, delayed by about KNOWN_DELAY_S."""
    y = signal.resample_poly(sound.astype(float), 1, 3)
    b, a = signal.butter(2, [350, 5000], "band", fs=RATE)
    y = np.tanh(signal.lfilter(b, a, y) / 6000) * 6000
    length = int(RATE * chance.uniform(0.3, 1.0))
    tail = chance.normal(size=length) * np.exp(-6.9 * np.arange(length) / length) * 0.02
    tail[0] = 1.0
    for _ in range(3):
        tail[chance.integers(length // 8, length)] += chance.uniform(0.1, 0.4)
    y = signal.fftconvolve(y, tail)[: y.size]
    delay = KNOWN_DELAY_S + chance.uniform(-0.01, 0.01)
    drift = 1 + chance.uniform(-80e-6, 80e-6)
    at = (np.arange(y.size) / RATE - delay) * drift * RATE
    return np.interp(at, np.arange(y.size), y, left=0.0)


def pink(scene: Scene) -> np.ndarray:
    white = scene.chance.normal(size=WINDOW)
    return signal.lfilter([0.05, -0.095, 0.05, -0.004], [1, -2.495, 2.017, -0.522], white)


def rain(scene: Scene) -> np.ndarray:
    drops = 1 + 4 * (scene.chance.random(WINDOW) < 0.002)
    return scene.chance.normal(size=WINDOW) * drops


def motorbike(scene: Scene) -> np.ndarray:
    hertz = scene.chance.uniform(60, 120)
    pulse = signal.square(2 * np.pi * hertz * np.arange(WINDOW) / RATE, 0.1)
    return pulse + 0.2 * scene.chance.normal(size=WINDOW)


def talk(scene: Scene) -> np.ndarray:
    y = signal.resample_poly(excerpt(scene.other, scene.chance).astype(float), 1, 3)
    return y / np.std(y) + 0.05 * scene.chance.normal(size=WINDOW)


def engine(scene: Scene) -> np.ndarray:
    """A tractor that revs: harmonics of a rising and falling pitch."""
    at = np.arange(WINDOW) / RATE
    pitch = 25 + 15 * np.sin(2 * np.pi * scene.chance.uniform(0.1, 0.5) * at)
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    y = sum(np.sin(n * phase + scene.chance.uniform(0, 6)) / n**0.5 for n in range(1, 120))
    return y + 0.5 * scene.chance.normal(size=WINDOW)


def market(scene: Scene) -> np.ndarray:
    voices = [talk(scene) * scene.chance.uniform(0.3, 1.0) for _ in range(8)]
    return np.sum(voices, axis=0)


def music(scene: Scene) -> np.ndarray:
    """Chords on the beat, two a second, with plucked overtones."""
    y = np.zeros(WINDOW)
    at = np.arange(RATE // 2) / RATE
    for beat in range(0, WINDOW, RATE // 2):
        for step in scene.chance.choice(24, 3, replace=False):
            hertz = 220 * 2 ** (step / 12)
            tone = sum(np.sin(2 * np.pi * n * hertz * at) / n for n in range(1, 7))
            y[beat : beat + at.size] += tone * np.exp(-5 * at)
    return y + 0.01 * scene.chance.normal(size=WINDOW)


def neighbour(scene: Scene) -> np.ndarray:
    """Another horn with other speech, through a room of its own."""
    return horn_and_room(excerpt(scene.other, scene.chance), scene.chance) + pink(scene)


def echo(scene: Scene) -> np.ndarray:
    """The same clip from a horn 300 m further off: not ours."""
    far = horn_and_room(scene.own, scene.chance)
    return np.roll(far, int(0.9 * RATE)) + 30 * scene.chance.normal(size=WINDOW)


def wind(scene: Scene) -> np.ndarray:
    """Gusts in the microphone: great below 50 Hz, little above."""
    b, a = signal.butter(2, 50, fs=RATE)
    white = scene.chance.normal(size=WINDOW)
    return 300 * signal.lfilter(b, a, white) + scene.chance.normal(size=WINDOW)


NOISES: dict[str, Noise] = {
    each.__name__: each
    for each in (pink, rain, motorbike, talk, engine, market, music, neighbour, echo, wind)
}


def excerpt(voice: np.ndarray, chance: np.random.Generator) -> np.ndarray:
    begin = chance.integers(0, voice.size - SOUND_WINDOW)
    return voice[begin : begin + SOUND_WINDOW]


def in_band(y: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(y))[(350 * 4) : (4500 * 4)]
    return float(np.sqrt(np.mean(spectrum**2)))


def as_pcm(y: np.ndarray) -> np.ndarray:
    return np.clip(y, -32768, 32767).astype(np.int16)


def speech(text: str) -> np.ndarray:
    """espeak-ng's Vietnamese voice at 48 kHz."""
    run = subprocess.run(
        ["espeak-ng", "-v", "vi", "--stdout", text], capture_output=True, check=True
    )
    raw = np.frombuffer(run.stdout[44:], np.int16).astype(float)
    return signal.resample_poly(raw, SOUND_RATE, 22_050).clip(-32768, 32767).astype(np.int16)


if __name__ == "__main__":
    sys.exit(main())
