"""The PortAudio backend on a real PulseAudio that dies under it and comes back."""

import ctypes.util
import os
import shutil
import signal
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest

from tests.device.conftest import make_clip
from tests.device.test_story import AREA, airing_of, bound, device_of, in_s

_PLUGIN = "libasound_module_pcm_pulse.so"


def _plugin_installed():
    own = os.environ.get("ALSA_PLUGIN_DIR")
    folders = [Path(own)] if own else Path("/usr/lib").glob("*/alsa-lib")
    return any((folder / _PLUGIN).exists() for folder in folders)


pytestmark = pytest.mark.skipif(
    not (
        shutil.which("pulseaudio") and ctypes.util.find_library("portaudio") and _plugin_installed()
    ),
    reason="needs pulseaudio libasound2-plugins libportaudio2",
)


class Pulse:
    """A sound server of this test's own, with one sink that takes sound in real time."""

    def __init__(self, folder):
        folder.mkdir()
        config = folder / "asound.conf"
        config.write_text(
            "</usr/share/alsa/alsa.conf>\n"
            'pcm.village { type pulse\n hint { show on description "village" } }\n'
        )
        self._socket = folder / "native"
        self.environment = {
            "ALSA_CONFIG_PATH": str(config),
            "PULSE_SERVER": f"unix:{self._socket}",
            "PULSE_RUNTIME_PATH": str(folder),
            "XDG_RUNTIME_DIR": str(folder),
            "HOME": str(folder),
        }
        self.start()

    def start(self):
        protocol = f"module-native-protocol-unix socket={self._socket} auth-anonymous=1"
        sink = "module-null-sink sink_name=village rate=48000 channels=1"
        run = ["pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "-L", protocol]
        self._process = subprocess.Popen(
            [*run, "-L", sink],
            env={**os.environ, **self.environment},
            stderr=subprocess.DEVNULL,
        )

    @property
    def up(self):
        return self._socket.exists()

    def hang(self):
        self._process.send_signal(signal.SIGSTOP)

    def kill(self):
        self._process.kill()
        self._process.wait()
        self._socket.unlink(missing_ok=True)


@pytest.fixture
def pulse(tmp_path):
    pulse = Pulse(tmp_path / "pulse")
    yield pulse
    pulse.kill()


def test_a_sound_server_that_dies_costs_part_of_one_airing_and_nothing_of_the_next(
    controller, node, pulse
):
    controller.config = bound
    controller.wait(lambda: pulse.up)
    player = node(sink="portaudio:village", environment=pulse.environment, buffer_ms=200)
    device_id = device_of(controller)
    content, frames = make_clip(10.0)
    controller.seed(content)
    first = airing_of(content, frames, in_s(5))
    after = first.starts_at + timedelta(seconds=13)
    controller.schedule(AREA, [first, airing_of(content, frames, after, "a2")])
    controller.wait(lambda: in_s(0) > first.starts_at + timedelta(seconds=2))
    assert controller.status(device_id).playing == "a1"
    pulse.kill()
    controller.wait(lambda: "the sound device failed" in player.log())
    pulse.start()
    report = controller.wait(lambda: controller.outcomes(device_id).get("a1"), 20)
    assert (report.outcome, report.reason) == ("partial", "device_error")
    assert report.detail.startswith("sound device: village")
    assert 4000 < report.played_ms < 9500
    assert report.xruns >= 0
    report = controller.wait(lambda: controller.outcomes(device_id).get("a2"), 25)
    assert (report.outcome, report.reason) == ("played", "")
    assert abs(report.start_error_ms) < 5


def test_a_sound_server_that_hangs_leaves_a_part_with_its_reason(controller, node, pulse):
    controller.config = bound
    controller.wait(lambda: pulse.up)
    node(sink="portaudio:village", environment=pulse.environment, buffer_ms=200)
    device_id = device_of(controller)
    content, frames = make_clip(20.0)
    controller.seed(content)
    airing = airing_of(content, frames, in_s(5))
    controller.schedule(AREA, [airing])
    controller.wait(lambda: in_s(0) > airing.starts_at + timedelta(seconds=2))
    assert controller.status(device_id).playing == "a1"
    pulse.hang()
    report = controller.wait(lambda: controller.outcomes(device_id).get("a1"), 15)
    assert (report.outcome, report.reason) == ("partial", "device_error")
    assert report.detail.startswith("sound device: village")
    assert 500 < report.played_ms < 10_000
