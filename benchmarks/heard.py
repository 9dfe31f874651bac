"""How surely the listener hears its own loudspeaker: simulated horn, room, noise, other voices.

Speech of espeak-ng goes through a horn (band-pass, clipping), a room (reverberation and echoes) and
a card that runs up to 80 ppm off, into a microphone with noise at a given ratio (in the horn's
band). Beside it the plain way: the energy picked up rises above the silence before it.

    python benchmarks/heard.py [--trials 60]
"""

import argparse
import subprocess
import sys
from pathlib import Path

import numpy as np
from scipy import signal

sys.path.insert(0, str(Path(__file__).parent.parent))

from device.hearing import RATE, SOUND_RATE, SOUND_WINDOW, WINDOW, judge

SNRS_DB = (-10, -5, 0, 10)
KNOWN_DELAY_S = 0.12
TEXTS = (
    "Bà con chú ý, tổ công nghệ số cộng đồng hướng dẫn cài đặt ứng dụng định danh điện tử "
    "vào sáng thứ bảy tại nhà văn hóa thôn, bà con mang theo căn cước và điện thoại. ",
    "Hôm nay trời nhiều mây, có mưa rào vài nơi, gió nhẹ, nhiệt độ cao nhất ba mươi hai độ, "
    "bà con che chắn chuồng trại và không ra sông suối khi nước lên nhanh. ",
    "Trạm y tế xã tổ chức tiêm phòng cho trẻ em dưới năm tuổi vào ngày hai mươi tháng này, "
    "các gia đình đưa trẻ đến đúng giờ và mang theo sổ theo dõi sức khỏe. ",
)


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--trials", type=int, default=60)
    trials = options.parse_args().trials
    chance = np.random.default_rng(5)
    voices = [speech(text) for text in TEXTS]
    print("          our own horn            nobody's: false alarms")
    print("SNR dB    heard     by energy     heard     by energy")
    for snr_db in SNRS_DB:
        counts = np.zeros(4)
        for _ in range(trials):
            counts += one_trial(voices, snr_db, chance)
        hit, energy, alarm, energy_alarm = 100 * counts / trials
        print(f"{snr_db:6d}  {hit:6.1f} %  {energy:8.1f} %  {alarm:9.1f} %  {energy_alarm:8.1f} %")
    return 0


def one_trial(
    voices: list[np.ndarray], snr_db: float, chance: np.random.Generator
) -> tuple[bool, bool, bool, bool]:
    """(heard, by energy) with the horn on, and the same two with another sound in its place."""
    own, other = chance.permutation(len(voices))[:2]
    sound = excerpt(voices[own], chance)
    noise = background(voices[other], chance)
    through = horn_and_room(sound, chance)
    gain = 10 ** (snr_db / 20) * in_band(noise) / in_band(through)
    present = as_pcm(through * gain + noise)
    absent = as_pcm(background(voices[other], chance))
    before = as_pcm(background(voices[other], chance))
    with_horn = judge(sound, present, KNOWN_DELAY_S).heard
    without = judge(sound, absent, KNOWN_DELAY_S).heard
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


def background(voice: np.ndarray, chance: np.random.Generator) -> np.ndarray:
    """Pink noise, rain, a motorbike, or other people talking."""
    kind = chance.integers(4)
    white = chance.normal(size=WINDOW)
    if kind == 0:
        y = signal.lfilter([0.05, -0.095, 0.05, -0.004], [1, -2.495, 2.017, -0.522], white)
    elif kind == 1:
        y = white * (1 + 4 * (chance.random(WINDOW) < 0.002))
    elif kind == 2:
        pulse = signal.square(2 * np.pi * chance.uniform(60, 120) * np.arange(WINDOW) / RATE, 0.1)
        y = pulse + 0.2 * white
    else:
        y = signal.resample_poly(excerpt(voice, chance).astype(float), 1, 3)
        y = y / np.std(y) + 0.05 * white
    return y / in_band(y) * 500


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
