"""What open live pages cost: latency of Today and CPU of the server with 0, 1 and 20 streams open.

    .venv/bin/python benchmarks/live_pages.py     # about a minute

gunicorn as installed, one process of 32 threads. Latency is the median of 40 page loads in turns;
CPU is what the process used in 15 idle seconds. Ratios count: the machine may be busy.
"""

import os
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parent.parent))

from controller import schema
from controller.services import open_services
from controller.settings import load
from tests.web import village as scene
from tests.web.conftest import Clock, Filled
from tests.web.streams import gunicorn

COUNTS = (0, 1, 20)
LOADS = 40
IDLE_S = 15.0


def main():
    with tempfile.TemporaryDirectory() as folder:
        filled = fill(Path(folder) / "filled")
        with gunicorn(filled, Path(folder) / "data") as (pages, pid):
            figures = {count: measure(pages, pid, count) for count in COUNTS}
    base = figures[0][0]
    print("streams  page ms (median)  ratio  server CPU % while idle")
    for count, (latency, cpu) in figures.items():
        print(f"{count:7}  {latency:16.1f}  {latency / base:5.2f}  {cpu:8.2f}")


def fill(folder):
    folder.mkdir()
    services = open_services(load({"LOALANG_DATA_DIR": str(folder)}), Clock())
    with closing(_Engine(services.engine)):
        schema.upgrade(services.engine)
        return Filled(folder, scene.settle(services))


class _Engine:
    def __init__(self, engine):
        self._engine = engine

    def close(self):
        self._engine.dispose()


def measure(pages, pid, count):
    """Milliseconds of a page load, and percent of one core while nothing happens."""
    with pages.streams(count):
        pages.read("bob", "/")
        taken = []
        for _ in range(LOADS):
            began = time.perf_counter()
            pages.read("bob", "/")
            taken.append((time.perf_counter() - began) * 1000)
        before = cpu_s(pid)
        time.sleep(IDLE_S)
        return median(taken), (cpu_s(pid) - before) / IDLE_S * 100


def cpu_s(pid):
    """CPU seconds of the process and its children, from /proc."""
    ticks = os.sysconf("SC_CLK_TCK")
    total = 0
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(entry.parent.name) == pid or int(fields[1]) == pid:
            total += int(fields[11]) + int(fields[12])
    return total / ticks


if __name__ == "__main__":
    main()
