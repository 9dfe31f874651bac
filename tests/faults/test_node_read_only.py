"""A root file system nobody may write to: all the node keeps is below its data directory."""

import os
import subprocess
import sys

import pytest

from tests.device.conftest import make_clip
from tests.device.test_story import AREA, airing_of, bound, device_of, in_s

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root may make a mount read-only")

# In a mount namespace of its own: everything becomes read-only but the node's own folder.
READ_ONLY = """
mount --make-rprivate / && mount --bind "$1" "$1" &&
mount -o remount,bind,ro / && ! touch /read-only 2>/dev/null && ! touch /tmp/read-only 2>/dev/null
shift; exec "$@"
"""


def possible(folder):
    run = ["unshare", "--mount", "sh", "-ec", READ_ONLY, "sh", str(folder), "true"]
    return subprocess.run(run, capture_output=True).returncode == 0


def test_it_plays_and_reports_on_a_read_only_root(controller, node, tmp_path, monkeypatch):
    (tmp_path / "node").mkdir()
    if not possible(tmp_path / "node"):
        pytest.skip("this machine does not let root make a mount read-only")
    controller.config = bound
    real = subprocess.Popen

    def within(command, **more):
        if command == [sys.executable, "-m", "device"]:
            mounts = ["unshare", "--mount", "sh", "-c", READ_ONLY, "sh", str(tmp_path / "node")]
            command = [*mounts, *command]
        return real(command, **more)

    monkeypatch.setattr(subprocess, "Popen", within)
    player = node()
    device_id = device_of(controller)
    content, frames = make_clip(0.6)
    sha256 = controller.seed(content)
    controller.schedule(AREA, [airing_of(content, frames, in_s(8))])
    controller.wait(lambda: sha256 in controller.status(device_id).holds)
    report = controller.wait(lambda: controller.outcomes(device_id).get("a1"), 30)
    assert report.outcome == "played"
    assert "Read-only file system" not in player.log()
    assert player.stop() == 0
