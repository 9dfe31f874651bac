"""Pins through gpiozero: the relays, the stop button, the inputs, and the log of what was driven.

gpiozero is loaded here and only in the keeper's process. `GPIOZERO_PIN_FACTORY=mock` drives its
mock pins, for machines without any.
"""

import json
import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from device.errors import AmplifierError
from device.loop import Loop, Timer
from device.wiring import MAIN, Contact, Zone

log = logging.getLogger(__name__)

_BOUNCE_S = 0.05  # contacts chatter; what counts is how they rest


class PinLog:
    """One line per change, appended; the last state survives a keeper that was killed."""

    def __init__(self, path: Path | None, wall: Callable[[], float] = time.time) -> None:
        self._path = path
        self._wall = wall

    def write(self, *, on: bool, airing_id: str, zone: str = MAIN) -> float:
        """When it was, Unix seconds. A second amplifier's lines name their zone.

        A disk that takes no line must not cost the amplifier: it is told of, and no more.
        """
        at = self._wall()
        if self._path:
            line: dict[str, Any] = {"at": round(at, 6), "on": on, "airing_id": airing_id}
            if zone != MAIN:
                line["zone"] = zone
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                with self._path.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(line) + "\n")
            except OSError as error:
                log.error("the pin's log cannot be written: %s", error)
        return at

    def left_on(self) -> dict[str, str]:
        """zone → airing during which a former keeper died with the pin on."""
        if not self._path or not self._path.exists():
            return {}
        try:
            lines = self._path.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError as error:
            log.error("the pin's log cannot be read: %s", error)
            return {}
        on: dict[str, str] = {}
        for text in lines:
            try:
                line = json.loads(text)
                zone = str(line.get("zone", MAIN))
            except (ValueError, AttributeError):
                continue  # torn by a power cut
            on.pop(zone, None)
            if line.get("on"):
                on[zone] = str(line.get("airing_id", ""))
        return on


def open_pin(pin: int, *, active_high: bool, changed: Callable[[bool], None]) -> Any:
    """The gpiozero output device, off. `changed(level)` follows the pin itself, where it can.

    Raises AmplifierError when there is no pin to drive.
    """
    from gpiozero import GPIOZeroError, OutputDevice

    try:
        factory = (
            _mock_factory(changed) if os.environ.get("GPIOZERO_PIN_FACTORY") == "mock" else None
        )
        return OutputDevice(pin, active_high=active_high, initial_value=False, pin_factory=factory)
    except (GPIOZeroError, ImportError, OSError, RuntimeError) as error:
        raise AmplifierError(f"pin {pin} cannot be driven: {error}") from error


def open_button(pin: int, loop: Loop, pressed: Callable[[], None]) -> Any:
    """A push button to ground, debounced; None for a pin below zero.

    Raises AmplifierError when the pin cannot be read.
    """
    if pin < 0:
        return None
    from gpiozero import Button, GPIOZeroError

    try:
        button = Button(pin, pull_up=True, bounce_time=None)
    except (GPIOZeroError, ImportError, OSError, RuntimeError) as error:
        raise AmplifierError(f"button on pin {pin} cannot be read: {error}") from error
    # gpiozero calls back in a thread of its own.
    button.when_pressed = lambda: loop.call_from_thread(pressed)
    return button


class RelayPin:
    """One zone's pin. `moved(on)` follows the pin itself where it can, else what was driven."""

    def __init__(self, zone: Zone, moved: Callable[[bool], None]) -> None:
        self._active_high = zone.active_high
        self._moved = moved
        self._probed = False
        self._last: bool | None = None
        self._device = open_pin(zone.pin, active_high=zone.active_high, changed=self._probe)

    @property
    def on(self) -> bool:
        """As read back from the pin."""
        return bool(self._device.value)

    def switch(self, on: bool) -> None:
        if self.on != on:
            self._device.value = on
            if not self._probed:  # a real pin: what was driven is read back
                self._note(self.on)

    def low(self) -> None:
        self._device.off()

    def close(self) -> None:
        self._device.close()

    def _probe(self, level: bool) -> None:
        self._probed = True
        self._note(level == self._active_high)

    def _note(self, on: bool) -> None:
        if on != self._last and not (self._last is None and not on):
            self._moved(on)
        self._last = on


class InputPin:
    """A contact at rest: `told(active)` once at the start if active, then with every change."""

    def __init__(self, contact: Contact, loop: Loop, told: Callable[[bool], None]) -> None:
        from gpiozero import DigitalInputDevice, GPIOZeroError

        self._loop = loop
        self._told = told
        self._settling: Timer | None = None
        self.active = False
        try:
            self._device = DigitalInputDevice(contact.pin, pull_up=not contact.active_high)
        except (GPIOZeroError, ImportError, OSError, RuntimeError) as error:
            raise AmplifierError(f"input on pin {contact.pin} cannot be read: {error}") from error
        self._device.when_activated = self._device.when_deactivated = self._moved
        loop.call_later(0.0, self._read)

    def close(self) -> None:
        self._device.close()

    def _moved(self) -> None:
        self._loop.call_from_thread(self._wait_for_rest)

    def _wait_for_rest(self) -> None:
        if self._settling:
            self._settling.cancel()
        self._settling = self._loop.call_later(_BOUNCE_S, self._read)

    def _read(self) -> None:
        active = bool(self._device.is_active)
        if active != self.active:
            self.active = active
            self._told(active)


def _mock_factory(changed: Callable[[bool], None]) -> Any:
    """Mock pins that tell of every change of their own state, as a probe on the wire would."""
    from gpiozero.pins.mock import MockFactory, MockPin

    class ProbedPin(MockPin):  # type: ignore[misc]
        def _change_state(self, value: bool) -> bool:
            different = bool(super()._change_state(value))
            if different:
                changed(bool(value))
            return different

    return MockFactory(pin_class=ProbedPin)
