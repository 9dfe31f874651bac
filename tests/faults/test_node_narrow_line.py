"""A real line of 32 kbit/s, of the kernel's own parts: a network namespace for the node, a veth
pair, `tbf` on both ends, packets lost by the packet filter where it is there, and the cable pulled.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import uuid

import pytest

from tests.device.conftest import Broker, make_clip
from tests.device.double import ControllerDouble
from tests.device.test_story import AREA, airing_of, bound, in_s

pytestmark = [
    pytest.mark.faults,
    pytest.mark.timeout(400),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root may make a network"),
]


def run(words):
    subprocess.run(words.split(), check=True, capture_output=True)


class Line:
    """`here` is the broker's end, 10.97.x.1; the node is in a namespace at 10.97.x.2."""

    def __init__(self):
        self.name = f"loa{uuid.uuid4().hex[:6]}"
        self.here, self.there = f"{self.name}a", f"{self.name}b"
        net = f"10.97.{os.getpid() % 250}"
        self.address = f"{net}.1"
        run(f"ip netns add {self.name}")
        run(f"ip link add {self.here} type veth peer name {self.there} netns {self.name}")
        run(f"ip addr add {net}.1/24 dev {self.here}")
        run(f"ip link set {self.here} up")
        for words in (f"addr add {net}.2/24 dev {self.there}", f"link set {self.there} up"):
            run(f"ip -n {self.name} {words}")
        run(f"ip -n {self.name} link set lo up")

    def be_narrow(self, kbit_s):
        shape = f"root tbf rate {kbit_s}kbit burst 2kb latency 3s"
        run(f"tc qdisc add dev {self.here} {shape}")
        run(f"tc -n {self.name} qdisc add dev {self.there} {shape}")

    def lose(self, share):
        """Of the packets that come to the node; False where the kernel has no such filter."""
        rule = f"-A INPUT -m statistic --mode random --probability {share} -j DROP"
        with contextlib.suppress(OSError, subprocess.CalledProcessError):
            run(f"ip netns exec {self.name} {shutil.which('iptables') or 'iptables'} {rule}")
            return True
        return False

    def pull(self):
        run(f"ip link set {self.here} down")

    def plug(self):
        run(f"ip link set {self.here} up")

    def close(self):
        with contextlib.suppress(subprocess.CalledProcessError):
            run(f"ip link del {self.here}")
        run(f"ip netns del {self.name}")


class WideBroker(Broker):
    """Listens on the line's end too."""

    address = ""

    def start(self):
        text = self._config.read_text()
        if self.address not in text:
            self._config.write_text(f"{text}listener {self.port} {self.address}\n")
        super().start()


@pytest.fixture
def line():
    try:
        line = Line()
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no network of our own here: {error}")
    yield line
    line.close()


@pytest.fixture
def broker(tmp_path, line):
    broker = type("Wide", (WideBroker,), {"address": line.address})(tmp_path)
    yield broker
    broker.kill()


@pytest.fixture
def controller(broker):
    double = ControllerDouble(broker.port, config=bound)
    yield double
    double.close()


@pytest.mark.parametrize("loss", [0.0, 0.2])
def test_all_comes_over_32_kbit_s_and_a_pulled_cable_costs_nothing(
    controller, broker, node, line, monkeypatch, loss
):
    line.be_narrow(32)
    if loss and not line.lose(loss):
        pytest.skip("no packet filter that loses at random here")
    real = subprocess.Popen

    def beyond(command, **more):
        if command == [sys.executable, "-m", "device"]:
            command = ["ip", "netns", "exec", line.name, *command]
        return real(command, **more)

    monkeypatch.setattr(subprocess, "Popen", beyond)
    player = node(broker_url=f"mqtt://{line.address}:{broker.port}")
    device_id = controller.wait(lambda: next(iter(controller.presences), None), 90)
    content, frames = make_clip(2.0)
    sha256 = controller.seed(content)
    ahead_s = 25 + 150 * loss
    planned = [airing_of(content, frames, in_s(ahead_s + 5 * n), f"n{n}") for n in range(8)]
    controller.schedule(AREA, planned)
    controller.wait(lambda: sha256 in controller.status(device_id).holds, ahead_s + 30)
    line.pull()
    sounds = player.evidence / "sound"
    controller.wait(lambda: len(list(sounds.glob("*.json"))) >= 3, ahead_s + 30)
    line.plug()
    controller.wait(lambda: len(controller.outcomes(device_id)) == 8, 180)
    assert {r.outcome for r in controller.outcomes(device_id).values()} == {"played"}
    assert len(controller.all_reports(device_id)) == 16
    assert len(list(sounds.glob("*.json"))) == 8
