"""How late is the first word? Our player beside the usual ways, on one emulated ALSA card.

The card (tests/device/alsa/fakecard.c) logs the frame at which sound leaves, so a start error is
known to the frame. Rows: our player as on a node (its own process, real-time priority where
permitted), then `aplay` at T, a polling loop of 0.1 s starting aplay, an APScheduler job starting
aplay, and `ffplay` at T. Once on a quiet machine and once with every core busy.

    python benchmarks/device_start.py [--starts 200] [--peers 20]
"""

import argparse
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import wave
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from device.channel import Channel, Message, pair
from device.loop import Loop
from tests.device.alsa.rig import Rig, missing

RATE = 48_000
FRAMES = 4_800  # a tenth of a second of sound
Wait = Callable[[float], None]
Way = Callable[[Rig, Path, int], list[float]]


def main() -> int:
    options = _options()
    if missing():
        print(f"the emulated card needs: apt install {' '.join(missing())}", file=sys.stderr)
        return 1
    print(f"{'load':6} {'way':34} {'n':>4} {'p50 ms':>9} {'p99 ms':>9} {'max ms':>9}")
    for load in ("quiet", "busy") if options.load == "both" else (options.load,):
        with _hogs(os.cpu_count() or 1 if load == "busy" else 0):
            for name, way, count in _ways(options):
                with tempfile.TemporaryDirectory() as folder:
                    errors = way(Rig(Path(folder)), Path(folder), count)
                print_row(load, name, errors)
    return 0


def _ways(options: argparse.Namespace) -> list[tuple[str, Way, int]]:
    ways: list[tuple[str, Way, int]] = [("our player", ours, options.starts)]
    if shutil.which("aplay"):
        ways += [
            ("aplay at T", _peer(_aplay, _sleep_until), options.peers),
            ("0.1-s polling loop, then aplay", _peer(_aplay, _poll_until), options.peers),
            ("APScheduler job, then aplay", apscheduler, options.peers),
        ]
    if shutil.which("ffplay"):
        ways.append(("ffplay at T", _peer(_ffplay, _sleep_until), options.peers))
    return ways


def ours(rig: Rig, folder: Path, count: int) -> list[float]:
    """Errors in seconds of `count` airings by a player process, two a second."""
    first = time.monotonic() + 3.0
    return player_errors(rig, [first + n * 0.5 + (n % 7) * 0.0071 for n in range(count)])


def player_errors(rig: Rig, starts: list[float]) -> list[float]:
    """The start errors of one of our players, told to sound at `starts`."""
    pcm = rig.folder / "clip.pcm"
    pcm.write_bytes(b"\x10\x10" * FRAMES)
    here, there = pair()
    command = [sys.executable, "-m", "device.player.process", str(there.fileno()), "-1"]
    child = subprocess.Popen(
        [*command, "alsa:fake", "60", "1"], env=environment(rig), pass_fds=[there.fileno()]
    )
    there.close()
    loop = Loop()
    finished: list[str] = []

    def heard(event: Message) -> None:
        if event["event"] == "finished":
            finished.append(event["airing_id"])

    channel = Channel(loop, here, heard, loop.stop)
    for number, start in enumerate(starts):
        loop.call_at(start - 2.5, lambda n=number: _arm(channel, pcm, n, starts[n]))  # type: ignore[misc]
    while len(finished) < len(starts) and time.monotonic() < starts[-1] + 10:
        loop.turn(0.1)
    channel.close()
    child.wait(10)
    loop.close()
    return _errors(rig, starts)


def environment(rig: Rig) -> dict[str, str]:
    return {**os.environ, **rig.environment}


def _arm(channel: Channel, pcm: Path, number: int, start: float) -> None:
    sound = {"path": str(pcm), "frames": FRAMES, "at": 0, "gain_db": 0.0}
    channel.send(
        {
            "cmd": "arm",
            "airing_id": str(number),
            "start": start,
            "wall_offset": 0.0,
            "sounds": [sound],
            "volume_pct": 100,
            "settle_ms": 300,
            "tail_ms": 0,
        }
    )
    channel.send({"cmd": "go", "airing_id": str(number)})


def apscheduler(rig: Rig, folder: Path, count: int) -> list[float]:
    """An APScheduler date job per airing that starts aplay."""
    from apscheduler.schedulers.background import BackgroundScheduler

    clip = clip_file(folder)
    scheduler = BackgroundScheduler(timezone=UTC)
    scheduler.start()
    offset = time.time() - time.monotonic()
    starts = [time.monotonic() + 2.0 + number * 1.5 for number in range(count)]
    for start in starts:
        at = datetime.fromtimestamp(start + offset, UTC)
        scheduler.add_job(_aplay, "date", run_date=at, args=[clip, rig])
    _sleep_until(starts[-1] + 1.5)
    scheduler.shutdown()
    return _errors(rig, starts)


def _peer(play: Callable[[Path, Rig], None], wait: Wait) -> Callable[[Rig, Path, int], list[float]]:
    def run(rig: Rig, folder: Path, count: int) -> list[float]:
        clip = clip_file(folder)
        starts = []
        for _ in range(count):
            starts.append(time.monotonic() + 1.0)
            wait(starts[-1])
            play(clip, rig)
        return _errors(rig, starts)

    return run


def _aplay(clip: Path, rig: Rig) -> None:
    _run(["aplay", "-q", "-D", "fake", str(clip)], rig, {})


def _ffplay(clip: Path, rig: Rig) -> None:
    command = ["ffplay", "-nodisp", "-autoexit", "-loglevel", "quiet", str(clip)]
    _run(command, rig, {"SDL_AUDIODRIVER": "alsa", "AUDIODEV": "fake"})


def _run(command: list[str], rig: Rig, more: dict[str, str]) -> None:
    subprocess.run(command, env={**environment(rig), **more}, check=False, timeout=20)


def _sleep_until(moment: float) -> None:
    threading.Event().wait(max(moment - time.monotonic(), 0))


def _poll_until(moment: float) -> None:
    while time.monotonic() < moment:
        threading.Event().wait(0.1)


def clip_file(folder: Path) -> Path:
    path = folder / "clip.wav"
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(b"\x10\x10" * FRAMES)
    return path


def _errors(rig: Rig, starts: list[float]) -> list[float]:
    """For each start the distance to the nearest sound that had not begun before it by 50 ms."""
    begins = [on for on, _ in rig.sounds()]
    found = []
    for start in starts:
        after = [on - start for on in begins if on > start - 0.05]
        if after:
            found.append(min(after))
    return found


def print_row(load: str, name: str, errors: list[float]) -> None:
    size = sorted(abs(error) * 1000 for error in errors)
    if not size:
        print(f"{load:6} {name:34}    0   nothing was heard")
        return
    p50, p99 = size[len(size) // 2], size[min(int(len(size) * 0.99), len(size) - 1)]
    print(f"{load:6} {name:34} {len(size):4} {p50:9.3f} {p99:9.3f} {size[-1]:9.3f}", flush=True)


@contextlib.contextmanager
def _hogs(count: int) -> Iterator[None]:
    """Busy processes of normal priority, one for each core."""
    hogs = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for hog in hogs:
            hog.kill()
            hog.wait()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--starts", type=int, default=40, help="airings of our player")
    parser.add_argument("--peers", type=int, default=6, help="airings of each other way")
    parser.add_argument("--load", choices=["quiet", "busy", "both"], default="both")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
