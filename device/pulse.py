"""When the node says how it is: a status on a change that matters, a small beat in between.

A full status is kilobytes and most minutes nothing changes; with a beat of some hundred bytes a
node that idles stays within what a village's SIM card pays for.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from device.loop import Loop, Timer
from device.status import gist
from protocol.messages import Beat, Status

_SETTLED_S = 0.4  # changes within this go into one status; what must sound goes first
_FULL_S = 3600.0  # said in full this often, changed or not


class Mouth(Protocol):
    """What a pulse says things with; `device.voice.Voice` is one."""

    def status(self, status: Status) -> bool: ...

    def beat(self, beat: Beat) -> bool: ...


class Pulse:
    """`changed` may be called at any time and as often as one likes."""

    def __init__(
        self,
        loop: Loop,
        voice: Mouth,
        status: Callable[[], Status],
        interval_s: Callable[[], float],
    ) -> None:
        self._loop = loop
        self._voice = voice
        self._status = status
        self._interval_s = interval_s
        self._soon: Timer | None = None
        self._regular: Timer | None = None
        self._said: Status | None = None
        self._holds: tuple[str, ...] | None = None
        self._full_at = float("-inf")
        self._stopped = False

    def changed(self) -> None:
        """Something a status tells may have changed; several changes make one message."""
        if self._soon is None and not self._stopped:
            self._soon = self._loop.call_later(_SETTLED_S, self._tell_change)

    def afresh(self) -> None:
        """Whoever listens may know nothing: the next status is whole."""
        self._said = self._holds = None
        self.changed()

    def stop(self) -> None:
        self._stopped = True

    def _tell_change(self) -> None:
        self._soon = None
        if self._stopped:
            return
        status = self._status()
        if self._is_news(status):
            self._tell(status)
        if self._regular is None:
            self._wait()

    def _is_news(self, status: Status) -> bool:
        if self._said is None or self._loop.monotonic() - self._full_at >= _FULL_S:
            self._said = self._holds = None
            return True
        return gist(status) != gist(self._said)

    def _tell(self, status: Status) -> None:
        same = self._holds == status.holds
        sent = replace(status, holds=(), holds_same=True) if same else status
        if self._voice.status(sent):
            if self._said is None:
                self._full_at = self._loop.monotonic()
            self._said, self._holds = status, status.holds
            self._wait()

    def _wait(self) -> None:
        if self._regular:
            self._regular.cancel()
        self._regular = self._loop.call_later(max(self._interval_s(), 5.0), self._regularly)

    def _regularly(self) -> None:
        self._regular = None
        if self._stopped:
            return
        status = self._status()
        if self._is_news(status):
            self._tell(status)
        else:
            self._voice.beat(Beat(status.uptime_s, status.clock.offset_ms))
        if self._regular is None:
            self._wait()
