"""Which MQTT to speak to a broker: 5, or 3.1.1 where it refuses that or hangs up without a word.

Pure, and the same on both sides; whoever connects tells it what became of each attempt.
"""

from dataclasses import dataclass

_PATIENCE = 3  # a broker that restarts, or is full, hangs up as well


@dataclass(slots=True)
class Dialect:
    """`v5`: what the next CONNECT is to be in."""

    v5: bool = True
    _silent: int = 0
    _patience: int = _PATIENCE

    def welcomed(self) -> None:
        """The broker took us."""
        if self.v5:
            self._patience = _PATIENCE
        elif self._silent:
            self._patience = 1  # this is how it says that it is old
        self._silent = 0

    def refused(self) -> None:
        """The broker says that it speaks no MQTT 5."""
        self.v5 = False

    def hung_up(self) -> None:
        """The broker closed a connection it had accepted, and answered nothing."""
        self._silent += 1
        if not self.v5:
            self.v5, self._silent = True, 0  # so that was not the reason
        elif self._silent >= self._patience:
            self.v5 = False

    def parted(self) -> None:
        """A connection that had been welcomed ended: the broker that comes back may be newer."""
        self.v5, self._silent = True, 0
