"""The lease, the limit and what follows: when an amplifier may be on. Drives no pin itself.

The keeper's process (`amplifier`) turns its decisions into pins, and the pins' inputs into calls.
"""

import logging
import time
from collections.abc import Callable, Iterable
from typing import Any

from device.loop import Loop, Timer
from device.pins import PinLog
from device.wiring import MAIN

log = logging.getLogger(__name__)

LEASE_S = 1.0
_POWER_LAG_S = 1.5  # what a power supply needs to come and to go


class Keeper:
    """The lease, the limit and the pins. `tell` sends an event to the agent.

    While `busy` (the village's own microphone or FM set is on the air) an amplifier that is on at
    the end of an airing stays on for them, no longer than an airing might.
    """

    def __init__(
        self,
        loop: Loop,
        *,
        switch: Callable[[str, bool], None],
        pin_log: PinLog,
        tell: Callable[[dict[str, Any]], object],
        max_on_s: float,
        zones: Iterable[str] = (MAIN,),
        lease_s: float = LEASE_S,
    ) -> None:
        self._loop = loop
        self._switch = switch
        self._log = pin_log
        self._tell = tell
        self._max_on_s = max_on_s
        self._zones = frozenset(zones)
        self._lease_s = lease_s
        self._lease: Timer | None = None
        self._limit: Timer | None = None
        self._airing_id = ""
        self._exhausted = ""
        self.faulty = False  # the amplifier's own word
        self.busy = False
        self.on: frozenset[str] = frozenset()

    def handle(self, message: dict[str, Any]) -> None:
        if message.get("cmd") == "hold":
            self._hold(str(message.get("airing_id", "")), message.get("zones") or ())
        elif message.get("cmd") == "release":
            self.off("released")

    def _hold(self, airing_id: str, zones: Iterable[str]) -> None:
        if airing_id == self._exhausted:
            return  # it has had its time, however often it asks
        if self._lease:
            self._lease.cancel()
        self._lease = self._loop.call_later(self._lease_s, lambda: self.off("lease"))
        if airing_id != self._airing_id:
            self._airing_id = airing_id
            self._begin_limit()
            if self.faulty:
                self._fault("input")
        asked = frozenset(zones) & self._zones or self._zones
        self._set(asked | self.on if self.busy else asked)

    def off(self, why: str) -> None:
        """Low, whatever it was; `why`: released, lease, limit, button or closed."""
        for timer in (self._lease, self._limit):
            if timer:
                timer.cancel()
        self._lease = self._limit = None
        if why == "released" and self.busy and self.on:
            self._begin_limit()  # kept on for whoever speaks, and not for ever
            return
        if why == "button":
            self._exhausted = self._airing_id
        was_on = bool(self.on)
        self._set(frozenset())
        if was_on and why not in ("released", "button"):
            log.warning("amplifier switched off: %s", why)
            self._fault(why)
        self._airing_id = ""

    def _set(self, on: frozenset[str]) -> None:
        self.on = on
        for zone in sorted(self._zones):
            self._switch(zone, zone in on)

    def _begin_limit(self) -> None:
        if self._limit:
            self._limit.cancel()
        self._limit = self._loop.call_later(self._max_on_s, self._limit_reached)

    def _limit_reached(self) -> None:
        self._exhausted = self._airing_id
        self.off("limit")

    def set_busy(self, busy: bool) -> None:
        """The village's own microphone or FM set came on the air, or left it."""
        self.busy = busy
        self._tell({"event": "input", "name": "busy", "active": busy})
        if not busy and self.on and self._lease is None:
            self.off("released")

    def set_faulty(self, faulty: bool) -> None:
        """The amplifier's own fault contact."""
        self.faulty = faulty
        if faulty:
            self._fault("input")
        else:
            self.fault_over("input")

    def stray(self, zone: str) -> None:
        """A pin that nobody asked for was found high; it has been driven low again."""
        log.error("amplifier %s was on without an item", zone)
        self._fault("stray")

    def _fault(self, reason: str) -> None:
        self._tell({"event": "fault", "reason": reason, "airing_id": self._airing_id})

    def fault_over(self, reason: str) -> None:
        self._tell({"event": "fault_over", "reason": reason})

    def power_fault(self, reason: str) -> None:
        """`stray`: there is power without an item; `dead`: there is none though it is on."""
        log.error("the amplifier's power is not as switched: %s", reason)
        self._fault(reason)

    def pin_changed(self, on: bool, zone: str = MAIN) -> None:
        """The pin itself has moved."""
        at = self._log.write(on=on, airing_id=self._airing_id, zone=zone)
        event = {"event": "pin", "on": on, "at": at, "mono": time.monotonic(), "zone": zone}
        self._tell({**event, "airing_id": self._airing_id})


class PowerSense:
    """Compares an input that follows the amplifier's power with what the keeper has switched."""

    def __init__(self, keeper: Keeper, monotonic: Callable[[], float]) -> None:
        self._keeper = keeper
        self._monotonic = monotonic
        self._differs_since: float | None = None
        self._told = ""

    def check(self, powered: bool) -> None:
        """Called now and then with the input's state."""
        wanted = bool(self._keeper.on)
        if powered == wanted or (powered and self._keeper.busy):
            self._differs_since = None
            if self._told:
                self._keeper.fault_over(self._told)
                self._told = ""
            return
        if self._differs_since is None:
            self._differs_since = self._monotonic()
        elif self._monotonic() - self._differs_since >= _POWER_LAG_S and not self._told:
            self._told = "stray" if powered else "dead"
            self._keeper.power_fault(self._told)
