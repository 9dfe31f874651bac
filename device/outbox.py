"""The node's ledger: which airings have been dealt with, and the reports still owed.

SQLite in WAL mode with `synchronous=FULL`: what `started` has returned from is there after any
power cut. A report leaves only on the controller's own acknowledgement. A database that does not
pass its check is set aside and a new one made, under a new `store_epoch`.
"""

import json
import logging
import secrets
import sqlite3
import time
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from protocol.codec import from_json, to_json
from protocol.errors import Malformed
from protocol.messages import Report
from protocol.outcomes import ReportKind

log = logging.getLogger(__name__)

KEEP_AIRINGS_DAYS = 60
_DAMAGE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR})
_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS outbox (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS airings (
    airing_id TEXT PRIMARY KEY, planned_at REAL NOT NULL, open TEXT) WITHOUT ROWID;
"""


class Outbox:
    """One connection, one writer. `created_at`: when this store was made, by trusted time."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self.quarantined = False
        self.full = False
        self._unwritten: list[Report] = []
        self._db = self._open(path)
        self.store_epoch = self._meta("store_epoch", secrets.token_hex(8))
        made = self._meta("created_at", "")
        self.created_at = datetime.fromisoformat(made) if made else None
        self._known = {row[0] for row in self._db.execute("SELECT airing_id FROM airings")}

    def _open(self, path: Path | None) -> sqlite3.Connection:
        if path is None:
            return _connect(":memory:")
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            return _connect(str(path))
        except sqlite3.DatabaseError as error:
            if getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF not in _DAMAGE:
                raise  # a full or failing disk: the store itself may be whole
            log.error("the report store is damaged (%s); it is set aside and a new one made", error)
            self.quarantined = True
            _set_aside(path)
            return _connect(str(path))

    def _meta(self, name: str, default: str) -> str:
        self._db.execute("INSERT OR IGNORE INTO meta VALUES (?, ?)", (name, default))
        row = self._db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return str(row[0])

    def created(self, now: datetime) -> None:
        """Set the store's date of birth, once, as soon as the time can be trusted."""
        if self.created_at is None:
            self.created_at = now.astimezone(UTC)
            with self._db:
                self._db.execute(
                    "UPDATE meta SET value = ? WHERE name = 'created_at'",
                    (self.created_at.isoformat(),),
                )

    # --- what has been dealt with -------------------------------------------------------------

    def knows(self, airing_id: str) -> bool:
        """Whether the airing was begun, or given an outcome, before."""
        return airing_id in self._known

    def note(self, report: Report) -> None:
        """Write a report and what it means for its airing, in one transaction.

        When the disk refuses, the report waits in memory, `full` is set, and `retry` writes it.
        """
        self._known.add(report.airing_id)
        try:
            self._write(report)
        except sqlite3.Error as error:
            log.error("a report cannot be written (%s); it is kept in memory", error)
            self.full = True
            self._unwritten.append(report)

    def retry(self) -> bool:
        """Try again what the disk refused; True when nothing waits any more."""
        while self._unwritten:
            try:
                self._write(self._unwritten[0])
            except sqlite3.Error:
                return False
            self._unwritten.pop(0)
        self.full = False
        return True

    def orphans(self) -> list[Report]:
        """The `started` reports of airings without an end, oldest first."""
        rows = self._db.execute(
            "SELECT open FROM airings WHERE open IS NOT NULL ORDER BY planned_at"
        )
        return [from_json(Report, json.loads(row[0])) for row in rows]

    def forget_before(self, moment: datetime) -> None:
        """Drop ended airings planned before `moment`; no schedule may name them any more."""
        with self._db:
            self._db.execute(
                "DELETE FROM airings WHERE planned_at < ? AND open IS NULL", (moment.timestamp(),)
            )
        self._known = {row[0] for row in self._db.execute("SELECT airing_id FROM airings")}

    def _write(self, report: Report) -> None:
        begun = report.kind is ReportKind.STARTED
        body = json.dumps(to_json(report), ensure_ascii=False, separators=(",", ":"))
        with self._db:
            self._db.execute("INSERT INTO outbox (body) VALUES (?)", (body,))
            self._db.execute(
                "INSERT INTO airings VALUES (?, ?, ?) "
                "ON CONFLICT (airing_id) DO UPDATE SET open = excluded.open",
                (report.airing_id, report.planned_at.timestamp(), body if begun else None),
            )

    # --- what is owed to the controller -------------------------------------------------------

    def owed(self, limit: int, after: int = 0) -> list[Report]:
        """Up to `limit` reports with a seq above `after`, oldest first."""
        rows = self._db.execute(
            "SELECT seq, body FROM outbox WHERE seq > ? ORDER BY seq LIMIT ?", (after, limit)
        ).fetchall()
        return [report for seq, body in rows if (report := _readable(seq, body)) is not None]

    def acknowledge(self, store_epoch: str, upto: int, also: Iterable[int]) -> int:
        """Delete what the controller has committed; how many reports that were."""
        if store_epoch != self.store_epoch:
            return 0
        with self._db:
            gone = self._db.execute("DELETE FROM outbox WHERE seq <= ?", (upto,)).rowcount
            for seq in also:
                gone += self._db.execute("DELETE FROM outbox WHERE seq = ?", (seq,)).rowcount
        return gone

    def __len__(self) -> int:
        count = self._db.execute("SELECT count(*) FROM outbox").fetchone()[0]
        return int(count) + len(self._unwritten)

    def close(self) -> None:
        self._db.close()


def _connect(name: str) -> sqlite3.Connection:
    """An open, checked database. Raises sqlite3.DatabaseError when it is damaged."""
    db = sqlite3.connect(name, timeout=5.0)
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
    except sqlite3.DatabaseError:
        db.close()
        raise
    db.isolation_level = "IMMEDIATE"
    return db


def _set_aside(path: Path) -> None:
    """Rename the damaged files, and keep only the newest two of them."""
    mark = f"{path.name}.corrupt.{time.time_ns():020d}"
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
