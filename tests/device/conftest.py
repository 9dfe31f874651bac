"""A real broker for each test that asks for one, clips made on the spot, nodes as processes."""

import contextlib
import getpass
import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy
import pytest
import soundfile

from device.outbox import Outbox
from tests.device.double import ControllerDouble


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Broker:
    """A mosquitto on loopback that can be killed and started again on the same port."""

    def __init__(self, folder):
        self.port = free_port()
        self._config = folder / "mosquitto.conf"
        self._config.write_text(
            f"user {getpass.getuser()}\nlistener {self.port} 127.0.0.1\n"
            "allow_anonymous true\nlog_dest none\n"
            "set_tcp_nodelay true\nmax_packet_size 1048576\n"
        )
        self._process = None
        self.start()

    def start(self):
        program = shutil.which("mosquitto", path=os.environ["PATH"] + ":/usr/sbin")
        self._process = subprocess.Popen([program, "-c", self._config])
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                assert self._process.poll() is None, "mosquitto ended"
        raise AssertionError("mosquitto does not listen")

    def kill(self):
        self._process.kill()
        self._process.wait()


@pytest.fixture
def broker(tmp_path):
    broker = Broker(tmp_path)
    yield broker
    broker.kill()


@pytest.fixture
def controller(broker):
    double = ControllerDouble(broker.port)
    yield double
    double.close()


@pytest.fixture
def open_box():
    """Opens ledgers; those a test lets go, as a power cut would, are closed after it."""
    with contextlib.ExitStack() as boxes:
        yield lambda path: boxes.enter_context(contextlib.closing(Outbox(path)))


_AMPLIFIER_OFF = Path(__file__).parents[2] / "deploy" / "bin" / "amplifier-off"

# `pinctrl set 17 op dl`: mock pins die with the keeper, so what a real pin would do is written
# where the keeper writes it.
_PINCTRL = """
import json, pathlib, sys, time

assert sys.argv[1:] == ["set", "17", "op", "dl"], sys.argv
log = pathlib.Path({log!r}) / "amplifier.jsonl"
lines = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
if lines and lines[-1]["on"]:
    off = {{"at": time.time(), "on": False, "airing_id": lines[-1]["airing_id"], "by": "unit"}}
    with log.open("a") as file:
        file.write(json.dumps(off) + "\\n")
"""


class NodeProcess:
    """A real node, `python -m device`, that can be killed and started again."""

    def __init__(self, folder, broker, controller, environment=None, **settings):
        self.folder = folder
        self.evidence = folder / "evidence"
        values = {
            "broker_url": f"mqtt://127.0.0.1:{broker.port}",
            "controller_keys": controller.key.verify_key.hex,
            "data_dir": folder / "data",
            "sink": f"file:{self.evidence}",
            "clock": "trusted",
            "amplifier_pin": 17,
            **settings,
        }
        self._environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("LOALANG_")},
            "GPIOZERO_PIN_FACTORY": "mock",
            **{f"LOALANG_{name.upper()}": str(value) for name, value in values.items()},
            **(environment or {}),
        }
        self.process = None
        folder.mkdir(parents=True, exist_ok=True)
        self.start()

    def start(self):
        log = (self.folder / "log").open("a")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "device"], env=self._environment, stdout=log, stderr=log
        )
        log.close()

    def children(self):
        """name → pid of the player and the amplifier keeper."""
        found = {}
        listing = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        for pid in Path(listing).read_text().split():
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            module = words[words.index(b"-m") + 1].decode() if b"-m" in words else ""
            found[module.removeprefix("device.")] = int(pid)
        return found

    def kill(self):
        self.process.kill()
        self.process.wait()

    def kill_as_unit(self):
        """Kill the agent, and do what systemd does then: kill the rest of it, run ExecStopPost."""
        group = list(self.children().values())
        self.kill()
        for pid in group:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.stop_post()

    def stop_post(self):
        """deploy/bin/amplifier-off itself, with a stand-in for the tool that drives the pin."""
        settings, tools = self.folder / "node.toml", self.folder / "tools"
        if not tools.exists():
            settings.write_text("amplifier_pin = 17\n")
            tools.mkdir()
            (tools / "pinctrl").write_text(
                f"#!{sys.executable} -IS\n{_PINCTRL.format(log=str(self.evidence))}"
            )
            (tools / "pinctrl").chmod(0o755)
        path = f"{tools}:{os.environ['PATH']}"
        run = ["/bin/sh", _AMPLIFIER_OFF, settings]
        subprocess.run(run, env={"PATH": path}, check=True)

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.kill()
        return self.process.returncode

    def log(self):
        return (self.folder / "log").read_text()

    def pin(self):
        path = self.evidence / "amplifier.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def sound(self, airing_id):
        """The frames of an airing and the note beside them."""
        path = self.evidence / "sound" / f"{airing_id}.wav"
        frames, rate = soundfile.read(path, dtype="int16")
        assert rate == 48_000
        return frames, json.loads(path.with_suffix(".json").read_text())


@pytest.fixture
def node(tmp_path, broker, controller):
    nodes = []

    def start(name="node", **settings):
        nodes.append(NodeProcess(tmp_path / name, broker, controller, **settings))
        return nodes[-1]

    yield start
    for each in nodes:
        each.stop()


def make_clip(seconds, hertz=440.0):
    """An Ogg Opus file with a warbling tone, as bytes, and its decoded frames."""
    moments = numpy.arange(int(seconds * 48_000)) / 48_000
    tone = 0.4 * numpy.sin(2 * numpy.pi * (hertz + 80 * numpy.sin(5 * moments)) * moments)
    file = io.BytesIO()
    soundfile.write(file, tone, 48_000, format="OGG", subtype="OPUS")
    content = file.getvalue()
    frames, _ = soundfile.read(io.BytesIO(content), dtype="int16")
    return content, frames
