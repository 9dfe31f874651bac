"""The watchdog over a real notify socket: fed while the loop that plays turns, not when it hangs.

The test is the service manager: it gives the node its socket and interval, and when nothing comes
for an interval it kills and starts anew, as systemd does.
"""

import os
import signal
import socket
import threading
import time
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from device.keeper import LEASE_S
from tests.device.conftest import make_clip
from tests.device.test_story import AREA, airing_of, bound, device_of, in_s, running


class Manager:
    """Hears `READY=1` and `WATCHDOG=1`, with the monotonic time of each."""

    def __init__(self, folder, watchdog_s):
        self.watchdog_s = watchdog_s
        path = folder / "notify"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._words = []
        self._over = False
        self.environment = {
            "NOTIFY_SOCKET": str(path),
            "WATCHDOG_USEC": str(int(watchdog_s * 1e6)),
        }
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def _listen(self):
        self._socket.settimeout(0.2)
        while not self._over:
            try:
                self._words.append((time.monotonic(), self._socket.recv(200).decode()))
            except TimeoutError:
                continue

    def when(self, word):
        return [at for at, said in list(self._words) if said == word]

    def silent_for(self):
        return time.monotonic() - self.when("WATCHDOG=1")[-1]

    def close(self):
        self._over = True
        self._thread.join()
        self._socket.close()


@pytest.fixture
def manager(request, tmp_path):
    manager = Manager(tmp_path, request.param)
    yield manager
    manager.close()


def hang_and_be_killed(controller, node, manager):
    """The agent hangs in mid-airing: silence, a kill, and a node that is ready again in seconds."""
    controller.config = bound
    player = node(environment=manager.environment)
    device_id = device_of(controller)
    controller.wait(lambda: manager.when("READY=1"))
    running(controller, player, device_id, length_s=manager.watchdog_s + 20)
    fed = manager.when("WATCHDOG=1")
    assert fed and all(after - at < manager.watchdog_s for at, after in pairwise(fed))
    player.process.send_signal(signal.SIGSTOP)
    hung_at = time.monotonic()
    patience_s = manager.watchdog_s + 1
    controller.wait(lambda: manager.silent_for() >= manager.watchdog_s, patience_s)
    assert time.monotonic() - hung_at <= manager.watchdog_s + 0.5
    player.kill()
    controller.wait(lambda: not player.pin()[-1]["on"], LEASE_S + 3)
    started_at = time.monotonic()
    player.start()
    controller.wait(lambda: manager.when("READY=1")[-1] > started_at, 10)
    report = controller.wait(lambda: controller.outcomes(device_id).get("a1"), 20)
    assert (report.outcome, report.reason) == ("interrupted", "device_error")
    return manager.when("READY=1")[-1] - started_at


@pytest.mark.parametrize("manager", [3.0], indirect=True)
def test_a_loop_that_hangs_feeds_no_watchdog_and_is_started_anew(controller, node, manager):
    hang_and_be_killed(controller, node, manager)


@pytest.mark.faults
@pytest.mark.timeout(200)
@pytest.mark.parametrize("manager", [30.0], indirect=True)
def test_a_loop_that_hangs_is_gone_within_the_units_thirty_seconds(controller, node, manager):
    hang_and_be_killed(controller, node, manager)


@pytest.mark.parametrize("manager", [3.0], indirect=True)
def test_a_player_that_hangs_is_replaced_and_the_watchdog_is_fed_all_the_while(
    controller, node, manager
):
    controller.config = bound
    player = node(environment=manager.environment)
    device_id = device_of(controller)
    running(controller, player, device_id)
    hung = player.children()["player.process"]
    os.kill(hung, signal.SIGSTOP)
    hung_at = datetime.now(UTC).timestamp()
    controller.wait(lambda: not player.pin()[-1]["on"], 3)
    assert player.pin()[-1]["at"] - hung_at < LEASE_S + 0.5
    controller.wait(lambda: player.children().get("player.process", hung) != hung, 10)
    report = controller.wait(lambda: controller.outcomes(device_id).get("a1"), 20)
    assert (report.outcome, report.reason) == ("interrupted", "device_error")
    content, frames = make_clip(0.5)
    controller.seed(content)
    controller.schedule(AREA, [airing_of(content, frames, in_s(4), "a2")])
    report = controller.wait(lambda: controller.outcomes(device_id).get("a2"))
    assert (report.outcome, report.reason) == ("played", "")
    assert manager.silent_for() < manager.watchdog_s
    assert len(manager.when("READY=1")) == 1
