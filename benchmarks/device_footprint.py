"""What a node costs: memory of all its processes, idle CPU, start-up, bytes written to the disk.

Starts a real node (agent, player, amplifier keeper) against a real mosquitto and a controller
double, lets it idle, then plays twenty short airings, a day's worth, and reads /proc.

    python benchmarks/device_footprint.py [--idle 20] [--airings 20]
"""

import argparse
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.device.conftest import Broker, NodeProcess, make_clip
from tests.device.double import ControllerDouble
from tests.device.test_story import AREA, airing_of, bound, in_s

SPACING_S = 3.0


def main() -> int:
    options = _options()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        broker = Broker(folder)
        controller = ControllerDouble(broker.port, config=bound)
        began = time.monotonic()
        node = NodeProcess(folder / "node", broker, controller)
        try:
            measure(controller, node, began, options)
        finally:
            node.stop()
            controller.close()
            broker.kill()
    return 0


def measure(
    controller: ControllerDouble, node: NodeProcess, began: float, options: argparse.Namespace
) -> None:
    device_id = controller.wait(lambda: next(iter(controller.presences), None))
    print(f"start to first presence      {time.monotonic() - began:8.2f} s")
    pause = threading.Event()
    pause.wait(3.0)
    pids = {"agent": node.process.pid, **node.children()}
    before = _cpu_s(pids)
    pause.wait(options.idle)
    used = {each: (_cpu_s(pids)[each] - before[each]) / options.idle for each in pids}
    print(f"idle CPU of one core         {100 * sum(used.values()):8.2f} %")
    memory = {each: _pss_mb(pid) for each, pid in pids.items()}
    parts = ", ".join(f"{each} {size:.1f}" for each, size in memory.items())
    print(f"memory (PSS) together        {sum(memory.values()):8.1f} MB ({parts})")
    content, frames = make_clip(1.0)
    controller.seed(content)
    airings = [
        airing_of(content, frames, in_s(8 + number * SPACING_S), f"b{number:02d}")
        for number in range(options.airings)
    ]
    controller.schedule(AREA, airings)
    sha256 = airings[0].parts[0].sha256
    controller.wait(lambda: sha256 in controller.status(device_id).holds)
    written = _written_bytes(pids["agent"])
    controller.wait(
        lambda: len(controller.outcomes(device_id)) == options.airings,
        30 + options.airings * SPACING_S,
    )
    grown = _written_bytes(pids["agent"]) - written
    print(f"written for {options.airings} airings      {grown / 1e6:8.2f} MB")
    errors = sorted(abs(r.start_error_ms or 0.0) for r in controller.outcomes(device_id).values())
    print(f"start error, worst           {errors[-1]:8.3f} ms")


def _cpu_s(pids: dict[str, int]) -> dict[str, float]:
    found = {}
    for name, pid in pids.items():
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        found[name] = (int(fields[11]) + int(fields[12])) / 100
    return found


def _pss_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def _written_bytes(pid: int) -> int:
    """Bytes the process caused to be written to storage; its evidence is the player's."""
    lines = Path(f"/proc/{pid}/io").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("write_bytes"))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--idle", type=float, default=20.0, help="seconds of idling measured")
    parser.add_argument("--airings", type=int, default=20)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
