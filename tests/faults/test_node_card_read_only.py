"""A card the kernel has made read-only, as it does when the card fails under it: the schedule goes
on sounding, reports are told from memory, urgent orders are obeyed, and nothing twice.

A real ext4 on a loop device, whose own "an error was found" is pulled; without root, or where that
is not to be had, the node's C library refuses all writing with EROFS instead.
"""

import contextlib
import errno
import os
import subprocess
from pathlib import Path

import pytest

from protocol.outcomes import AiringClass, Origin
from tests.device.conftest import make_clip
from tests.device.test_story import AREA, airing_of, bound, device_of, in_s


class Ext4Card:
    """A file system of its own that can be made to fail, and repaired."""

    def __init__(self, folder):
        self.folder = folder / "card"
        self.folder.mkdir()
        self.environment = {}
        self._image = folder / "card.img"
        with self._image.open("wb") as file:
            file.truncate(120 << 20)
        _run("mkfs.ext4", "-q", "-e", "remount-ro", str(self._image))
        self._mount()
        self._switch = Path("/sys/fs/ext4", self._device().name, "trigger_fs_error")
        self._switch.stat()

    def _mount(self):
        _run("mount", "-o", "loop,errors=remount-ro", str(self._image), str(self.folder))

    def _device(self):
        found = _run("findmnt", "-no", "SOURCE", str(self.folder)).stdout
        return Path(found.decode().strip())

    def fail(self):
        self._switch.write_text("1")
        with pytest.raises(OSError, match="Read-only"):
            (self.folder / "probe").touch()

    def repair(self):
        """As a reboot does."""
        _run("umount", str(self.folder))
        subprocess.run(["fsck.ext4", "-fy", str(self._image)], capture_output=True)
        self._mount()

    def close(self):
        with contextlib.suppress(subprocess.CalledProcessError):
            _run("umount", "-l", str(self.folder))


class ShimCard:
    """The same as far as the node's own C library can tell."""

    def __init__(self, folder, shim):
        self.folder = folder / "card"
        self.folder.mkdir()
        self._shim = shim
        shim.guard(self.folder)
        self.environment = shim.environment

    def fail(self):
        self._shim.refuse(errno.EROFS, every=1)

    def repair(self):
        self._shim.refuse(0)

    def close(self):
        return


def _run(*words):
    return subprocess.run(words, check=True, capture_output=True)


@pytest.fixture
def card(request, tmp_path, shim):
    if request.param == "refused calls":
        yield ShimCard(tmp_path, shim)
        return
    if os.geteuid() != 0:
        pytest.skip("only root may mount a file system of its own")
    try:
        card = Ext4Card(tmp_path)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no ext4 of our own here: {error}")
    yield card
    card.close()


def outcome(controller, device_id, airing_id, seconds=40):
    report = controller.wait(lambda: controller.outcomes(device_id).get(airing_id), seconds)
    return report.outcome, report.reason


def say_again(controller, topic, payload):
    controller.client.publish(topic, payload, qos=1).wait_for_publish(5)


def live_on(controller, node, card, *more_at):
    """A node whose card has failed: an airing, an emergency and a mute later; (node, its mute)."""
    controller.config = bound
    (card.folder.parent / "run").mkdir()
    environment = {**card.environment, "RUNTIME_DIRECTORY": str(card.folder.parent / "run")}
    player = node(data_dir=card.folder / "data", environment=environment)
    device_id = device_of(controller)
    content, frames = make_clip(0.6)
    sha256 = controller.seed(content)
    airings = [airing_of(content, frames, in_s(at), f"r{at}") for at in (9, *more_at)]
    controller.schedule(AREA, airings)
    controller.wait(lambda: sha256 in controller.status(device_id).holds)
    card.fail()
    assert outcome(controller, device_id, "r9") == ("played", "")
    controller.wait(lambda: "storage_fault" in controller.status(device_id).problems)
    urgent = {"class_": AiringClass.EMERGENCY, "origin": Origin.EMERGENCY}
    controller.area_state(AREA, airings=(airing_of(content, frames, in_s(0.8), "e1", **urgent),))
    assert outcome(controller, device_id, "e1") == ("played", "")
    order = controller.command(device_id, "mute", until="2036-01-01T00:00:00Z")
    controller.wait(lambda: "muted_here" in controller.status(device_id).problems)
    controller.command(device_id, "mute", until="")
    controller.wait(lambda: "muted_here" not in controller.status(device_id).problems)
    test = airing_of(content, frames, in_s(1), "t1", origin=Origin.TEST)
    controller.command(device_id, "play", airing=test)
    say_again(controller, controller.topics.to_device(device_id, "command"), order)
    controller.wait(lambda: controller.status(device_id).refused.get("replayed"))
    assert "muted_here" not in controller.status(device_id).problems
    return player, device_id, order


@pytest.mark.parametrize("card", ["refused calls"], indirect=True)
def test_a_card_that_turns_read_only_silences_nothing(controller, node, card):
    player, device_id, _ = live_on(controller, node, card)
    assert len(controller.all_reports(device_id)) == 4
    assert not (player.evidence / "sound" / "t1.json").exists()


@pytest.mark.faults
@pytest.mark.parametrize("card", ["ext4", "refused calls"], indirect=True)
def test_a_card_that_turns_read_only_repeats_nothing_after_restarts(controller, node, card):
    player, device_id, order = live_on(controller, node, card, 42, 60)
    session = controller.presences[device_id].session
    player.kill()
    player.start()  # the program falls while the card takes nothing
    controller.wait(lambda: controller.presences[device_id].session > session)
    assert outcome(controller, device_id, "r42", 60) == ("played", "")
    controller.command(device_id, "self_test")
    controller.wait(lambda: any("storage_fault" in a["detail"] for a in controller.answers))
    session = controller.presences[device_id].session
    player.kill()
    card.repair()
    player.start()
    controller.wait(lambda: controller.presences[device_id].session > session)
    assert outcome(controller, device_id, "r60", 60) == ("played", "")
    say_again(controller, controller.topics.to_device(device_id, "command"), order)
    controller.wait(lambda: controller.status(device_id).refused.get("replayed"))
    assert "muted_here" not in controller.status(device_id).problems
    content, frames = make_clip(0.6)
    controller.seed(content)
    controller.schedule(AREA, [airing_of(content, frames, in_s(9), "new")])  # needs the disk
    assert outcome(controller, device_id, "new") == ("played", "")
    # What it has forgotten it calls missed; the controller keeps the first word (folding.fold).
    first = {}
    for report in controller.all_reports(device_id):
        if report.kind == "finished":
            first.setdefault(report.airing_id, report.outcome)
    assert first == dict.fromkeys(("r9", "e1", "r42", "r60", "new"), "played")
    for path in (player.evidence / "sound").glob("*.json"):
        assert "stretches" not in path.read_text()
    assert not (player.evidence / "sound" / "t1.json").exists()
