"""What one run of the program leaves for the next: whether it ended well, and the card's wear.

Kept with the counters, so it costs no file and no write of its own but one at the start.
"""

from device.board import BoardReader, boot_reason
from device.identity import Counters
from protocol.messages import Board


class Life:
    """`begin` once at start, `end` on an orderly stop; `note` now and then counts the wear."""

    def __init__(self, counters: Counters, reader: BoardReader, boot_id: str) -> None:
        self._counters = counters
        self._reader = reader
        self._boot_id = boot_id
        self._kept = dict(counters.extra.get("life") or {})

    def begin(self) -> None:
        kept = self._kept
        same_boot = kept.get("boot_id") == self._boot_id
        self._reader.boot_reason = boot_reason(
            first=not kept,
            same_boot=same_boot,
            ended_well=bool(kept.get("ended")),
            watchdog=self._reader.watchdog_reset(),
        )
        if not same_boot:
            kept["written"] = int(kept.get("written", 0)) + int(kept.get("written_boot", 0))
        kept |= {"boot_id": self._boot_id, "ended": False, "written_boot": 0}
        self.note()
        self._counters.save()

    def note(self) -> None:
        """Remember what was written; whoever saves the counters next makes it durable."""
        self._kept["written_boot"] = self._reader.written_this_boot() or 0
        self._counters.extra["life"] = self._kept

    def end(self) -> None:
        self._kept["ended"] = True
        self.note()

    def board(self) -> Board:
        return self._reader.read(int(self._kept.get("written", 0)))
