"""No more files, processes or threads for a while: what could not be started is started later."""

import errno
import os
import resource
import signal
import threading
from pathlib import Path

import pytest

from device.connector import Attempt, Endpoint
from device.loop import Loop
from device.settings import Settings
from device.sound import Children
from tests.device.conftest import make_clip
from tests.device.test_story import AREA, airing_of, bound, device_of, in_s


def turn_until(loop, condition, seconds=15.0):
    deadline = loop.monotonic() + seconds
    while not condition():
        assert loop.monotonic() < deadline, "what was waited for did not happen"
        loop.turn(0.05)


def test_a_player_that_cannot_be_started_is_started_later(tmp_path):
    loop, events = Loop(), []
    settings = Settings(data_dir=tmp_path, sink="null", realtime=False)
    children = Children(loop, settings, events.append)
    with pytest.MonkeyPatch.context() as patch:
        refusal = OSError(errno.EAGAIN, "Resource temporarily unavailable")
        patch.setattr("subprocess.Popen", lambda *_, **__: (_ for _ in ()).throw(refusal))
        children.start()
        assert not children.healthy()
    turn_until(loop, children.healthy)
    assert events[0] == {"event": "children_started"}
    children.stop()
    loop.close()


def test_a_connection_that_gets_no_thread_is_a_refused_one(monkeypatch):
    loop, came = Loop(), []

    def refuse(_):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    Attempt(loop, Endpoint("127.0.0.1", 1), 1.0, came.append)
    turn_until(loop, lambda: came)
    assert isinstance(came[0], OSError)
    loop.close()


def test_a_node_that_has_no_files_left_plays_when_it_has_some_again(controller, node):
    controller.config = bound
    player = node()
    device_id = device_of(controller)
    content, frames = make_clip(0.6)
    sha256 = controller.seed(content)
    controller.schedule(AREA, [airing_of(content, frames, in_s(15))])
    controller.wait(lambda: sha256 in controller.status(device_id).holds)
    pid = player.process.pid
    held = len(list(Path(f"/proc/{pid}/fd").iterdir()))
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (held - 4, before[1]))
    os.kill(player.children()["player.process"], signal.SIGKILL)
    controller.wait(lambda: "cannot be started" in player.log(), 15)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
    report = controller.wait(lambda: controller.outcomes(device_id).get("a1"), 60)
    assert (report.outcome, report.reason) == ("played", "")
    assert player.process.poll() is None
