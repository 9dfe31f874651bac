"""The keeper: a lease, a limit, and a pin that is low whenever nobody asks."""

import json

import pytest

from device.errors import AmplifierError
from device.keeper import Keeper
from device.loop import Loop
from device.pins import PinLog, open_button, open_pin


class Bench:
    """A keeper on gpiozero's mock pin, in a time the test moves."""

    def __init__(self, tmp_path, active_high=True):
        self.now = 0.0
        self.loop = Loop(lambda: self.now)
        self.path = tmp_path / "amplifier.jsonl"
        self.told = []
        self.active_high = active_high
        self.keeper = Keeper(
            self.loop,
            switch=self.switch,
            pin_log=PinLog(self.path, lambda: 1000 + self.now),
            tell=self.told.append,
            max_on_s=30.0,
        )
        self.device = open_pin(17, active_high=active_high, changed=self.changed)

    def changed(self, level):
        self.keeper.pin_changed(level == self.active_high)

    def switch(self, zone, on):
        assert zone == "main"
        self.device.value = on

    def run(self, seconds):
        for _ in range(round(seconds * 20)):
            self.now += 0.05
            self.loop.turn(0.0)

    def lines(self):
        return [json.loads(line) for line in self.path.read_text().splitlines()]


@pytest.fixture(params=[True, False], ids=["active high", "active low"])
def bench(tmp_path, monkeypatch, request):
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "mock")
    bench = Bench(tmp_path, request.param)
    yield bench
    bench.device.close()
    bench.loop.close()


def test_it_is_off_until_somebody_holds_it(bench):
    assert not bench.keeper.on
    assert bench.device.value == 0
    assert bench.device.pin.state == (not bench.active_high)


def test_a_hold_switches_on_and_a_release_off(bench):
    bench.keeper.handle({"cmd": "hold", "airing_id": "a"})
    assert bench.device.pin.state == bench.active_high
    bench.keeper.handle({"cmd": "release"})
    assert bench.device.pin.state == (not bench.active_high)
    pin = [event for event in bench.told if event["event"] == "pin"]
    assert [(event["on"], event["airing_id"]) for event in pin][-2:] == [(True, "a"), (False, "a")]


def test_a_lease_that_is_not_renewed_runs_out(bench):
    bench.keeper.handle({"cmd": "hold", "airing_id": "a"})
    bench.run(0.9)
    assert bench.keeper.on
    bench.run(0.2)
    assert bench.device.value == 0
    assert bench.told[-1]["reason"] == "lease"


def test_the_longest_time_holds_however_often_it_is_renewed(bench):
    for _ in range(100):
        bench.keeper.handle({"cmd": "hold", "airing_id": "a"})
        bench.run(0.5)
    assert bench.device.value == 0
    assert {"event": "fault", "reason": "limit", "airing_id": "a"} in bench.told
    bench.keeper.handle({"cmd": "hold", "airing_id": "b"})
    assert bench.device.value == 1


def test_each_change_is_a_line_and_nothing_else_is(bench):
    for _ in range(3):
        bench.keeper.handle({"cmd": "hold", "airing_id": "a"})
    bench.keeper.handle({"cmd": "release"})
    bench.keeper.handle({"cmd": "release"})
    assert [line["on"] for line in bench.lines()][-2:] == [True, False]
    assert len([line for line in bench.lines() if line["on"]]) == 1


def test_a_log_that_cannot_be_written_costs_no_amplifier(tmp_path):
    (tmp_path / "there").write_text("a file, and no folder")
    log = PinLog(tmp_path / "there" / "amplifier.jsonl", wall=lambda: 5.0)
    assert log.write(on=True, airing_id="a") == 5.0
    assert log.left_on() == {}


def test_a_log_that_ends_on_tells_of_a_killed_keeper(tmp_path):
    log = PinLog(tmp_path / "log")
    log.write(on=True, airing_id="a9")
    assert log.left_on() == {"main": "a9"}
    log.write(on=False, airing_id="a9")
    assert log.left_on() == {}


def test_a_pin_that_does_not_exist_is_refused_with_a_sentence(monkeypatch):
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "mock")
    with pytest.raises(AmplifierError, match="cannot be driven"):
        open_pin(99, active_high=True, changed=lambda _: None)


def test_a_button_press_is_told_once(monkeypatch):
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "mock")
    from gpiozero import Device
    from gpiozero.pins.mock import MockFactory

    monkeypatch.setattr(Device, "pin_factory", MockFactory())
    loop = Loop()
    presses = []
    button = open_button(22, loop, lambda: presses.append(1))
    button.pin.drive_low()
    loop.turn(0.1)
    button.pin.drive_high()
    loop.turn(0.1)
    assert presses == [1]
    button.close()
    loop.close()


def test_no_button_is_none():
    loop = Loop()
    assert open_button(-1, loop, lambda: None) is None
    loop.close()
