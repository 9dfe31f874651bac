"""A full disk: what is due still sounds, what happened is still told."""

import contextlib
import os
import subprocess

import pytest

from device.outbox import Outbox
from device.room import Ballast
from protocol.messages import Report
from protocol.outcomes import Outcome, ReportKind
from tests.device.conftest import make_clip
from tests.device.fakes import START
from tests.device.test_story import AREA, airing_of, bound, device_of, in_s

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk")


@pytest.fixture
def small_disk(tmp_path):
    """80 MB of tmpfs, so that there is room for the ballast and then for nothing."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=80m", "none", str(folder)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("this machine does not let even root mount a tmpfs")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder):
    """Take every byte that is left."""
    with (folder / "filler").open("wb") as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(1 << 16))
            file.flush()


def test_a_full_disk_stops_neither_sound_nor_reports(controller, node, small_disk):
    controller.config = bound
    player = node(data_dir=small_disk / "data")
    device_id = device_of(controller)
    content, frames = make_clip(1.0)
    sha256 = controller.seed(content)
    airings = [airing_of(content, frames, in_s(9 + 4 * n), f"f{n}") for n in range(3)]
    controller.schedule(AREA, airings)
    controller.wait(lambda: sha256 in controller.status(device_id).holds)
    assert (small_disk / "data" / "ballast").exists()
    fill(small_disk)
    controller.wait(lambda: len(controller.outcomes(device_id)) == 3, 45)
    outcomes = {report.outcome for report in controller.outcomes(device_id).values()}
    assert outcomes == {"played"}
    assert len(controller.all_reports(device_id)) == 6
    assert player.stop() == 0


def test_with_the_ballast_given_up_a_full_disk_takes_a_thousand_events(small_disk):
    ballast, box = Ballast(small_disk), Outbox(small_disk / "outbox.sqlite3")
    assert ballast.fill()
    fill(small_disk)
    for number in range(1000):
        ended = {"kind": ReportKind.FINISHED, "outcome": Outcome.PLAYED, "planned_at": START}
        box.note(Report(airing_id=f"{number:032x}", detail="x" * 100, **ended))
        if box.full:
            assert ballast.drop()
            assert box.retry()
    box.close()
    again = Outbox(small_disk / "outbox.sqlite3")
    assert len(again) == 1000
    again.close()


def test_it_starts_on_a_full_disk(controller, node, small_disk):
    controller.config = bound
    player = node(data_dir=small_disk / "data")
    device_id = device_of(controller)
    content, frames = make_clip(1.0)
    sha256 = controller.seed(content)
    controller.schedule(AREA, [airing_of(content, frames, in_s(14))])
    controller.wait(lambda: sha256 in controller.status(device_id).holds)
    player.kill()
    fill(small_disk)
    player.start()
    report = controller.wait(lambda: controller.outcomes(device_id).get("a1"), 40)
    assert report.outcome == "played"
