"""The amplifier keeper, a tiny process that owns the pin.

    python -m device.amplifier AGENT_FD PLAYER_FD PIN ACTIVE_HIGH MAX_ON_S LOG REALTIME BUTTON

 The amplifier is on only while the player repeats `hold` within
the lease, never longer than the maximum for one airing, and goes off at once when either peer's
socket closes, on SIGTERM and at exit. Each change of the pin itself is told to the agent and, where
a log is set, written as a line {"at", "on", "airing_id"}.
"""

import atexit
import json
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from device.channel import Channel
from device.errors import AmplifierError
from device.loop import Loop, Timer
from device.priority import KEEPER, become_realtime

log = logging.getLogger(__name__)

LEASE_S = 1.0


class PinLog:
    """One line per change, appended; the last state survives a keeper that was killed."""

    def __init__(self, path: Path | None, wall: Callable[[], float] = time.time) -> None:
        self._path = path
        self._wall = wall
        if path:
            path.parent.mkdir(parents=True, exist_ok=True)

    def write(self, *, on: bool, airing_id: str) -> float:
        """When it was, Unix seconds."""
        at = self._wall()
        if self._path:
            line = json.dumps({"at": round(at, 6), "on": on, "airing_id": airing_id})
            with self._path.open("a", encoding="utf-8") as file:
                file.write(line + "\n")
        return at

    def left_on(self) -> str | None:
        """The airing during which a former keeper died with the pin on, if one did."""
        if not self._path or not self._path.exists():
            return None
        lines = self._path.read_text(encoding="utf-8", errors="replace").splitlines()
        try:
            last = json.loads(lines[-1]) if lines else {}
        except ValueError:
            return None
        return str(last.get("airing_id", "")) if last.get("on") else None


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


class Keeper:
    """The lease, the limit and the pin. `tell` sends an event to the agent."""

    def __init__(
        self,
        loop: Loop,
        *,
        switch: Callable[[bool], None],
        pin_log: PinLog,
        tell: Callable[[dict[str, Any]], object],
        max_on_s: float,
        lease_s: float = LEASE_S,
    ) -> None:
        self._loop = loop
        self._switch = switch
        self._log = pin_log
        self._tell = tell
        self._max_on_s = max_on_s
        self._lease_s = lease_s
        self._lease: Timer | None = None
        self._limit: Timer | None = None
        self._airing_id = ""
        self._exhausted = ""
        self.on = False

    def handle(self, message: dict[str, Any]) -> None:
        if message.get("cmd") == "hold":
            self._hold(str(message.get("airing_id", "")))
        elif message.get("cmd") == "release":
            self.off("released")

    def _hold(self, airing_id: str) -> None:
        if airing_id == self._exhausted:
            return  # it has had its time, however often it asks
        if self._lease:
            self._lease.cancel()
        self._lease = self._loop.call_later(self._lease_s, lambda: self.off("lease"))
        if airing_id != self._airing_id:
            self._airing_id = airing_id
            if self._limit:
                self._limit.cancel()
            self._limit = self._loop.call_later(self._max_on_s, self._limit_reached)
        if not self.on:
            self.on = True
            self._switch(True)

    def off(self, why: str) -> None:
        """Low, whatever it was; `why`: released, lease, limit, button or closed."""
        for timer in (self._lease, self._limit):
            if timer:
                timer.cancel()
        self._lease = self._limit = None
        if why == "button":
            self._exhausted = self._airing_id
        was_on, self.on = self.on, False
        self._switch(False)
        if was_on and why != "released":
            log.warning("amplifier switched off: %s", why)
            self._tell({"event": "fault", "reason": why, "airing_id": self._airing_id})
        self._airing_id = ""

    def pin_changed(self, on: bool) -> None:
        """The pin itself has moved."""
        try:
            at = self._log.write(on=on, airing_id=self._airing_id)
        except OSError as error:
            log.error("the pin's log cannot be written: %s", error)
            at = time.time()
        event = {"event": "pin", "on": on, "at": at, "mono": time.monotonic()}
        self._tell({**event, "airing_id": self._airing_id})

    def _limit_reached(self) -> None:
        self._exhausted = self._airing_id
        self.off("limit")


class KeeperProcess:
    """The keeper on a loop between the agent's socket and the player's."""

    def __init__(self, arguments: list[str]) -> None:
        agent_fd, player_fd, pin, active_high, max_on_s, log_path, realtime, button = arguments
        self.loop = Loop()
        self._agent = Channel(
            self.loop, socket.socket(fileno=int(agent_fd)), lambda _: None, self.stop
        )
        pin_log = PinLog(Path(log_path) if log_path else None)
        self._active_high = active_high == "1"
        self._factory_tells = False
        self._last_level: bool | None = None
        self.keeper = Keeper(
            self.loop,
            switch=self._switch,
            pin_log=pin_log,
            tell=self._agent.send,
            max_on_s=float(max_on_s),
        )
        left_on = pin_log.left_on()
        self._device = open_pin(int(pin), active_high=self._active_high, changed=self._probed)
        atexit.register(self._low)
        if left_on is not None:
            pin_log.write(on=False, airing_id=left_on)
        player = socket.socket(fileno=int(player_fd))
        self._player = Channel(self.loop, player, self.keeper.handle, self.stop)
        self._button = open_button(int(button), self.loop, self._pressed)
        if realtime == "1":
            become_realtime(KEEPER)
        self._agent.send({"event": "ready"})

    def stop(self) -> None:
        """A peer is gone, or the system asks us to end."""
        self.keeper.off("closed")
        self.loop.stop()

    def _pressed(self) -> None:
        """Somebody at the mast wants silence: at once here, the agent sees to the rest."""
        self.keeper.off("button")
        self._agent.send({"event": "button"})

    def _probed(self, level: bool) -> None:
        self._factory_tells = True
        self._note(level == self._active_high)

    def _switch(self, on: bool) -> None:
        if bool(self._device.value) != on:
            self._device.value = on
            if not self._factory_tells:  # a real pin: what was driven is read back
                self._note(bool(self._device.value))

    def _note(self, on: bool) -> None:
        if on != self._last_level and not (self._last_level is None and not on):
            self.keeper.pin_changed(on)
        self._last_level = on

    def _low(self) -> None:
        self._device.off()


def main(arguments: list[str]) -> int:
    logging.basicConfig(level=logging.INFO, format="amplifier: %(levelname)s %(message)s")
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the agent, which tells us
    try:
        process = KeeperProcess(arguments)
    except AmplifierError as error:
        log.error("%s", error)
        return 1
    signal.signal(signal.SIGTERM, lambda *_: process.loop.call_from_thread(process.stop))
    process.loop.run()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
