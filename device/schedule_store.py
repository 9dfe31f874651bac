"""The schedules of the node's areas, on disk and in force.

A signed head is kept as it arrived, first as `pending`, and becomes `active` when its pages of
today and tomorrow are held; till then the former one stays in force. At start everything is read
back and its signatures and hashes are checked again, so that no damaged byte is obeyed.
"""

import hashlib
import logging
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from device.durable import remove, sync_directory, write_whole
from device.windows import CLOSED, Hours
from protocol.errors import Malformed
from protocol.messages import EPOCH, Airing, DayPage, HeldSchedule, PageRef, ScheduleHead
from protocol.pages import unpack_page

log = logging.getLogger(__name__)

LoadBlob = Callable[[str], bytes | None]
_DAY = timedelta(days=1)


@dataclass
class _Schedule:
    """One head as it arrived. `since`: when the node first had a schedule of that area."""

    head: ScheduleHead
    raw: bytes
    since: datetime


class ScheduleStore:
    """`load_blob(sha256)` reads a held page's bytes; None while it is not held."""

    def __init__(self, directory: Path, load_blob: LoadBlob) -> None:
        self._directory = directory
        self._load_blob = load_blob
        self._active: dict[str, _Schedule] = {}
        self._pending: dict[str, _Schedule] = {}
        self._pages: dict[str, DayPage] = {}  # by hash; only the days around now
        self._unread: dict[str, tuple[str, str]] = {}  # pages by hash: (day, what is wrong)

    def restore(self, area_id: str, reopen: Callable[[bytes], ScheduleHead | None]) -> None:
        """Read back what is on disk for an area; `reopen` checks the signature."""
        for kind, shelf in (("active", self._active), ("pending", self._pending)):
            path = self._path(area_id, kind)
            if not path.exists():
                continue
            try:
                raw, made = path.read_bytes(), path.stat().st_mtime
            except OSError as error:
                log.error("the stored schedule of area %s cannot be read: %s", area_id, error)
                continue
            head = reopen(raw)
            if head is None or head.area_id != area_id:
                log.error("the stored schedule of area %s is damaged and dropped", area_id)
                remove(path)
                continue
            shelf[area_id] = _Schedule(head, raw, datetime.fromtimestamp(made, UTC))

    def take(self, head: ScheduleHead, raw: bytes, now: datetime) -> bool:
        """A verified new head. False when this very document is held already. Raises OSError."""
        for shelf in (self._pending, self._active):
            held = shelf.get(head.area_id)
            if held and held.raw == raw:
                return False
        write_whole(self._path(head.area_id, "pending"), raw)
        self._pending[head.area_id] = _Schedule(head, raw, now)
        return True

    def activate(self, now: datetime, *, trusted: bool = True) -> list[str]:
        """Put pending heads into force whose pages of today and tomorrow are held.

        Without a trusted clock nobody knows which day it is: then all pages must be.
        """
        changed = []
        for area_id, schedule in list(self._pending.items()):
            urgent = [ref for ref in schedule.head.pages if not trusted or _is_urgent(ref.day, now)]
            if all(self._load_blob(ref.sha256) is not None for ref in urgent):
                self._put_into_force(area_id, schedule, now)
                changed.append(area_id)
        return changed

    def _put_into_force(self, area_id: str, schedule: _Schedule, now: datetime) -> None:
        former = self._active.get(area_id)
        since = former.since if former else now
        pending = self._path(area_id, "pending")
        try:
            os.utime(pending, (since.timestamp(), since.timestamp()))  # read back by `restore`
            pending.replace(self._path(area_id, "active"))
            sync_directory(self._directory)
        except OSError as error:
            # It is on the disk as pending, and comes into force from there at the next start.
            log.error("the schedule of area %s cannot be renamed: %s", area_id, error)
        self._active[area_id] = _Schedule(schedule.head, schedule.raw, since)
        del self._pending[area_id]

    def keep_only(self, area_path: Iterable[str]) -> None:
        """Forget areas that are no longer on the node's path."""
        path = set(area_path)
        for shelf, kind in ((self._active, "active"), (self._pending, "pending")):
            for area_id in [area_id for area_id in shelf if area_id not in path]:
                del shelf[area_id]
                remove(self._path(area_id, kind))

    # --- what it says -------------------------------------------------------------------------

    @property
    def unread(self) -> dict[str, str]:
        """Pages that documents name and this version cannot read, or not wholly, by day."""
        named = self.blobs() if self._unread else set()
        self._unread = {sha256: why for sha256, why in self._unread.items() if sha256 in named}
        return {f"page {day}": problem for day, problem in self._unread.values()}

    def held(self) -> tuple[HeldSchedule, ...]:
        return tuple(
            HeldSchedule(area_id, schedule.head.revision)
            for area_id, schedule in sorted(self._active.items())
        )

    def active_since(self, area_id: str) -> datetime | None:
        schedule = self._active.get(area_id)
        return schedule.since if schedule else None

    def wanted_pages(self, area_path: Iterable[str], now: datetime) -> list[PageRef]:
        """Pages to hold: of today and tomorrow first, then the others, past days never."""
        refs: dict[str, PageRef] = {}
        for area_id in area_path:
            for shelf in (self._pending, self._active):
                if area_id in shelf:
                    refs |= {ref.sha256: ref for ref in shelf[area_id].head.pages}
        today = now.date().isoformat()
        coming = [ref for ref in refs.values() if ref.day >= today]
        return sorted(coming, key=lambda ref: (not _is_urgent(ref.day, now), ref.day))

    def airings(
        self, area_path: Iterable[str], days: Iterable[str]
    ) -> dict[str, tuple[Airing, str]]:
        """airing_id → (airing, area) of the pages of `days`; the area nearest the leaf wins."""
        merged: dict[str, tuple[Airing, str]] = {}
        for area_id in area_path:
            for page in self._days(area_id, days).values():
                merged |= {airing.airing_id: (airing, area_id) for airing in page.airings}
        return merged

    def hours(self, area_path: tuple[str, ...], days: Iterable[str]) -> Hours:
        """What the leaf's document permits on `days`; CLOSED when there is none."""
        schedule = self._active.get(area_path[-1]) if area_path else None
        if schedule is None:
            return CLOSED
        return Hours.of(self._days(area_path[-1], days), schedule.head.until)

    def pinned(self, area_path: Iterable[str]) -> dict[str, int]:
        """sha256 → bytes of what the newest documents want kept ready."""
        found: dict[str, int] = {}
        for area_id in area_path:
            schedule = self._pending.get(area_id) or self._active.get(area_id)
            if schedule:
                found |= {sound.sha256: sound.bytes for sound in schedule.head.pinned}
        return found

    def all_pages(self, area_path: Iterable[str]) -> Iterable[PageRef]:
        """Every page of every document, pending ones too."""
        for area_id in area_path:
            for shelf in (self._active, self._pending):
                if area_id in shelf:
                    yield from shelf[area_id].head.pages

    def airings_of(self, ref: PageRef) -> tuple[Airing, ...] | None:
        """The airings of a page; None while it is not held. Reads the disk: keep what you need."""
        page = self._page(ref, keep=False)
        return page.airings if page else None

    def blobs(self) -> set[str]:
        """The hashes of all pages that any held document names."""
        schedules = [*self._active.values(), *self._pending.values()]
        return {ref.sha256 for schedule in schedules for ref in schedule.head.pages}

    def _days(self, area_id: str, days: Iterable[str]) -> dict[str, DayPage]:
        schedule = self._active.get(area_id)
        wanted = set(days)
        refs = schedule.head.pages if schedule else ()
        found = {ref.day: self._page(ref) for ref in refs if ref.day in wanted}
        return {day: page for day, page in found.items() if page is not None}

    def _page(self, ref: PageRef, *, keep: bool = True) -> DayPage | None:
        page = self._pages.get(ref.sha256)
        if page is None:
            page = self._read(ref)
            if page is not None and keep:
                if len(self._pages) > 64:
                    self._pages.clear()
                self._pages[ref.sha256] = page
        return page

    def _read(self, ref: PageRef) -> DayPage | None:
        """The page, or None when it is not held, is not what its name says, or cannot be read."""
        blob = self._load_blob(ref.sha256)
        if blob is None or hashlib.sha256(blob).hexdigest() != ref.sha256:
            return None
        try:
            page = unpack_page(blob)
        except Malformed as error:
            log.error("page %s cannot be read: %s", ref.sha256[:12], error)
            self._unread[ref.sha256] = ref.day, str(error)
            return None
        nameless = sum(not a.airing_id or a.starts_at == EPOCH for a in page.airings)
        if nameless:  # the others that cannot be read are reported one by one
            self._unread[ref.sha256] = ref.day, f"{nameless} airings have no id or no time"
        return page

    def _path(self, area_id: str, kind: str) -> Path:
        return self._directory / f"{area_id}.{kind}"


def _is_urgent(day: str, now: datetime) -> bool:
    return now.date().isoformat() <= day <= (now + _DAY).date().isoformat()
