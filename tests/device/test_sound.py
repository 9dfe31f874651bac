"""The agent's hand on its children: who hangs is replaced, and who was not listened to is not."""

import os
import signal
import time

import pytest

from device.loop import Loop
from device.settings import Settings
from device.sound import Children


class Agent:
    """A loop in a time the test moves, with a real player and a real amplifier keeper."""

    def __init__(self, folder):
        self.now = 1000.0
        self.events = []
        self.loop = Loop(lambda: self.now)
        settings = Settings(data_dir=folder, sink="null", amplifier_pin=17, realtime=False)
        self.children = Children(self.loop, settings, self.events.append)
        self.children.start()
        self.until(self.children.healthy)

    def until(self, condition, step_s=0.0):
        for _ in range(400):
            if condition():
                return
            self.now += step_s
            self.loop.turn(0.05)
        raise AssertionError(self.events)

    def sound(self, folder):
        """Let the player play, until the amplifier is on."""
        pcm = folder / "clip.pcm"
        pcm.write_bytes(b"\x10\x10" * 480_000)
        sound = {"path": str(pcm), "frames": 480_000, "at": 0, "gain_db": 0.0}
        arm = {"cmd": "arm", "airing_id": "a", "start": time.monotonic(), "wall_offset": 0.0}
        self.children.send(
            {**arm, "sounds": [sound], "volume_pct": 100, "settle_ms": 300, "tail_ms": 0}
        )
        self.children.send({"cmd": "go", "airing_id": "a"})
        self.until(lambda: any(event.get("on") for event in self.events))

    def lost(self):
        return {"event": "children_lost"} in self.events


@pytest.fixture
def agent(tmp_path, monkeypatch):
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "mock")
    agent = Agent(tmp_path)
    yield agent
    agent.children.stop()
    agent.loop.close()


def test_a_player_that_hangs_is_replaced(agent):
    player = agent.children.pids()[-1]
    os.kill(player, signal.SIGSTOP)
    agent.until(agent.lost, step_s=0.5)
    agent.until(agent.children.healthy, step_s=0.1)
    assert player not in agent.children.pids()


def test_an_agent_that_was_held_up_itself_blames_nobody(agent):
    before = agent.children.pids()
    for _ in range(3):
        agent.now += 20.0
        agent.loop.turn(0.05)
    assert agent.children.pids() == before
    assert not agent.lost()


def test_a_keeper_that_died_with_a_pin_on_is_replaced_without_delay(agent, tmp_path):
    for _ in range(2):
        agent.events.clear()
        agent.sound(tmp_path)
        os.kill(agent.children.pids()[0], signal.SIGKILL)
        agent.until(agent.lost)
        agent.until(agent.children.healthy)
