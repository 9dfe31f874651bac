"""Many real agents on one loop: all bound, all told, all heard of."""

import json
import subprocess
import sys

import pytest

from device.loop import Loop
from device.settings import Settings
from device.simulate import start
from tests.device.conftest import make_clip
from tests.device.test_story import AREA, airing_of, bound, in_s

COUNT = 25


def turn_until(loop, condition):
    deadline = loop.monotonic() + 60
    while not condition():
        assert loop.monotonic() < deadline
        loop.turn(0.1)


@pytest.fixture
def agents(controller, broker, tmp_path):
    """Agents on one loop, stopped after the test whatever became of it."""
    loop = Loop()
    settings = [
        Settings(
            broker_url=f"mqtt://127.0.0.1:{broker.port}",
            controller_keys=(controller.key.verify_key.hex,),
            data_dir=tmp_path / str(number),
            sink="null",
            clock="trusted",
        )
        for number in range(COUNT)
    ]
    nodes = start(loop, settings)
    yield loop, nodes
    for node in nodes:
        node.stop()
    loop.close()


def test_dozens_of_agents_in_one_process_play_and_report(controller, agents):
    controller.config = bound
    content, frames = make_clip(0.5)
    sha256 = controller.seed(content)
    controller.schedule(AREA, [airing_of(content, frames, in_s(3600), "later")])
    loop, nodes = agents
    turn_until(loop, lambda: all(node.clips.holds(sha256) for node in nodes))
    controller.schedule(AREA, [airing_of(content, frames, in_s(6))])
    turn_until(loop, lambda: all("a1" in controller.outcomes(node.device_id) for node in nodes))
    outcomes = {controller.outcomes(node.device_id)["a1"].outcome for node in nodes}
    assert outcomes == {"played"}
    assert loop.failures == 0


def test_many_agents_are_shared_out_among_processes_that_end_together(controller, broker, tmp_path):
    controller.config = bound
    key, url = controller.key.verify_key.hex, f"mqtt://127.0.0.1:{broker.port}"
    command = [sys.executable, "-m", "device.simulate", "--nodes", "4", "--processes", "2"]
    command += ["--broker-url", url, "--controller-key", key, "--dir", str(tmp_path)]
    command += ["--report-s", "0.2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as simulated:
        assert simulated.stdout is not None
        connected = {}
        for line in simulated.stdout:
            said = json.loads(line)
            connected[said["process"]] = said["connected"]
            if list(connected.values()) == [2, 2]:
                break
        simulated.kill()
        simulated.stdout.read()  # ends when the last process of the agents has
    assert sorted(connected.values()) == [2, 2]
