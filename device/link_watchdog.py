"""A link that stays away: first the modem is reset, much later the machine; never near an airing.

Off until a command is set. Waits double with every try that did not help, also over reboots, so
that a broker that is down for a week does not wear the hardware.
"""

import logging
import shlex
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from device.identity import Counters
from device.loop import Loop

log = logging.getLogger(__name__)

_LOOK_S = 30.0
_USB_DARK_S = 5.0
_LONGEST_DOUBLING = 4  # sixteen times the wait that is set


@dataclass
class Measures:
    """What can be done; `run` starts a command and does not wait for it."""

    reset: Sequence[str] = ()
    reset_usb: str = ""
    reboot: Sequence[str] = ()
    run: Callable[[Sequence[str]], None] = field(default=lambda words: _start(words))


class LinkWatchdog:
    """`connected` and `quiet` (nothing on the air or about to be) are asked twice a minute."""

    def __init__(
        self,
        loop: Loop,
        counters: Counters,
        measures: Measures,
        *,
        reset_after_s: float,
        reboot_after_s: float,
        connected: Callable[[], bool],
        quiet: Callable[[], bool],
    ) -> None:
        self._loop = loop
        self._counters = counters
        self._measures = measures
        self._reset_after_s = reset_after_s
        self._reboot_after_s = reboot_after_s
        self._connected = connected
        self._quiet = quiet
        self._away_since = loop.monotonic()
        self._resets = 0
        self._reset_at = loop.monotonic()

    def start(self) -> None:
        measures = self._measures
        if measures.reset or measures.reset_usb or measures.reboot:
            self._look()

    def _look(self) -> None:
        self._loop.call_later(_LOOK_S, self._look)
        now = self._loop.monotonic()
        if self._connected():
            self._away_since = self._reset_at = now
            self._resets = 0
            self._remember_reboots(0)
        elif self._quiet():
            self._act(now)

    def _act(self, now: float) -> None:
        reboots = int(self._counters.extra.get("link_reboots", 0))
        patience_s = self._reboot_after_s * 2 ** min(reboots, _LONGEST_DOUBLING)
        if self._measures.reboot and now - self._away_since >= patience_s:
            log.error("no link for %d min: the machine is started anew", _min(patience_s))
            self._remember_reboots(reboots + 1)
            self._away_since = now  # should the command do nothing
            self._measures.run(self._measures.reboot)
        elif self._can_reset() and now - self._reset_at >= self._reset_wait_s():
            log.warning("no link for %d min: the modem is reset", _min(now - self._away_since))
            self._resets += 1
            self._reset_at = now
            self._reset()

    def _can_reset(self) -> bool:
        return bool(self._measures.reset or self._measures.reset_usb)

    def _reset_wait_s(self) -> float:
        return self._reset_after_s * 2 ** float(min(self._resets, _LONGEST_DOUBLING))

    def _reset(self) -> None:
        if self._measures.reset:
            self._measures.run(self._measures.reset)
        if self._measures.reset_usb:
            self._power(False)
            self._loop.call_later(_USB_DARK_S, lambda: self._power(True))

    def _power(self, on: bool) -> None:
        """`authorized` of a USB device: 0 takes it away, 1 brings it back."""
        try:
            Path(self._measures.reset_usb).write_text("1" if on else "0")
        except OSError as error:
            log.error("the modem's USB port cannot be switched: %s", error)

    def _remember_reboots(self, count: int) -> None:
        if int(self._counters.extra.get("link_reboots", 0)) != count:
            self._counters.extra["link_reboots"] = count
            self._counters.save()


def words_of(command: str) -> list[str]:
    """A command line as words. Raises ValueError for quotes that do not close."""
    return shlex.split(command)


def _start(words: Sequence[str]) -> None:
    try:
        subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True
        )
    except OSError as error:
        log.error("%s cannot be started: %s", words[0], error)


def _min(seconds: float) -> int:
    return int(seconds // 60)
