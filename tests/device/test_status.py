"""What a node tells of itself, and when: on a board of files, by a clock the test moves."""

import errno

import pytest

from device.board import BoardReader
from device.loop import Loop
from device.node import Equipment, Node
from device.settings import Settings

HEAT = "sys/class/thermal/thermal_zone0/temp"


class Watched:
    """A node that is not started; `told` are the problems at each moment a status was due."""

    def __init__(self, folder):
        self.now = 1000.0
        self.heat = folder / HEAT
        self.heat.parent.mkdir(parents=True)
        self.heat.write_text("45000\n")
        self.loop = Loop(lambda: self.now)
        board = BoardReader(folder, root=folder)
        settings = Settings(data_dir=folder / "data", sink="null", clock="trusted")
        equipment = Equipment(silent=True, boot_id="b", board=board)
        self.node = Node(self.loop, settings, equipment=equipment)
        self.told = []
        self.node.pulse.changed = lambda: self.told.append(self.node.health.problems())
        self.tick(0)
        self.told.clear()

    def tick(self, seconds, heat=None):
        if heat is not None:
            self.heat.write_text(f"{heat}000\n")
        self.now += seconds
        self.node.mending.tick()

    def close(self):
        self.node.outbox.close()
        self.loop.close()


@pytest.fixture
def watched(tmp_path):
    watched = Watched(tmp_path)
    yield watched
    watched.close()


def test_heat_is_told_as_soon_as_it_is_read(watched):
    watched.tick(11, heat=86)
    assert ["too_hot" in problems for problems in watched.told] == [True]


def test_heat_that_comes_and_goes_is_one_problem_and_two_messages(watched):
    for heat in (86, 70, 86, 70, 86, 70):
        watched.tick(11, heat=heat)
    watched.tick(40)
    assert ["too_hot" in problems for problems in watched.told] == [True]
    watched.tick(11)
    assert ["too_hot" in problems for problems in watched.told] == [True, False]


def test_a_message_and_a_document_for_which_there_is_no_room_are_a_full_disk_and_no_fault(watched):
    health, node = watched.node.health, watched.node
    full, broken = OSError(errno.ENOSPC, "no room"), OSError(errno.EIO, "broken")
    node.inbox.refusal = full
    assert (health.storage_is_full(), health.storage_fault()) == (True, "")
    node.inbox.refusal = None
    node.documents.unkept["config"] = b"", full
    assert (health.storage_is_full(), health.storage_fault()) == (True, "")
    node.documents.unkept["config"] = b"", broken
    assert (health.storage_is_full(), health.storage_fault()) == (False, "documents not stored")
