"""Many real agents, a hundred or more on one loop: no sound, no pins, all else as on a mast.

    loalang simulate --nodes N --broker-url URL --controller-key HEX [--claim-codes FILE]

Each agent has its own directory, key, stores and connection; stop with Ctrl-C. Above a hundred
they are shared out among processes, one a core, each with a loop: machines do not wait in line.
"""

import argparse
import json
import logging
import os
import random
import resource
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from device.board import kernel_boot_id
from device.errors import ConfigError
from device.loop import Loop
from device.node import Equipment, Node
from device.settings import Settings, load

log = logging.getLogger(__name__)

_ENOUGH_FOR_TWO = 100  # agents, from which on a second process is worth its memory
_START_SPREAD_S = 0.01  # between two agents, so that they do not all connect in one instant


def main(argv: list[str] | None = None) -> int:
    """Run until a signal; the exit status."""
    options = _parser().parse_args(argv)
    logging.basicConfig(level=options.log_level.upper(), format="%(levelname)s %(message)s")
    codes = _codes(options.claim_codes)
    try:
        settings = [_settings(options, number, codes) for number in range(options.nodes)]
    except ConfigError as error:
        for problem in error.problems:
            print(f"loalang simulate: {problem}", file=sys.stderr)
        return 2
    return _shared_out(settings, options.processes or _processes(options.nodes), options.report_s)


def start(loop: Loop, settings: Sequence[Settings]) -> list[Node]:
    """The agents, started one shortly after the other on `loop`."""
    _raise_file_limit(len(settings))
    nodes = []
    for number, each in enumerate(settings):
        equipment = Equipment(
            silent=True, forgetful=True, hardware="simulated", boot_id=kernel_boot_id()
        )
        node = Node(loop, each, equipment=equipment, jitter=random.Random(number))
        loop.call_later(number * _START_SPREAD_S, node.start)
        nodes.append(node)
    return nodes


def _processes(nodes: int) -> int:
    return min(os.cpu_count() or 1, 1 + nodes // _ENOUGH_FOR_TWO)


def _shared_out(settings: Sequence[Settings], processes: int, report_s: float) -> int:
    """Run them in so many processes, this one among them; all end with this one."""
    over, ours = os.pipe()  # the children end when ours closes, whatever became of us
    children = []
    for share in range(1, processes):
        pid = os.fork()
        if pid == 0:
            try:
                os.close(ours)
                os._exit(_run(settings[share::processes], report_s, over))
            except Exception:
                log.exception("a process of simulated nodes failed")
            finally:
                os._exit(1)
        children.append(pid)
    try:
        return _run(settings[::processes], report_s)
    finally:
        os.close(ours)
        os.close(over)
        for pid in children:
            os.waitpid(pid, 0)


def _run(settings: Sequence[Settings], report_s: float, over: int | None = None) -> int:
    """One loop of agents until a signal, or until the pipe `over` is closed at its other end."""
    loop = Loop()
    if over is not None:
        loop.watch(over, loop.stop)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: loop.call_from_thread(loop.stop))
    nodes = start(loop, settings)
    loop.call_later(report_s, lambda: _report(loop, nodes, report_s))
    try:
        loop.run()
    finally:
        for node in nodes:
            node.stop()
        loop.close()
    return 0


def _settings(options: argparse.Namespace, number: int, codes: list[str]) -> Settings:
    values = {
        "LOALANG_BROKER_URL": options.broker_url,
        "LOALANG_CONTROLLER_KEYS": options.controller_key,
        "LOALANG_SITE": options.site,
        "LOALANG_DATA_DIR": str(Path(options.dir) / f"{number:05d}"),
        "LOALANG_SINK": "null",
        "LOALANG_STICK_DIRS": "",
        "LOALANG_CLOCK": "trusted",
    }
    if options.ca_file:
        values["LOALANG_CA_FILE"] = options.ca_file
    if number < len(codes):
        values["LOALANG_CLAIM_CODE"] = codes[number]
    return load(None, values)


def _codes(path: str | None) -> list[str]:
    return Path(path).read_text(encoding="utf-8").split() if path else []


def _report(loop: Loop, nodes: list[Node], every_s: float) -> None:
    """One line of JSON a process now and then, for whoever watches the load."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    line = {
        "process": os.getpid(),
        "nodes": len(nodes),
        "connected": sum(node.link.connected for node in nodes),
        "bound": sum(node.documents.bound for node in nodes),
        "playing": sum(bool(node.stage.playing) for node in nodes),
        "owed": sum(len(node.outbox) for node in nodes),
        "failures": loop.failures,
        "cpu_s": round(usage.ru_utime + usage.ru_stime, 1),
        "rss_mb": usage.ru_maxrss // 1024,
    }
    print(json.dumps(line), flush=True)
    loop.call_later(every_s, lambda: _report(loop, nodes, every_s))


def _raise_file_limit(nodes: int) -> None:
    """Each agent needs a socket and a few files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(nodes * 6 + 256, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="loalang simulate", description="Simulated nodes.")
    parser.add_argument("--nodes", type=int, default=10)
    parser.add_argument("--broker-url", default="mqtt://127.0.0.1:1883")
    parser.add_argument("--controller-key", required=True, help="public key, 64 hex digits")
    parser.add_argument("--claim-codes", metavar="FILE", help="a claim code for each, one a line")
    parser.add_argument("--ca-file", default="")
    parser.add_argument("--site", default="main")
    parser.add_argument("--dir", default="simulated", help="where the agents keep their data")
    parser.add_argument("--processes", type=int, default=0, help="0: as many as are of use")
    parser.add_argument("--report-s", type=float, default=10.0)
    parser.add_argument("--log-level", default="warning")
    return parser


if __name__ == "__main__":
    sys.exit(main())
