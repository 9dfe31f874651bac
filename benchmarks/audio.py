"""Speed and memory of ingest against bare ffmpeg, pydub, and soundfile + pyloudnorm, in one run.

    .venv/bin/python benchmarks/audio.py                 # a 30-s note and 10 minutes: two minutes
    .venv/bin/python benchmarks/audio.py --minutes 60    # the long one: about 12 minutes

Every subject runs in a fresh process on the same file, one after the other and in turns, and is
judged by ratios, because the machine may be busy. Memory is the peak of the resident memory of
the process and all its children together, sampled every 20 ms (shared pages count each time, so
the figure is on the high side). pydub's own filters take 12 s for 30 s of sound, so they are
timed on a shorter file and compared in seconds per second of sound.
"""

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

TEXT = (
    "Kính thưa bà con nhân dân. Hôm nay tổ công nghệ số cộng đồng đến từng nhà hướng dẫn bà con. "
    "Bà con nhớ mang theo giấy tờ và điện thoại thông minh. Xin cảm ơn bà con đã lắng nghe."
)
# The chain of `audio_library.mastering`, as one would type it for ffmpeg.
CHAIN = (
    "aresample=48000,aformat=channel_layouts=mono,highpass=f=180,highpass=f=180,lowpass=f=9000,"
    "volume=0dB,acompressor=threshold=-26dB:ratio=3:attack=10:release=150,"
    "equalizer=f=2500:t=q:w=1:g=3"
)
FINISH = "volume=6dB,alimiter=limit=0.7079:level=0:attack=5:release=60"


@dataclass(frozen=True, slots=True)
class Figure:
    """One run: seconds of wall clock and of CPU, and peak resident memory of the whole tree."""

    wall_s: float
    cpu_s: float
    peak_mb: float


# --- subjects: each is run as `audio.py --subject NAME FILE` ------------------------------------


def ours(path: Path, folder: Path) -> None:
    from audio_library.ingest import ingest
    from audio_library.store import Store

    ingest(path, Store(folder / "store"))


def ffmpeg(path: Path, folder: Path) -> None:
    """Two passes of the command line: measure, then level and encode."""
    base = ["ffmpeg", "-v", "error", "-nostats", "-nostdin", "-y", "-i", str(path), "-vn"]
    subprocess.run([*base, "-af", f"{CHAIN},ebur128", "-f", "null", "-"], check=True)
    encode = ["-c:a", "libopus", "-b:a", "32k", str(folder / "out.opus")]
    subprocess.run([*base, "-af", f"{CHAIN},{FINISH}", *encode], check=True)


def pydub(path: Path, folder: Path) -> None:
    """Without filters: pydub's cheapest way to a levelled mono Opus."""
    from pydub import AudioSegment
    from pydub.effects import normalize

    sound = AudioSegment.from_file(path).set_channels(1).set_frame_rate(48_000)
    normalize(sound).export(folder / "out.opus", format="opus", bitrate="32k").close()


def pydub_filters(path: Path, folder: Path) -> None:
    """The same chain with pydub's own filters."""
    from pydub import AudioSegment
    from pydub.effects import compress_dynamic_range, high_pass_filter, normalize

    sound = AudioSegment.from_file(path).set_channels(1).set_frame_rate(48_000)
    sound = compress_dynamic_range(high_pass_filter(sound, 180), threshold=-26, ratio=3.0)
    normalize(sound).export(folder / "out.opus", format="opus", bitrate="32k").close()


def pyloudnorm(path: Path, folder: Path) -> None:
    """soundfile + scipy + pyloudnorm, everything in memory."""
    import numpy as np
    import soundfile
    from pyloudnorm import Meter
    from scipy.signal import butter, resample_poly, sosfilt

    sound, rate = soundfile.read(path, always_2d=True)
    sound = resample_poly(sound.mean(axis=1), 48_000, rate)
    sound = sosfilt(butter(4, 180, "highpass", fs=48_000, output="sos"), sound)
    gain = 10 ** ((-16 - Meter(48_000).integrated_loudness(sound)) / 20)
    wave = folder / "out.wav"
    soundfile.write(wave, np.clip(sound * gain, -0.7, 0.7), 48_000)
    encode = ["-c:a", "libopus", "-b:a", "32k", str(folder / "out.opus")]
    subprocess.run(["ffmpeg", "-v", "error", "-nostdin", "-y", "-i", wave, *encode], check=True)


SUBJECTS: dict[str, Callable[[Path, Path], None]] = {
    "ours": ours,
    "ffmpeg": ffmpeg,
    "pydub": pydub,
    "pydub_filters": pydub_filters,
    "pyloudnorm": pyloudnorm,
}


# --- measuring -----------------------------------------------------------------------------------


def measured(subject: str, path: Path) -> Figure:
    """One subject in a fresh process; its start-up is part of the figure."""
    with tempfile.TemporaryDirectory() as folder:
        before, started = os.times(), time.monotonic()
        command = [sys.executable, "-W", "ignore", __file__, "--subject", subject]
        process = subprocess.Popen([*command, str(path), folder])
        peak = 0
        while True:
            try:
                process.wait(0.02)
                break
            except subprocess.TimeoutExpired:
                peak = max(peak, _tree_kb(process.pid))
        wall, after = time.monotonic() - started, os.times()
        if process.returncode:
            raise SystemExit(f"{subject} failed on {path}")
    cpu = sum(after[2:4]) - sum(before[2:4])
    return Figure(round(wall, 2), round(cpu, 2), round(peak / 1024, 1))


def _tree_kb(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    own = [int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")]
    return sum(own) + sum(_tree_kb(int(child)) for child in children)


def recording(folder: Path, name: str, seconds: float, encode: Sequence[str]) -> Path:
    wave, path = folder / "speech.wav", folder / name
    if not wave.exists():
        subprocess.run(["espeak-ng", "-v", "vi", "-w", wave, TEXT], check=True)
    command = ["ffmpeg", "-v", "error", "-nostdin", "-y", "-stream_loop", "-1", "-i", str(wave)]
    subprocess.run([*command, "-t", str(seconds), *encode, str(path)], check=True)
    return path


def best(subject: str, path: Path, times: int) -> Figure:
    """The quickest of a few runs: the one least disturbed by others."""
    return min((measured(subject, path) for _ in range(times)), key=lambda figure: figure.wall_s)


def compare(minutes: float) -> dict[str, object]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        note = recording(folder, "note.m4a", 30, ["-c:a", "aac", "-b:a", "64k"])
        long = recording(
            folder, "long.mp3", minutes * 60, ["-ar", "44100", "-ac", "2", "-b:a", "128k"]
        )
        note_runs = {name: best(name, note, 5) for name in ("ours", "ffmpeg")}
        times = 2 if minutes <= 10 else 1
        long_runs = {name: best(name, long, times) for name in ("ours", "ffmpeg", "pydub")}
        if importlib.util.find_spec("pyloudnorm"):
            long_runs["pyloudnorm"] = measured("pyloudnorm", long)
        slow = measured("pydub_filters", note)
    us, them = long_runs["ours"], long_runs["ffmpeg"]
    ratios = {
        "note_vs_ffmpeg": note_runs["ours"].wall_s / note_runs["ffmpeg"].wall_s,
        "long_vs_ffmpeg": us.wall_s / them.wall_s,
        "pydub_filters_vs_ours": (slow.wall_s / 30) / (us.wall_s / minutes / 60),
        "pydub_memory_vs_ours": long_runs["pydub"].peak_mb / us.peak_mb,
        "peak_mb": us.peak_mb,
    }
    return {
        "minutes": minutes,
        "note": {name: asdict(figure) for name, figure in note_runs.items()},
        "long": {name: asdict(figure) for name, figure in long_runs.items()},
        "pydub_filters_30_s": asdict(slow),
        "ratios": {name: round(value, 2) for name, value in ratios.items()},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--subject", choices=SUBJECTS)
    parser.add_argument("paths", nargs="*", type=Path)
    given = parser.parse_args()
    if given.subject:
        SUBJECTS[given.subject](*given.paths)
        return
    print(json.dumps(compare(given.minutes), indent=2))


if __name__ == "__main__":
    main()
