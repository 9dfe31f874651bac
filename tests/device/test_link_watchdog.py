"""A link that stays away: the modem, then the machine, never near an airing, less and less."""

import pytest

from device.identity import Counters
from device.link_watchdog import LinkWatchdog, Measures
from device.loop import Loop

MIN = 60.0


class Watched:
    def __init__(self, folder, **measures):
        self.now = 0.0
        self.loop = Loop(lambda: self.now)
        self.linked = False
        self.quiet = True
        self.done = []
        self.folder = folder
        self.counters = Counters(folder)
        self.measures = measures
        self.boot()

    def boot(self):
        run = {"run": lambda words: self.done.append((self.now / MIN, words[0]))}
        LinkWatchdog(
            self.loop,
            Counters(self.folder),
            Measures(**self.measures, **run),
            reset_after_s=30 * MIN,
            reboot_after_s=360 * MIN,
            connected=lambda: self.linked,
            quiet=lambda: self.quiet,
        ).start()

    def wait(self, minutes):
        end = self.now + minutes * MIN
        while self.now < end:
            self.now += 30.0
            self.loop.turn(0.0)


@pytest.fixture
def watched(tmp_path):
    watched = Watched(tmp_path, reset=["reset"], reboot=["reboot"])
    yield watched
    watched.loop.close()


def test_the_modem_is_reset_less_and_less_often_and_then_the_machine(watched):
    watched.wait(361)
    assert [what for _, what in watched.done] == ["reset", "reset", "reset", "reboot"]
    assert [round(at) for at, _ in watched.done] == [30, 90, 210, 360]


def test_a_link_that_comes_back_ends_it(watched):
    watched.wait(29)
    watched.linked = True
    watched.wait(60)
    watched.linked = False
    watched.wait(29)
    assert watched.done == []


def test_nothing_is_touched_near_an_airing(watched):
    watched.quiet = False
    watched.wait(500)
    assert watched.done == []
    watched.quiet = True
    watched.wait(1)
    assert watched.done


def test_a_reboot_that_did_not_help_is_not_repeated_soon(watched, tmp_path):
    watched.measures = {"reboot": ["reboot"]}
    watched.loop.close()
    watched.loop = Loop(lambda: watched.now)
    watched.boot()
    watched.wait(361)
    assert len(watched.done) == 1
    watched.loop.close()
    watched.loop = Loop(lambda: watched.now)
    watched.boot()
    watched.wait(700)
    assert len(watched.done) == 1
    watched.wait(30)
    assert len(watched.done) == 2


def test_without_a_command_nothing_happens(tmp_path):
    idle = Watched(tmp_path)
    idle.wait(2000)
    assert idle.done == []
    idle.loop.close()


def test_a_usb_port_goes_dark_for_some_seconds(tmp_path):
    port = tmp_path / "authorized"
    port.write_text("1")
    watched = Watched(tmp_path, reset_usb=str(port))
    watched.wait(30)
    assert port.read_text() == "0"
    watched.wait(1)
    assert port.read_text() == "1"
    watched.loop.close()
