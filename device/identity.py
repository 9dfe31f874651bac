"""Who this device is: its Ed25519 key, made at first start, and the counters that never go back.

Both live in two-copy files beside the databases, so that a damaged store costs reports and
schedules but never the device's name or its memory of what it has already obeyed.
"""

import contextlib
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from device.clock import BUILT_AT
from device.durable import TwoCopies
from protocol.keys import SigningKey

log = logging.getLogger(__name__)

_SEQ_BLOCK = 1000  # numbers reserved at a time, so that most messages cost no write


def load_key(data_dir: Path) -> SigningKey:
    """The device's key, generated and stored (mode 0600) when there is none yet."""
    file = TwoCopies(data_dir / "identity")
    stored = file.load()
    if stored is not None:
        if file.damaged:
            file.save(stored)
        return SigningKey.from_hex(str(stored["key"]))
    key = SigningKey.generate()
    for _ in range(2):  # both copies from the first moment on
        file.save({"key": key.raw.hex()})
    return key


class Counters:
    """What must only grow: own `seq`, `session`, the highest seq obeyed per stream, times.

    `spare_dir`: a folder in memory that outlives this program, though not the power; what the disk
    refuses is kept there.
    """

    def __init__(
        self,
        data_dir: Path,
        wall: Callable[[], float] = time.time,
        spare_dir: Path | None = None,
    ) -> None:
        self._file = TwoCopies(data_dir / "counters")
        self._spare = TwoCopies(spare_dir / "counters") if spare_dir else None
        self.refusal: OSError | None = None  # of the last save
        stored = self._load()
        self.lost = stored is None
        stored = stored or {}
        self.damaged = self._file.damaged
        self._seq = self._reserved = int(stored.get("seq", 0))
        self.session = int(stored.get("session", 0))
        self.streams: dict[str, int] = dict(stored.get("streams", {}))
        self.saved_at = float(stored.get("saved_at", 0.0))
        self.saved_correction_s = float(stored.get("saved_correction_s", 0.0))
        self.last_started: list[str] = list(stored.get("last_started", []))
        self.extra: dict[str, Any] = dict(stored.get("extra", {}))
        self.leap(wall())

    @property
    def full(self) -> bool:
        """Whether the disk refused the last save, for whatever reason."""
        return self.refusal is not None

    def next_seq(self) -> int:
        """The next number for what this device says; durable before it is used."""
        if self._seq >= self._reserved:
            self._reserved = self._seq + _SEQ_BLOCK
            self.save()
        self._seq += 1
        return self._seq

    def next_session(self) -> int:
        self.session += 1
        self.save()
        return self.session

    def leap(self, wall_s: float) -> None:
        """Go on above all that was said before `wall_s`, written down or not.

        A card that takes nothing forgets the numbers of a run; who hears them does not. So they
        follow the time, as long as fewer than a thousand messages a second are said.
        """
        since_s = max(int(wall_s - BUILT_AT), 0)
        self.session = max(self.session, since_s)
        if self._seq < int(wall_s) * 1000:
            self._seq = self._reserved = int(wall_s) * 1000

    def obeyed(self, stream: str, seq: int) -> None:
        """Remember `seq` before acting on it. Raises OSError: then do not act."""
        before = self.streams.get(stream, 0)
        if seq > before:
            self.streams[stream] = seq
            try:
                self._write()
            except OSError:
                self.streams[stream] = before  # it may be obeyed when it is heard again
                raise

    def remember(self, stream: str, seq: int) -> None:
        """As `obeyed`, until the power goes: for what cannot wait for the disk."""
        self.streams[stream] = max(seq, self.streams.get(stream, 0))
        self.save()

    def note_started(self, airing_id: str) -> None:
        """A last guard against a second playing when the database cannot be written."""
        self.last_started = [*self.last_started[-7:], airing_id]
        self.save()

    def note_time(self, wall_s: float, correction_s: float = 0.0) -> None:
        """A time from somebody who knows it, and by how much the system's clock was off."""
        self.saved_at = wall_s  # also when it is earlier: 2040 was an error, not a high-water mark
        self.saved_correction_s = correction_s
        self.save()

    def save(self) -> None:
        """Write now; a full or broken disk is noted and the node goes on."""
        try:
            self._write()
        except OSError as error:
            log.error("counters cannot be written: %s", error)

    def _load(self) -> dict[str, Any] | None:
        """The newest of what was written here or there."""
        stored = self._file.load()
        kept = self._spare.load() if self._spare else None
        if self._spare and kept is not None and self._spare.generation > self._file.generation:
            self._file.generation = self._spare.generation
            return kept
        return stored

    def _write(self) -> None:
        content = {
            "seq": self._reserved,
            "session": self.session,
            "streams": self.streams,
            "saved_at": self.saved_at,
            "saved_correction_s": self.saved_correction_s,
            "last_started": self.last_started,
            "extra": self.extra,
        }
        try:
            self._file.save(content)
        except OSError as error:
            self.refusal = error
            self._write_spare(content)
            raise
        self.refusal = None

    def _write_spare(self, content: dict[str, Any]) -> None:
        if self._spare:
            self._spare.generation = max(self._spare.generation, self._file.generation)
            with contextlib.suppress(OSError):
                self._spare.save(content)
