"""Keeps child processes running: started in order, started again when they die, stopped in reverse.

`loalang controller` is this over the service and the pages; the demo is this over a broker, a
controller and its nodes. A child dies with its parent. Children are started from the main thread
only: the kernel ties "die with the parent" to the thread that forked.
"""

import argparse
import contextlib
import ctypes
import logging
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from deploy.notify import Notices, say

log = logging.getLogger(__name__)

TICK_S = 0.1
_BACKOFF_S = (0.2, 0.5, 1.0, 2.0, 4.0)  # a dead part is back within five seconds
_STEADY_S = 30.0  # one that ran so long begins again with the shortest pause
_PATIENCE_S = 0.5
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


@dataclass(frozen=True, slots=True)
class Part:
    """A child. `log`: where it writes, None for our own stderr; `once`: it may end by itself.

    `stop_s`: how long it may take over stopping; `hurry`: a signal it gets besides SIGTERM when it
    has not ended after a moment. Parts of the same `rank` stop together, higher ranks first.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path | None = None
    once: bool = False
    rank: int = 0
    stop_s: float = 3.0
    hurry: signal.Signals | None = None
    niceness: int = 0


@dataclass(slots=True)
class _Running:
    """A part's process now, and when it may be started again."""

    process: subprocess.Popen[bytes] | None = None
    started_s: float = 0.0
    deaths: int = 0
    due_s: float = 0.0
    done: bool = False


class Supervisor:
    """`start`, then `step` again and again, then `stop`. All from the main thread."""

    def __init__(
        self,
        on_start: Callable[[str, int], None] = lambda name, pid: None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._on_start = on_start
        self._monotonic = monotonic
        self._parts: dict[str, Part] = {}
        self._running: dict[str, _Running] = {}

    def start(self, part: Part) -> None:
        """Start a part and keep it running from now on."""
        self._parts[part.name] = part
        self._running[part.name] = _Running()
        self._spawn(part)

    def step(self) -> None:
        """Notice who died, and start again whose pause is over."""
        now_s = self._monotonic()
        for name, running in self._running.items():
            if running.process is not None and running.process.poll() is not None:
                self._died(self._parts[name], running, now_s)
            if running.process is None and not running.done and now_s >= running.due_s:
                self._spawn(self._parts[name])

    def stop(self) -> None:
        """Higher ranks first; SIGTERM, and SIGKILL for whoever does not end in its time."""
        for rank in sorted({part.rank for part in self._parts.values()}, reverse=True):
            self._stop_rank([p for p in self._parts.values() if p.rank == rank])
        self._parts.clear()
        self._running.clear()

    def kill(self, name: str) -> None:
        """End a part that hangs; `step` starts it again."""
        process = self._running[name].process
        if process is not None:
            process.kill()

    def pids(self) -> dict[str, int]:
        """Name → process id of what runs now."""
        alive = ((n, r.process) for n, r in self._running.items())
        return {name: process.pid for name, process in alive if process is not None}

    def _spawn(self, part: Part) -> None:
        running = self._running[part.name]
        with _log_file(part.log) as out:
            running.process = subprocess.Popen(
                list(part.command),
                env=dict(part.environment),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                # Ctrl-C is for us; what the children hear, and when, is our decision.
                start_new_session=True,
                preexec_fn=_as_child(os.getpid(), part.niceness),
            )
        running.started_s = self._monotonic()
        self._on_start(part.name, running.process.pid)

    def _died(self, part: Part, running: _Running, now_s: float) -> None:
        assert running.process is not None
        status = running.process.returncode
        running.process = None
        if part.once and status == 0:
            running.done = True
            return
        if now_s - running.started_s > _STEADY_S:
            running.deaths = 0
        pause_s = _BACKOFF_S[min(running.deaths, len(_BACKOFF_S) - 1)]
        running.deaths += 1
        running.due_s = now_s + pause_s
        log.warning("%s ended with %s; it is started again in %.1f s", part.name, status, pause_s)

    def _stop_rank(self, parts: Sequence[Part]) -> None:
        deadline_s = self._monotonic() + max(part.stop_s for part in parts)
        processes = [
            (part, process)
            for part in reversed(parts)
            if (process := self._running[part.name].process) is not None
        ]
        for _, process in processes:
            process.terminate()
        self._hurry(processes)
        for part, process in processes:
            try:
                process.wait(max(0.0, deadline_s - self._monotonic()))
            except subprocess.TimeoutExpired:
                log.warning("%s did not stop in time", part.name)
                process.kill()
                process.wait()

    def _hurry(self, processes: Sequence[tuple[Part, subprocess.Popen[bytes]]]) -> None:
        slow = [(p.hurry, process) for p, process in processes if p.hurry is not None]
        until_s = self._monotonic() + _PATIENCE_S
        for hurry, process in slow:
            try:
                process.wait(max(0.0, until_s - self._monotonic()))
            except subprocess.TimeoutExpired:
                process.send_signal(hurry)


def _as_child(parent: int, niceness: int) -> Callable[[], None]:
    def prepare() -> None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before the line above
            os._exit(1)
        if niceness:
            os.nice(niceness)

    return prepare


@contextlib.contextmanager
def _log_file(path: Path | None) -> Iterator[int | None]:
    if path is None:
        yield None
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        yield file.fileno()


class StopSignal:
    """Set by SIGTERM or SIGINT."""

    def __init__(self) -> None:
        self._event = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._heard)

    def _heard(self, _number: int, _frame: FrameType | None) -> None:
        self._event.set()

    @property
    def heard(self) -> bool:
        return self._event.is_set()

    def wait(self, timeout_s: float) -> bool:
        return self._event.wait(timeout_s)


def answers(url: str) -> bool:
    """Whether the pages at `url` say that they are well."""
    try:
        with urllib.request.urlopen(f"{url}/api/v1/healthz", timeout=2) as response:
            return bool(response.status == 200)
    except (OSError, urllib.error.URLError, ValueError):
        return False


# --- loalang controller ------------------------------------------------------------------------

_HANGS_S = 60.0  # the service's main loop says every few seconds that it turns


def main(arguments: list[str]) -> int:
    """`loalang controller [check-config] [--config FILE]`: the service and the pages."""
    from controller.settings import SettingsError, load

    options = _parser().parse_args(arguments)
    try:
        settings = load(os.environ, options.config)
    except SettingsError as mistakes:
        print(mistakes.sentence("en"), file=sys.stderr)
        return 2
    if options.what == "check-config":
        print("\n".join(f"{name} = {value}" for name, value in settings.masked().items()))
        return 0
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    host, port = settings.address
    reachable = "127.0.0.1" if host in ("0.0.0.0", "::", "") else host
    url = None if options.no_pages else f"http://{reachable}:{port}"
    return _supervise(settings.environ(), settings.wake_path.parent, url)


def parts_of_controller(environment: Mapping[str, str], with_pages: bool = True) -> list[Part]:
    """The service, what helps it take in reports, the pages, and the tunes that are made once.

    Without the pages where another user runs them, who can read no key of the service.
    """
    python = sys.executable
    pages = {name: text for name, text in environment.items() if name != "NOTIFY_SOCKET"}
    helpers = range(1, int(environment.get("LOALANG_INGEST_WORKERS", "1")))
    # An open page holds a stream that never ends: gunicorn would wait its whole grace for it.
    web = Part("web", [python, "-m", "deploy.cli", "web"], pages, stop_s=3.5, hurry=signal.SIGQUIT)
    return [
        Part("service", [python, "-m", "controller.service"], environment, stop_s=3.5),
        *(Part(f"ingest-{n}", [python, "-m", "controller.ingest_worker"], pages) for n in helpers),
        *([web] if with_pages else []),
        Part("tunes", [python, "-m", "controller.library.tunes"], pages, once=True, niceness=10),
    ]


def _supervise(settings: Mapping[str, str], run_dir: Path, url: str | None) -> int:
    stop = StopSignal()
    supervisor = Supervisor()
    with Notices(run_dir / "notify.sock") as notices:
        environment = {**os.environ, **settings, "NOTIFY_SOCKET": str(notices.path)}
        for part in parts_of_controller(environment, with_pages=url is not None):
            supervisor.start(part)
        ready, heard_s = False, time.monotonic()
        while not stop.wait(TICK_S):
            supervisor.step()
            words = notices.read()
            if words:
                heard_s = time.monotonic()
                say("WATCHDOG=1")
            if not ready and notices.ready and (url is None or answers(url)):
                ready = True
                say("READY=1")
            if time.monotonic() - heard_s > _HANGS_S:
                log.error("the service hangs; it is started again")
                supervisor.kill("service")
                heard_s = time.monotonic()
    say("STOPPING=1")
    supervisor.stop()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="loalang controller", description=__doc__)
    parser.add_argument("what", nargs="?", default="run", choices=("run", "check-config"))
    parser.add_argument("--no-pages", action="store_true", help="another user runs 'loalang web'")
    parser.add_argument("--config", type=Path, help="a TOML file; the environment beats it")
    return parser


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
