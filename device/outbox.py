"""The node's ledger: which airings have been dealt with, and the reports still owed.

SQLite in WAL mode with `synchronous=FULL`: what `note` has written is there after any power cut. A
report leaves only on the controller's own acknowledgement. A database that proves damaged, at
start or later, is set aside and a new one made under a new `store_epoch`; a disk that refuses
keeps reports in memory until it takes them.
"""

import json
import logging
import secrets
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from protocol.codec import from_json, to_json
from protocol.errors import Malformed
from protocol.messages import Report
from protocol.outcomes import ReportKind

log = logging.getLogger(__name__)
T = TypeVar("T")
_SMALLEST_BYTES = 512
MOST_REPORTS = 60_000  # four years of twenty airings a day, some 50 MB
_SUMMED_UP = 1000
_MOST_TOLD = 2000
_MOST_WAITING = 5000  # in memory, while the disk takes nothing: four months
_Rows = list[tuple[int, str]]

_DAMAGE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR})
_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS outbox (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS airings (
    airing_id TEXT PRIMARY KEY, planned_at REAL NOT NULL, open TEXT) WITHOUT ROWID;
"""


class Outbox:
    """One connection, one writer. `created_at`: when this store was made, by trusted time.

    `path` None keeps everything in memory, for simulated nodes; `stands_in`: for a disk that takes
    nothing.
    """

    def __init__(
        self,
        path: Path | None,
        connect: Callable[[str], sqlite3.Connection] | None = None,
        *,
        stands_in: bool = False,
    ) -> None:
        self._path = path
        self._connect = connect or _connect
        self.quarantined = stands_in  # what an earlier store knew is not known here
        self.refusal: sqlite3.Error | None = None  # of the disk, until it takes something again
        self._unwritten: list[Report] = []
        self._told: list[Report] = []  # handed over; of the disk only their airings are wanted
        self._acked_upto, self._acked = 0, set[int]()  # what could not be deleted yet
        self._known: set[str] = set()
        self._open()

    def _open(self) -> None:
        self._db = self._connected()
        try:
            self._recall()
        except sqlite3.Error:
            self._db.close()
            raise

    def _recall(self) -> None:
        self.store_epoch = self._meta("store_epoch", secrets.token_hex(8))
        made = self._meta("created_at", "")
        self.created_at = datetime.fromisoformat(made) if made else None
        self._known |= {row[0] for row in self._db.execute("SELECT airing_id FROM airings")}

    def _connected(self) -> sqlite3.Connection:
        if self._path is None:
            return self._connect(":memory:")
        self._path.parent.mkdir(parents=True, exist_ok=True)
        if self._path.exists() and self._path.stat().st_size < _SMALLEST_BYTES:
            self._set_aside(sqlite3.DatabaseError("cut short"))  # it would pass for a new one
        try:
            return self._connect(str(self._path))
        except sqlite3.DatabaseError as error:
            if not _is_damage(error):
                raise
            self._set_aside(error)
            return self._connect(str(self._path))

    def _set_aside(self, error: sqlite3.Error) -> None:
        log.error("the report store is damaged (%s); it is set aside and a new one made", error)
        self.quarantined = True
        if self._path:
            _set_aside(self._path)

    def _meta(self, name: str, default: str) -> str:
        with self._db:
            self._db.execute("INSERT OR IGNORE INTO meta VALUES (?, ?)", (name, default))
        row = self._db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return str(row[0])

    def created(self, now: datetime) -> None:
        """Set the store's date of birth, once, as soon as the time can be trusted."""
        if self.created_at is None:
            self.created_at = born = now.astimezone(UTC)
            text = born.isoformat()
            query = "UPDATE meta SET value = ? WHERE name = 'created_at'"
            self._try(lambda: self._change(query, (text,)), 0)

    # --- what has been dealt with -------------------------------------------------------------

    def knows(self, airing_id: str) -> bool:
        """Whether the airing was begun, or given an outcome, before."""
        return airing_id in self._known

    def note(self, report: Report) -> None:
        """Write a report and what it means for its airing, in one transaction.

        When the disk refuses, the report waits in memory, `full` is set, and `retry` writes it.
        """
        self._known.add(report.airing_id)
        self._unwritten.append(report)
        if len(self._unwritten) > _MOST_WAITING:
            self._unwritten[:_SUMMED_UP] = [summary(self._unwritten[:_SUMMED_UP])]
        self.retry()

    @property
    def full(self) -> bool:
        """Whether the disk refused the last write, for whatever reason."""
        return self.refusal is not None

    @property
    def homeless(self) -> bool:
        """Whether all is kept in memory only."""
        return self._path is None

    def retry(self) -> bool:
        """Write what waits in memory; True when nothing does any more."""
        for waiting, owed in ((self._told, False), (self._unwritten, True)):
            while waiting:
                if not self._writes(lambda: self._write(waiting[0], owed=owed)):  # noqa: B023
                    return False
                waiting.pop(0)
        if self._acked_upto or self._acked:
            return self._forget_acknowledged()
        return self.refusal is None or self._writes(self._touch)

    def hand_over(self) -> list[Report]:
        """What the disk does not take, for somebody who tells it; here it is owed no more."""
        handed, self._unwritten = self._unwritten, []
        self._told = [*self._told, *handed][-_MOST_TOLD:]
        return handed

    def orphans(self) -> list[Report]:
        """The last reports of airings that were begun and never ended, oldest first."""
        query = "SELECT 0, open FROM airings WHERE open IS NOT NULL ORDER BY planned_at"
        rows: _Rows = self._try(lambda: self._db.execute(query).fetchall(), [])
        return [report for seq, body in rows if (report := _readable(seq, body)) is not None]

    def forget_before(self, moment: datetime) -> None:
        """Drop ended airings planned before `moment`; no schedule may name them any more."""
        query = "DELETE FROM airings WHERE planned_at < ? AND open IS NULL"
        if self._try(lambda: self._change(query, (moment.timestamp(),)), 0):
            self._known = {row[0] for row in self._db.execute("SELECT airing_id FROM airings")}

    def _write(self, report: Report, *, owed: bool = True) -> bool:
        begun = report.kind is not ReportKind.FINISHED
        body = json.dumps(to_json(report), ensure_ascii=False, separators=(",", ":"))
        with self._db:
            if owed:
                self._db.execute("INSERT INTO outbox (body) VALUES (?)", (body,))
            self._db.execute(
                "INSERT INTO airings VALUES (?, ?, ?) "
                "ON CONFLICT (airing_id) DO UPDATE SET open = excluded.open",
                (report.airing_id, report.planned_at.timestamp(), body if begun else None),
            )
        return True

    # --- what is owed to the controller -------------------------------------------------------

    def owed(self, limit: int, after: int = 0) -> list[Report]:
        """Up to `limit` reports with a seq above `after`, oldest first."""
        query = "SELECT seq, body FROM outbox WHERE seq > ? ORDER BY seq LIMIT ?"
        values = (max(after, self._acked_upto), limit + len(self._acked))
        rows: _Rows = self._try(lambda: self._db.execute(query, values).fetchall(), [])
        rows = [row for row in rows if row[0] not in self._acked][:limit]
        return [report for seq, body in rows if (report := _readable(seq, body)) is not None]

    def acknowledge(self, store_epoch: str, upto: int, also: Iterable[int]) -> int:
        """Delete what the controller has committed; how many reports that were.

        When the disk refuses, they are no longer owed all the same, until the power goes.
        """
        if store_epoch != self.store_epoch:
            return 0
        before = len(self)
        self._acked_upto = max(self._acked_upto, upto)
        self._acked = {seq for seq in (*self._acked, *also) if seq > self._acked_upto}
        self._forget_acknowledged()
        return max(before - len(self), 0)

    def _forget_acknowledged(self) -> bool:
        if not self._writes(lambda: self._delete(self._acked_upto, self._acked)):
            return False
        self._acked_upto, self._acked = 0, set()
        return True

    def _delete(self, upto: int, seqs: Iterable[int]) -> bool:
        with self._db:
            self._db.execute("DELETE FROM outbox WHERE seq <= ?", (upto,))
            for seq in seqs:
                self._db.execute("DELETE FROM outbox WHERE seq = ?", (seq,))
        return True

    def newest(self) -> int:
        """The highest number of what is owed; 0 when nothing is."""
        query = "SELECT max(seq) FROM outbox"
        return self._try(lambda: int(self._db.execute(query).fetchone()[0] or 0), 0)

    def shrink(self, before: datetime, most: int = MOST_REPORTS) -> int:
        """Sum up the oldest reports when there are too many, or older than `before`.

        A thousand become one `summary` that says how many airings ended how; how many went.
        """
        gone = 0
        while len(self) > most or self._oldest_is_before(before):
            reports = self.owed(_SUMMED_UP)
            if len(self) <= most:
                reports = [report for report in reports if _is_older(report, before)]
            done = self._try(lambda: self._sum_up(reports), 0)  # noqa: B023 (called at once)
            if not done:
                break
            gone += done
        return gone

    def _oldest_is_before(self, moment: datetime) -> bool:
        oldest = self.owed(1)
        return bool(oldest) and _is_older(oldest[0], moment)

    def _sum_up(self, reports: list[Report]) -> int:
        if len(reports) < 2:
            return 0
        body = json.dumps(to_json(summary(reports)), ensure_ascii=False, separators=(",", ":"))
        seqs = [(report.seq,) for report in reports]
        with self._db:
            self._db.executemany("DELETE FROM outbox WHERE seq = ?", seqs)
            self._db.execute("INSERT INTO outbox (body) VALUES (?)", (body,))
        return len(reports)

    def __len__(self) -> int:
        upto = self._acked_upto
        query = "SELECT count(*) FROM outbox WHERE seq > ?"
        count = self._try(lambda: int(self._db.execute(query, (upto,)).fetchone()[0]), 0)
        return max(count - len(self._acked), 0) + len(self._unwritten)

    def close(self) -> None:
        self._db.close()

    # --- a disk that fails --------------------------------------------------------------------

    def _change(self, query: str, values: tuple[object, ...]) -> int:
        with self._db:
            return self._db.execute(query, values).rowcount

    def _touch(self) -> bool:
        """Whether the disk takes a write that changes nothing."""
        self._change("UPDATE meta SET value = ? WHERE name = 'store_epoch'", (self.store_epoch,))
        return True

    def _writes(self, work: Callable[[], bool]) -> bool:
        """As `_try`, of what writes: success ends a refusal."""
        done = self._try(work, False)
        if done:
            self.refusal = None
        return done

    def _try(self, work: Callable[[], T], otherwise: T) -> T:
        """`work`'s result; `otherwise` when the disk refuses. Damage is set aside at once."""
        try:
            return work()
        except sqlite3.DatabaseError as error:
            if _is_damage(error):
                self._start_over(error)
            else:
                log.error("the report store cannot be used now: %s", error)
                self.refusal = error
            return otherwise

    def _start_over(self, error: sqlite3.Error) -> None:
        """The store broke under way. What is known stays known to this process."""
        self._db.close()
        born = self.created_at
        self._acked_upto, self._acked = 0, set()
        try:
            self._set_aside(error)
            self._open()
        except (sqlite3.DatabaseError, OSError) as refusal:
            log.error("no new report store can be made: %s", refusal)
            self._path = None
            self._open()
        if born is not None:
            self.created(datetime.now(UTC))


def is_full(error: sqlite3.Error | None) -> bool:
    """Whether the disk refused for want of room; otherwise it fails or takes nothing at all."""
    return (getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF == sqlite3.SQLITE_FULL


def _is_damage(error: sqlite3.Error) -> bool:
    """Whether the file's content is wrong, and not just the disk full or failing."""
    code = getattr(error, "sqlite_errorcode", None)
    return code is None or code & 0xFF in _DAMAGE


def _connect(name: str) -> sqlite3.Connection:
    """An open, checked database. Raises sqlite3.DatabaseError when it is damaged."""
    return prepared(sqlite3.connect(name, timeout=5.0))


def prepared(db: sqlite3.Connection) -> sqlite3.Connection:
    """`db` set up as a ledger and checked. Raises sqlite3.DatabaseError when it is damaged."""
    try:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=FULL")
        db.execute("PRAGMA wal_autocheckpoint=100")
        db.execute("PRAGMA journal_size_limit=1048576")
        verdict = db.execute("PRAGMA quick_check").fetchone()[0]
        if verdict != "ok":
            raise sqlite3.DatabaseError(str(verdict))
        db.executescript(_SCHEMA)
        db.execute("SELECT seq, body FROM outbox LIMIT 1").fetchone()
        db.execute("SELECT airing_id, planned_at, open FROM airings LIMIT 1").fetchone()
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        db.close()
        if isinstance(error, UnicodeDecodeError):
            raise sqlite3.DatabaseError(str(error)) from error
        raise
    db.isolation_level = "IMMEDIATE"
    return db


def _set_aside(path: Path) -> None:
    """Rename the damaged files, and keep only the newest two of them."""
    mark = f"{path.name}.corrupt.{time.time_ns():020d}"
    if path.exists():
        path.replace(path.with_name(mark))
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    for old in sorted(path.parent.glob(f"{path.name}.corrupt.*"))[:-2]:
        old.unlink()


def _readable(seq: int, body: str) -> Report | None:
    try:
        return replace(from_json(Report, json.loads(body)), seq=seq)
    except (ValueError, Malformed) as error:
        log.error("report %s cannot be read any more: %s", seq, error)
        return None


def _is_older(report: Report, moment: datetime) -> bool:
    """By a clock that could be believed: 1970 is no age."""
    return report.clock.trusted and report.at < moment and report.kind is not ReportKind.SUMMARY


def summary(reports: list[Report]) -> Report:
    """One report for many: from when to when, and how many airings ended how, and why."""
    counts: Counter[str] = Counter()
    for report in reports:
        if report.kind is ReportKind.SUMMARY:
            counts.update({name: int(n) for name, n in json.loads(report.detail).items()})
        elif report.outcome is not None:
            counts["/".join(filter(None, [report.outcome.value, report.reason]))] += 1
    first, last = reports[0], reports[-1]
    return replace(
        last,
        seq=0,
        kind=ReportKind.SUMMARY,
        airing_id=f"summary-{first.seq}-{last.seq}",
        planned_at=min(report.planned_at for report in reports),
        at=max(report.at for report in reports),
        outcome=None,
        reason="",
        detail=json.dumps(counts, sort_keys=True),
    )
