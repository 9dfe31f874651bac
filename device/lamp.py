"""The status lamp on the mast: how the node is, counted in flashes that can be read from below.

Every four seconds some short flashes; steadily on while something is on the air; dark when the
program does not run. `device/README.md` has the table for technicians.
"""

import logging
import os
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Protocol

from device.loop import Loop, Timer

log = logging.getLogger(__name__)

WELL, NO_LINK, UNBOUND, CLOCK, SOUND, STORAGE, POWER = range(1, 8)
ON_AIR = 0
_CODES: tuple[tuple[int, frozenset[str]], ...] = (
    (SOUND, frozenset({"sound_device", "amplifier_fault", "amplifier_stray", "not_heard"})),
    (CLOCK, frozenset({"clock_untrusted"})),
    (STORAGE, frozenset({"storage_fault", "storage_full", "storage_low", "card_worn"})),
    (POWER, frozenset({"under_voltage", "too_hot"})),
    (UNBOUND, frozenset({"unbound"})),
)
_ROUND_S = 4.0
_ON_S, _OFF_S = 0.15, 0.3


class Led(Protocol):
    """What `gpiozero.LED` can do, as far as it is needed."""

    def on(self) -> None: ...

    def off(self) -> None: ...

    def close(self) -> None: ...


def flashes(problems: Collection[str], *, connected: bool, on_air: bool) -> int:
    """How many; the gravest matter alone is told. ON_AIR: steadily lit."""
    if on_air:
        return ON_AIR
    for code, words in _CODES:
        if not words.isdisjoint(problems):
            return code
    return WELL if connected else NO_LINK


class Lamp:
    """`code` is asked at every round."""

    def __init__(self, loop: Loop, led: Led, code: Callable[[], int]) -> None:
        self._loop = loop
        self._led = led
        self._code = code
        self._timer: Timer | None = None
        self._next_round()

    def close(self) -> None:
        if self._timer:
            self._timer.cancel()
        self._led.off()
        self._led.close()

    def _next_round(self) -> None:
        code = self._code()
        self._timer = self._loop.call_later(_ROUND_S, self._next_round)
        if code == ON_AIR:
            self._led.on()
        else:
            self._led.off()
            self._flash(code)

    def _flash(self, left: int) -> None:
        if left:
            self._led.on()
            self._loop.call_later(_ON_S, lambda: self._dark(left - 1))

    def _dark(self, left: int) -> None:
        self._led.off()
        self._loop.call_later(_OFF_S, lambda: self._flash(left))


def open_led(pin: int, work_dir: Path) -> Led | None:
    """The lamp on BCM `pin`; None, and told, where there is none. Loads gpiozero only here."""
    os.environ.setdefault("LG_WD", str(work_dir))  # lgpio leaves a pipe there
    try:
        from gpiozero import LED
        from gpiozero.exc import GPIOZeroError
    except ImportError as error:
        log.error("no status lamp: %s", error)
        return None
    try:
        led: Led = LED(pin)
    except GPIOZeroError as error:
        log.error("no status lamp on pin %s: %s", pin, error)
        return None
    return led
