"""`loalang demo`: a whole commune on this machine, every part the real one.

A broker with a generated configuration, the controller (service and pages), and nodes that enrol
themselves with claim codes and play into files. Start in order, stop in reverse; the second run on
the same folder finds everything the first one made.
"""

import argparse
import fcntl
import getpass
import hashlib
import json
import logging
import os
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine

from controller import database, schema
from controller import settings as configuration
from controller.errors import ControllerError
from controller.keys import signing
from deploy import demo_seed
from deploy.broker import DemoBroker, demo_configuration
from deploy.demo_seed import Secrets, Seeded
from deploy.files import write_atomically
from deploy.supervisor import TICK_S, Part, StopSignal, Supervisor, answers

log = logging.getLogger(__name__)

_PREFIX = "LOALANG_"
_MAY_PASS = ("LOALANG_DATABASE_URL", "LOALANG_MISSED_GRACE_S", "LOALANG_LANGUAGE")
_MISSED_GRACE_S = "10"  # everything is on one machine: what was not heard by then was not played
_NODE_PIN = 17
_HINT_AFTER_S = 45.0
_LONGEST_RUN_DIR = 90


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line asks for; `port` 0: any free one."""

    nodes: int
    port: int
    directory: Path
    ready_file: Path | None


def main(arguments: list[str]) -> int:
    """Run until SIGTERM or SIGINT. 0 stopped as asked, 1 failed, 2 wrong use."""
    options = _options(arguments)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    try:
        with _alone(options.directory):
            _Demo(options).run()
    except (ControllerError, OSError) as error:
        print(f"The demo cannot run: {error}", file=sys.stderr)
        return 1
    logging.shutdown()
    sys.stdout.flush()
    # All parts have stopped in order. Taking this interpreter apart would cost a busy machine
    # seconds more, and ten are promised for everything.
    os._exit(0)


class _Demo:
    """The parts and what is known about them."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._directory = options.directory
        self._port = _port(options.port)
        self._broker_port = _port(0)
        self._settings = configuration.load(self._environment())
        self._secrets_file = self._directory / "secrets.json"
        self._secrets = Secrets.read(self._secrets_file)
        self._supervisor = Supervisor(on_start=lambda name, pid: self._changed())
        self._stop = StopSignal()
        self._ready = False

    def run(self) -> None:
        self._settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        engine = database.open_engine(self._settings.database_url)
        try:
            schema.upgrade(engine)
            seeded = demo_seed.seed(engine, self._secrets, self._options.nodes, datetime.now(UTC))
            self._secrets.write(self._secrets_file)
            self._seeded = seeded
            self._start(seeded)
            if self._wait_until_up(engine, seeded):
                self._announce()
                self._samples(seeded)
                self._keep_up()
        finally:
            self._supervisor.stop()
            engine.dispose()
            if self._options.ready_file:
                self._options.ready_file.unlink(missing_ok=True)

    # --- starting ------------------------------------------------------------------------------

    def _start(self, seeded: Seeded) -> None:
        self._supervisor.start(self._broker_part())
        _wait_for_port(self._broker_port, self._stop)
        keys = signing.public_keys(self._settings.signing_key_file)
        self._supervisor.start(self._part("controller", ["controller"], rank=1, stop_s=4.5))
        for code in seeded.nodes:
            self._supervisor.start(self._node_part(code, keys))

    def _wait_until_up(self, engine: Engine, seeded: Seeded) -> bool:
        """True when the pages answer and every node is there; False when asked to stop before."""
        ids = set(seeded.nodes.values())
        hint_s = time.monotonic() + _HINT_AFTER_S
        while not self._stop.wait(TICK_S):
            self._supervisor.step()
            if time.monotonic() > hint_s:
                hint_s = float("inf")
                log.warning("not everything is up yet; see the files in %s/log", self._directory)
            if answers(self._settings.public_url) and demo_seed.online(engine, ids) == ids:
                return True
        return False

    def _announce(self) -> None:
        logins = demo_seed.write_logins(
            self._directory / "logins.txt", self._settings.public_url, self._secrets
        )
        self._ready = True
        self._changed()
        print(f"\nLoa Làng\n{logins}\nCtrl-C dừng tất cả · stops everything", flush=True)

    def _samples(self, seeded: Seeded) -> None:
        """In the background, and behind everything that makes sound on time."""
        command = [sys.executable, "-m", "controller.samples", seeded.commune_id]
        environment = {**_clean(os.environ), **self._settings.environ()}
        self._supervisor.start(
            Part(
                "samples",
                [*command, "bientap", "duyet"],
                environment,
                log=self._directory / "log" / "samples.log",
                once=True,
                rank=1,
                stop_s=1.0,
                niceness=15,
            )
        )

    def _keep_up(self) -> None:
        while not self._stop.wait(TICK_S):
            self._supervisor.step()

    # --- the parts -----------------------------------------------------------------------------

    def _part(self, name: str, words: list[str], *, rank: int, stop_s: float) -> Part:
        return Part(
            name,
            [sys.executable, "-m", "deploy.cli", *words],
            {**_clean(os.environ), **self._settings.environ()},
            log=self._directory / "log" / f"{name}.log",
            rank=rank,
            stop_s=stop_s,
        )

    def _broker_part(self) -> Part:
        directory = (self._directory / "broker").absolute()
        directory.mkdir(parents=True, exist_ok=True)
        file = directory / "mosquitto.conf"
        broker = DemoBroker(self._broker_port, directory, run_as=getpass.getuser())
        file.write_text(demo_configuration(broker), encoding="utf-8")
        program = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
        if not Path(program).exists():
            raise OSError("mosquitto is not installed: run deploy/setup-system.sh")
        log_file = self._directory / "log" / "broker.log"
        return Part(
            "broker", [program, "-c", str(file)], _clean(os.environ), log_file, rank=0, stop_s=1.5
        )

    def _node_part(self, code: str, keys: Sequence[str]) -> Part:
        evidence = (self._directory / "nodes" / code).absolute()
        values = {
            "broker_url": self._broker_url,
            "site": self._settings.site,
            "controller_keys": list(keys),
            "claim_code": self._secrets.claim_codes.get(code, ""),
            "data_dir": str(evidence / "data"),
            "sink": f"file:{evidence}",
            "clock": "trusted",
            "amplifier_pin": _NODE_PIN,
        }
        file = evidence / "node.toml"
        text = "".join(f"{name} = {json.dumps(value)}\n" for name, value in values.items())
        write_atomically(file, text.encode(), mode=0o600)
        return Part(
            code,
            [sys.executable, "-m", "deploy.cli", "node", "--config", str(file)],
            {**_clean(os.environ), "GPIOZERO_PIN_FACTORY": "mock"},
            log=self._directory / "log" / f"{code}.log",
            rank=1,
            stop_s=2.5,
        )

    # --- what others are told ------------------------------------------------------------------

    def _changed(self) -> None:
        """A part has a new process: whoever reads the ready file must learn it."""
        if not self._ready or not self._options.ready_file:
            return
        pids = self._supervisor.pids()
        told = {
            "url": self._settings.public_url,
            "token": self._secrets.token,
            "mqtt_url": self._broker_url,
            "dir": str(self._directory.absolute()),
            "nodes": [
                {
                    "id": node_id,
                    "code": code,
                    "dir": str((self._directory / "nodes" / code).absolute()),
                }
                for code, node_id in self._seeded.nodes.items()
            ],
            "pids": {name: pid for name, pid in pids.items() if name != "samples"},
        }
        write_atomically(self._options.ready_file, json.dumps(told).encode(), mode=0o600)

    @property
    def _broker_url(self) -> str:
        return f"mqtt://127.0.0.1:{self._broker_port}"

    def _environment(self) -> dict[str, str]:
        passed = {name: os.environ[name] for name in _MAY_PASS if name in os.environ}
        return {
            "LOALANG_MISSED_GRACE_S": _MISSED_GRACE_S,
            **passed,
            "LOALANG_DATA_DIR": str((self._directory / "controller").absolute()),
            "LOALANG_WAKE_PATH": str(_run_dir(self._directory) / "service.sock"),
            "LOALANG_BROKER_URL": self._broker_url,
            "LOALANG_BIND": f"127.0.0.1:{self._port}",
        }


# --- small things ------------------------------------------------------------------------------


def _options(arguments: list[str]) -> Options:
    parser = argparse.ArgumentParser(prog="loalang demo", description=__doc__)
    parser.add_argument("--nodes", type=int, default=3, help="how many nodes (default 3)")
    parser.add_argument("--port", type=int, default=8080, help="of the pages; 0: any free one")
    parser.add_argument("--dir", type=Path, default=Path("demo"), help="where everything is kept")
    parser.add_argument("--ready-file", type=Path, help="written (JSON) when everything is up")
    asked = parser.parse_args(arguments)
    if not 0 <= asked.nodes <= 50:
        parser.error("--nodes must be 0 to 50; for more use 'loalang simulate'")
    return Options(asked.nodes, asked.port, asked.dir.absolute(), asked.ready_file)


@contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """Two demos on one folder would be two services on one database."""
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "demo.lock").open("w", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise OSError(f"another demo already runs on {directory}: stop it first") from error
        yield


def _clean(environment: Mapping[str, str]) -> dict[str, str]:
    """Without our own variables: controller and node read the same names."""
    names = {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}
    return {
        name: text
        for name, text in environment.items()
        if not name.startswith(_PREFIX) and name not in names
    }


def _run_dir(directory: Path) -> Path:
    """Where the sockets go. The kernel takes paths of 107 bytes and no longer ones."""
    run = directory.absolute() / "controller" / "run"
    if len(os.fsencode(run)) <= _LONGEST_RUN_DIR:
        return run
    name = hashlib.sha256(os.fsencode(run)).hexdigest()[:12]
    short = Path(tempfile.gettempdir()) / f"loalang-{os.getuid()}-{name}"
    short.mkdir(mode=0o700, exist_ok=True)
    if short.stat().st_uid != os.getuid():
        raise OSError(f"{short} belongs to somebody else: choose a shorter --dir")
    return short


def _port(wanted: int) -> int:
    """`wanted`, or any free port for 0. Raises OSError when somebody listens there."""
    with socket.socket() as probe:
        # As gunicorn does: connections that are merely dying do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError as error:
            remedy = "choose another with --port, or 0 for any"
            raise OSError(f"port {wanted} cannot be used ({error.strerror}): {remedy}") from error
        port: int = probe.getsockname()[1]
        return port


def _wait_for_port(port: int, stop: StopSignal, deadline_s: float = 15.0) -> None:
    until_s = time.monotonic() + deadline_s
    while not stop.heard:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if time.monotonic() > until_s:
                raise
            stop.wait(0.05)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
