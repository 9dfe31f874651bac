"""A clock that was believed and is then set by minutes or more: was it right, or is it now?

NTP that has kept the time does not set it by an hour, but a failing or forged server may. For a
minute nothing timed begins and nothing is given up as too late; a clock that is set back meanwhile
has cost nothing, one that stays is believed. A first time, or one after distrust, is no step.
"""

from device.clock import Clock

STEP_S = 120.0  # the usual lateness limit: less is joined at once
DOUBT_S = 60.0


class Steps:
    """`doubtful` is asked on every turn of the planner."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._believed: float | None = None  # wall minus monotonic, as last believed
        self._since: float | None = None  # monotonic; when it became something else

    def doubtful(self, *, trusted: bool) -> bool:
        """Whether the time is in doubt; `trusted`: the clock's own verdict now."""
        offset = self._clock.wall_minus_monotonic()
        if not trusted:
            self._believed = self._since = None
            return False
        if self._believed is None or abs(offset - self._believed) < STEP_S:
            self._believed, self._since = offset, None
            return False
        now = self._clock.monotonic()
        self._since = now if self._since is None else self._since
        if now - self._since < DOUBT_S:
            return True
        self._believed, self._since = offset, None
        return False
