"""What open live pages cost the server: CPU with no page open, with 20, and with 20 that ask anew.

    .venv/bin/python benchmarks/live_pages.py     # about two minutes

gunicorn as installed, one process of 32 threads; nothing happens in the village meanwhile. The
plain alternative is a page that asks for its parts every ten seconds. The three take turns in one
run and CPU time is what the process itself used, so that a busy machine disturbs all alike.
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

PAGES = 20
ROUNDS = 4
WINDOW_S = 10.0


def main():
    with tempfile.TemporaryDirectory() as folder:
        filled = fill(Path(folder) / "filled")
        with gunicorn(filled, Path(folder) / "data") as (pages, pid):
            pages.read("bob", "/")
            used = {way: [] for way in (nobody, streams, polling)}
            for _ in range(ROUNDS):
                for way, taken in used.items():
                    taken.append(way(pages, pid))
    print(f"CPU of the server, % of a core, median of {ROUNDS} windows of {WINDOW_S:.0f} s (all)")
    for way, taken in used.items():
        windows = " ".join(f"{each:.2f}" for each in taken)
        print(f"{way.__doc__:42} {median(taken):6.2f}   ({windows})")


def nobody(pages, pid):
    """no page open"""
    return cpu_pct(pid, lambda: time.sleep(WINDOW_S))


def streams(pages, pid):
    """20 pages open, each with its stream"""
    with pages.streams(PAGES):
        return cpu_pct(pid, lambda: time.sleep(WINDOW_S))


def polling(pages, pid):
    """20 pages that ask anew every 10 s"""

    def ask():
        until = time.monotonic() + WINDOW_S
        for _ in range(PAGES):
            pages.read("bob", "/today/live")
        time.sleep(max(0.0, until - time.monotonic()))

    return cpu_pct(pid, ask)


def cpu_pct(pid, work):
    """Percent of one core that the process used while `work` ran."""
    began, before = time.monotonic(), cpu_s(pid)
    work()
    return (cpu_s(pid) - before) / (time.monotonic() - began) * 100


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
