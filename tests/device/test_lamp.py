"""The lamp: gpiozero's own LED on mock pins, counted as a technician counts."""

import pytest
from gpiozero import LED, Device
from gpiozero.pins.mock import MockFactory

from device.lamp import Lamp, flashes, open_led
from device.loop import Loop


@pytest.fixture
def pins():
    before, Device.pin_factory = Device.pin_factory, MockFactory()
    yield Device.pin_factory
    Device.pin_factory.reset()
    Device.pin_factory = before


def shone(pins, code, seconds):
    """(flashes counted, lit at the end) of a lamp over some seconds."""
    now = [0.0]
    loop = Loop(lambda: now[0])
    lamp = Lamp(loop, LED(22), lambda: code)
    pin = pins.pin(22)
    while now[0] < seconds:
        now[0] += 0.05
        loop.turn(0.0)
    lit = pin.state
    count = sum(state.state for state in pin.states)
    lamp.close()
    loop.close()
    return count, lit


@pytest.mark.parametrize("code", [1, 4, 7])
def test_a_code_is_so_many_flashes_in_a_round(pins, code):
    assert shone(pins, code, 3.9) == (code, False)


def test_it_is_lit_while_something_sounds(pins):
    assert shone(pins, 0, 3.0)[1]


def test_the_gravest_matter_is_told():
    assert flashes((), connected=True, on_air=False) == 1
    assert flashes((), connected=False, on_air=False) == 2
    assert flashes(("unbound",), connected=False, on_air=False) == 3
    assert flashes(("storage_low", "clock_untrusted"), connected=True, on_air=False) == 4
    assert flashes(("clock_untrusted", "sound_device"), connected=True, on_air=False) == 5
    assert flashes(("sound_device",), connected=True, on_air=True) == 0


def test_a_pin_in_use_is_told_and_no_error(pins, tmp_path, caplog):
    taken = LED(22)
    assert open_led(22, tmp_path) is None
    assert "pin 22" in caplog.text
    taken.close()
