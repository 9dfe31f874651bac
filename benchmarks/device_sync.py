"""How far apart are two masts, and where does a long programme end?

Skew: two players as on two nodes, each with an emulated ALSA card of its own, told the same
instants; beside them two `aplay` started at T. Between two machines comes what
their clocks differ by.

Drift: a programme of ten minutes on a card whose crystal is 100 ppm off, the node's own engine on a
card emulated in simulated time (ten minutes take seconds); beside it what comes without correction.

    python benchmarks/device_sync.py [--starts 200] [--peers 20]
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.device_start import FRAMES, RATE, clip_file, environment, player_errors, print_row
from device.player.engine import Engine
from device.player.jobs import Job
from device.player.score import Score, Sound
from device.player.sinks import EmulatedCard
from tests.device.alsa.rig import Rig, missing

PROGRAMME_S = 600.0


def main() -> int:
    options = _options()
    for ppm in (100.0, -100.0):
        corrected, plain = drift_ms(ppm)
        print(f"end of 10 min at {ppm:+.0f} ppm    our player {corrected:+8.3f} ms", end="   ")
        print(f"without correction {plain:+8.3f} ms")
    if missing():
        print(f"the emulated card needs: apt install {' '.join(missing())}", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        rigs = [Rig(Path(one)), Rig(Path(two))]
        print_row("skew", "two of our players", _skews(_ours(rigs, options.starts)))
    if shutil.which("aplay"):
        with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
            rigs = [Rig(Path(one)), Rig(Path(two))]
            print_row("skew", "two aplay at T", _skews(_aplay(rigs, options.peers)))
    return 0


def _skews(errors: Sequence[Sequence[float]]) -> list[float]:
    one, two = errors
    return [a - b for a, b in zip(one, two, strict=False)]


def _ours(rigs: Sequence[Rig], count: int) -> list[list[float]]:
    """Start errors of one player process for each rig, told the same instants."""
    first = time.monotonic() + 4.0
    starts = [first + number * 0.5 + (number % 7) * 0.0071 for number in range(count)]
    return _side_by_side([partial(player_errors, rig, starts) for rig in rigs])


def _aplay(rigs: Sequence[Rig], count: int) -> list[list[float]]:
    first = time.monotonic() + 2.0
    starts = [first + number * 1.0 for number in range(count)]

    def play(rig: Rig) -> list[float]:
        clip, pause = clip_file(rig.folder), threading.Event()
        for start in starts:
            pause.wait(max(start - time.monotonic(), 0))
            command = ["aplay", "-q", "-D", "fake", str(clip)]
            subprocess.run(command, env=environment(rig), check=False, timeout=20)
        return [on - start for start, (on, _) in zip(starts, rig.sounds(), strict=False)]

    return _side_by_side([partial(play, rig) for rig in rigs])


def _side_by_side(works: Sequence[Callable[[], list[float]]]) -> list[list[float]]:
    found: dict[int, list[float]] = {}

    def run(number: int) -> None:
        found[number] = works[number]()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [found[number] for number in range(len(works))]


class NoAmplifier:
    """A node without a switched amplifier."""

    def hold(self, airing_id: str, zones: Sequence[str]) -> None:
        return

    def release(self) -> None:
        return


@dataclass
class SimulatedNode:
    """The engine and a card with a crystal of its own, in a time moved by hand."""

    ppm: float
    now: float = 100.0
    events: list[dict[str, Any]] = field(default_factory=list)

    def play(self, seconds: float) -> float:
        """Seconds between where a programme should end and where it does."""
        frames = int(seconds * RATE)
        second = b"\x10\x10" * RATE
        sounds = tuple(Sound(n * RATE, RATE, second) for n in range(int(seconds)))
        engine = Engine(
            lambda: EmulatedCard(60, lambda: self.now, self.ppm),
            self.events.append,
            NoAmplifier(),
            None,
            lambda: self.now,
        )
        start = self.now + 5.0
        engine.jobs["a"] = Job("a", Score(sounds, frames), start, 0.0, 0.3, 0.0, 1.0, gone=True)
        while engine.step() is not None:
            self.now += 0.02
        (end,) = [event for event in self.events if event["event"] == "finished"]
        return float(end["last_frame"]) - (start + seconds)


def drift_ms(ppm: float) -> tuple[float, float]:
    """(as our player ends, as a player that just writes frames ends), ms beside the wall clock."""
    corrected = SimulatedNode(ppm).play(PROGRAMME_S)
    plain = PROGRAMME_S / (1 + ppm / 1e6) - PROGRAMME_S
    return corrected * 1000, plain * 1000


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--starts", type=int, default=60, help=f"airings of {FRAMES} frames")
    parser.add_argument("--peers", type=int, default=10, help="airings of each aplay")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
