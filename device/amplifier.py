"""The amplifier keeper, a tiny process that owns the pins.

    python -m device.amplifier AGENT_FD PLAYER_FD WIRING

An amplifier is on only while the player repeats `hold` within the lease, never longer than the
maximum for one airing, and goes off at once when either peer's socket closes, on SIGTERM and at
exit. Each change of a pin itself is told to the agent and, where a log is set, written as a line
{"at", "on", "airing_id"}. The keeper also reads what is wired beside: a stop button, and inputs
that say that an amplifier is faulty, has power, was opened, or serves the village's microphone.

Told to the agent: ready · beat · pin · button · input {name, active} · fault, fault_over {reason}.
"""

import atexit
import logging
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path

from device.channel import Channel
from device.errors import AmplifierError
from device.keeper import Keeper, PowerSense
from device.loop import Loop
from device.pins import InputPin, PinLog, RelayPin, open_button
from device.priority import KEEPER, become_realtime
from device.wiring import Wiring

log = logging.getLogger(__name__)

BEAT_S = 2.0
_CHECK_S = 0.5


class KeeperProcess:
    """The keeper on a loop between the agent's socket and the player's."""

    def __init__(self, agent: socket.socket, player: socket.socket, wiring: Wiring) -> None:
        self.loop = Loop()
        self._agent = Channel(self.loop, agent, lambda _: None, self.stop)
        pin_log = PinLog(Path(wiring.log_path) if wiring.log_path else None)
        self.relays: dict[str, RelayPin] = {}
        self.keeper = Keeper(
            self.loop,
            switch=lambda zone, on: self.relays[zone].switch(on),
            pin_log=pin_log,
            tell=self._agent.send,
            max_on_s=wiring.max_on_s,
            zones=[zone.name for zone in wiring.zones],
        )
        left_on = pin_log.left_on()
        for zone in wiring.zones:
            self.relays[zone.name] = RelayPin(zone, self._follow(zone.name))
        atexit.register(self._low)
        for name, airing_id in left_on.items():
            pin_log.write(on=False, airing_id=airing_id, zone=name)
        self._player = Channel(self.loop, player, self.keeper.handle, self.stop)
        self._button = open_button(wiring.button_pin, self.loop, self._pressed)
        self._power = PowerSense(self.keeper, self.loop.monotonic)
        self.inputs = {
            name: InputPin(contact, self.loop, self._told_by(name))
            for name, contact in wiring.inputs.items()
        }
        if wiring.realtime:
            become_realtime(KEEPER)
        self._agent.send({"event": "ready"})
        self._beat()
        self._check()

    def stop(self) -> None:
        """A peer is gone, or the system asks us to end."""
        self.keeper.off("closed")
        self.loop.stop()

    def close(self) -> None:
        """Let go of every pin; they are low by then."""
        atexit.unregister(self._low)
        for each in (*self.relays.values(), *self.inputs.values(), self._button):
            if each is not None:
                each.close()
        self._agent.close()
        self._player.close()
        self.loop.close()

    def _follow(self, zone: str) -> Callable[[bool], None]:
        return lambda on: self.keeper.pin_changed(on, zone)

    def _told_by(self, name: str) -> Callable[[bool], None]:
        """What follows from an input's change."""
        if name == "busy":
            return self.keeper.set_busy
        if name == "fault":
            return self.keeper.set_faulty
        return lambda active: self._input(name, active)

    def _input(self, name: str, active: bool) -> None:
        self._agent.send({"event": "input", "name": name, "active": active})

    def _pressed(self) -> None:
        """Somebody at the mast wants silence: at once here, the agent sees to the rest."""
        self.keeper.off("button")
        self._agent.send({"event": "button"})

    def _beat(self) -> None:
        """So that the agent notices when this process hangs."""
        self._agent.send({"event": "beat"})
        self.loop.call_later(BEAT_S, self._beat)

    def _check(self) -> None:
        """What the pins say themselves, beside what was asked of them."""
        for name, relay in self.relays.items():
            if relay.on and name not in self.keeper.on:
                relay.low()
                self.keeper.stray(name)
        if "sense" in self.inputs:
            self._power.check(self.inputs["sense"].active)
        self.loop.call_later(_CHECK_S, self._check)

    def _low(self) -> None:
        for relay in self.relays.values():
            relay.low()


def main(arguments: list[str]) -> int:
    logging.basicConfig(level=logging.INFO, format="amplifier: %(levelname)s %(message)s")
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the agent, which tells us
    agent_fd, player_fd, wiring = arguments
    agent, player = (socket.socket(fileno=int(fd)) for fd in (agent_fd, player_fd))
    try:
        process = KeeperProcess(agent, player, Wiring.from_json(wiring))
    except AmplifierError as error:
        log.error("%s", error)
        return 1
    signal.signal(signal.SIGTERM, lambda *_: process.loop.call_from_thread(process.stop))
    process.loop.run()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
