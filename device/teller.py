"""Gets reports told, from the ledger on the disk and, where the disk takes nothing, from memory.

A number that was given out but not written down would be given out again after a power cut, and
the controller would take the second report for a copy of the first. So what the disk refuses for
longer than a moment goes into a ledger in memory, under a store epoch of its own.
"""

import logging
import random
import sqlite3
from collections.abc import Callable
from pathlib import Path

from device.outbox import Outbox
from device.room import Ballast
from device.sender import Sender
from protocol.messages import ReportAck, ReportBatch

log = logging.getLogger(__name__)

_PATIENCE_S = 10.0  # a disk that is only full has been given the ballast by then


def open_ledger(data_dir: Path, ballast: Ballast) -> Outbox:
    """The ledger on the disk; in memory when the disk takes nothing at all."""
    for _ in range(2):
        try:
            return Outbox(data_dir / "outbox.sqlite3")
        except (sqlite3.OperationalError, OSError) as error:
            log.error("the report store cannot be opened: %s", error)
            ballast.drop()
    log.error("reports stay in memory")
    return Outbox(None, stands_in=True)


class Teller:
    """A `Sender` for each of the two ledgers, as one. `connected`: whether there is a link."""

    def __init__(
        self,
        outbox: Outbox,
        publish: Callable[[ReportBatch], bool],
        is_connected: Callable[[], bool],
        jitter: random.Random | None = None,
    ) -> None:
        self._outbox = outbox
        self._publish = publish
        self._is_connected = is_connected
        self._jitter = jitter
        self._main = Sender(outbox, publish, jitter)
        self._spare: Sender | None = None
        self.spare: Outbox | None = None
        self._full_since: float | None = None

    @property
    def ledgers(self) -> tuple[Outbox, ...]:
        """Those there are, the one on the disk first."""
        return (self._outbox, self.spare) if self.spare else (self._outbox,)

    def __len__(self) -> int:
        """How many reports are owed."""
        return sum(map(len, self.ledgers))

    def close(self) -> None:
        """Close both ledgers; what is in memory is gone with it."""
        for ledger in self.ledgers:
            ledger.close()

    def connected(self) -> None:
        for sender in self._senders:
            sender.connected()

    def tick(self, now: float) -> None:
        """Send what is due. `now`: monotonic seconds."""
        if not self._outbox.full:
            self._full_since = None
        elif self._full_since is None:
            self._full_since = now
        elif now - self._full_since >= _PATIENCE_S and self._is_connected():
            self.use_memory()
        for sender in self._senders:
            sender.tick(now)

    def acknowledged(self, ack: ReportAck, now: float) -> int:
        """Forget what the controller has committed, and send on. How many reports that were."""
        return sum(sender.acknowledged(ack, now) for sender in self._senders)

    def use_memory(self) -> None:
        """Number what the disk has not taken; somebody is there to be told."""
        waiting = self._outbox.hand_over()
        if not waiting:
            return
        if self.spare is None:
            self.spare = Outbox(None)
            self._spare = Sender(self.spare, self._publish, self._jitter)
        for report in waiting:
            self.spare.note(report)

    @property
    def _senders(self) -> tuple[Sender, ...]:
        return (self._main, self._spare) if self._spare else (self._main,)
