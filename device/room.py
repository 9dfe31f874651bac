"""Room on the disk: a ballast for bad days, a quota for clips, and what to drop first.

Reports and sound come before clips. The ballast is a file of zeros given up when the disk is full,
so that the ledger can be written; clips are dropped from the least useful on, and never what airs
within two days.
"""

import logging
import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

log = logging.getLogger(__name__)

BALLAST_BYTES = 4 << 20
_COMFORT_BYTES = 64 << 20
_FILL = 0.8  # of the quota: where dropping begins


class Ballast:
    """4 MiB that can be given up."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "ballast"

    def fill(self) -> bool:
        """Lay the ballast in when there is room to spare; whether it is there."""
        try:
            if self._path.exists() and self._path.stat().st_size == BALLAST_BYTES:
                return True
            if shutil.disk_usage(self._path.parent).free < _COMFORT_BYTES:
                return False
            handle = os.open(self._path, os.O_WRONLY | os.O_CREAT, 0o600)
            try:
                os.posix_fallocate(handle, 0, BALLAST_BYTES)
            finally:
                os.close(handle)
        except OSError as error:
            log.warning("no ballast: %s", error)
            self.drop()
            return False
        return True

    def drop(self) -> bool:
        """Give it up; whether there was any."""
        try:
            self._path.unlink()
        except FileNotFoundError:
            return False
        except OSError as error:
            log.error("the ballast cannot be dropped: %s", error)
            return False
        return True


def superfluous(
    held: Mapping[str, int], wanted: Iterable[str], keep: Iterable[str], quota_bytes: int
) -> list[str]:
    """Which of `held` (sha256 → bytes on disk, oldest first) to drop to come under the quota.

    What nobody wants goes first, oldest first; then what airs last. `wanted` is in order of air
    time; `keep` is never dropped.
    """
    order = [sha256 for sha256 in wanted if sha256 in held]
    useless = [sha256 for sha256 in held if sha256 not in set(order)]
    candidates = [*useless, *reversed(order)]
    spared = set(keep)
    excess = sum(held.values()) - int(quota_bytes * _FILL)
    dropped = []
    for sha256 in candidates:
        if excess <= 0:
            break
        if sha256 not in spared:
            excess -= held[sha256]
            dropped.append(sha256)
    return dropped


def tidy(
    held: Mapping[str, int],
    wanted: Iterable[str],
    keep: Iterable[str],
    quota_bytes: int,
    drop: Callable[[str], None],
) -> list[str]:
    """Drop what is superfluous; which clips that were."""
    gone = superfluous(held, wanted, keep, quota_bytes)
    for sha256 in gone:
        log.info("clip %s is dropped to make room", sha256[:12])
        drop(sha256)
    return gone


class NoRoom:
    """What was dropped for want of room: fetched again, it would only be dropped again."""

    def __init__(self) -> None:
        self._sizes: dict[str, int] = {}
        self._bound = 0

    def note(self, dropped: Mapping[str, int], quota_bytes: int) -> None:
        """`dropped` (sha256 → bytes on disk) had to go to come under `quota_bytes`."""
        if dropped:
            self._sizes |= dropped
            self._bound = int(quota_bytes * _FILL)

    def left_out(self, held: Mapping[str, int]) -> set[str]:
        """Those for which there is no room beside what is held now; the others are forgotten."""
        free = self._bound - sum(held.values())
        self._sizes = {s: size for s, size in self._sizes.items() if size > free and s not in held}
        return set(self._sizes)
