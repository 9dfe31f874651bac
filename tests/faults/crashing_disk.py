"""A disk that loses power: SQLite on APSW's VFS, with every write kept in memory until synced.

At a cut each 512-byte sector written since the file's last sync is kept, dropped or (rarely) torn,
at random. Names are not lost: the VFS sees no directory. `lying` makes syncs of the last moments
untrue, as some cards do.
"""

import sqlite3
from pathlib import Path

import apsw

SECTOR = 512


class PowerCut(Exception):
    """The power went while this was being written."""


class Disk:
    """Files by name: what is safe, and what was written since the last sync."""

    def __init__(self, chance, cut_after=None):
        self.chance = chance
        self.safe: dict[str, bytearray] = {}
        self.live: dict[str, bytearray] = {}
        self.dirty: dict[str, set[int]] = {}
        self.operations = 0
        self.syncs = 0
        self.lies_after = None  # the syncs after so many are only claimed
        self.cut_after = cut_after

    def tick(self):
        self.operations += 1
        if self.cut_after is not None and self.operations > self.cut_after:
            raise PowerCut

    def content(self, name):
        return self.live.setdefault(name, bytearray())

    def write(self, name, data, offset):
        self.tick()
        content = self.content(name)
        end = offset + len(data)
        if len(content) < end:
            content.extend(bytes(end - len(content)))
        content[offset:end] = data
        sectors = range(offset // SECTOR, -(-end // SECTOR))
        self.dirty.setdefault(name, set()).update(sectors)

    def truncate(self, name, size):
        self.tick()
        content = self.content(name)
        del content[size:]
        self.dirty.setdefault(name, set()).add(size // SECTOR)

    def sync(self, name):
        self.tick()
        self.syncs += 1
        if self.lies_after is not None and self.syncs > self.lies_after:
            return
        self.safe[name] = bytearray(self.content(name))
        self.dirty[name] = set()

    def delete(self, name):
        self.tick()
        for shelf in (self.live, self.safe):
            shelf.pop(name, None)
        self.dirty.pop(name, None)

    def after_the_cut(self):
        """The disk as the next boot finds it."""
        found = Disk(self.chance)
        for name, live in self.live.items():
            kept = bytearray(self.safe.get(name, b""))
            for sector in sorted(self.dirty.get(name, ())):
                if self.chance.random() < 0.5:
                    start, end = sector * SECTOR, min((sector + 1) * SECTOR, len(live))
                    if len(kept) < end:
                        kept.extend(bytes(end - len(kept)))
                    kept[start:end] = live[start:end]
            found.live[name] = kept
            found.safe[name] = bytearray(kept)
        return found


class _File:
    def __init__(self, disk, name, *, temporary):
        self.disk = disk
        self.name = name
        self.temporary = temporary
        self.level = 0
        disk.content(name)

    def xRead(self, amount, offset):
        return bytes(self.disk.content(self.name)[offset : offset + amount])

    def xWrite(self, data, offset):
        self.disk.write(self.name, data, offset)

    def xTruncate(self, size):
        self.disk.truncate(self.name, size)

    def xSync(self, flags):
        self.disk.sync(self.name)

    def xFileSize(self):
        return len(self.disk.content(self.name))

    def xClose(self):
        if self.temporary:
            self.disk.live.pop(self.name, None)

    def xLock(self, level):
        self.level = level

    def xUnlock(self, level):
        self.level = level

    def xCheckReservedLock(self):
        return self.level > 1

    def xFileControl(self, op, pointer):
        return False

    def xSectorSize(self):
        return SECTOR

    def xDeviceCharacteristics(self):
        return 0


class _Vfs(apsw.VFS):
    """One disk under a VFS name. WAL needs no shared memory: locking is exclusive."""

    def __init__(self, name, disk):
        super().__init__(name, base="", iVersion=1)
        self.disk = disk

    def xOpen(self, name, flags):
        key = name.filename() if isinstance(name, apsw.URIFilename) else (name or f"tmp{id(flags)}")
        return _File(self.disk, Path(key).name, temporary=name is None)

    def xDelete(self, filename, syncdir):
        self.disk.delete(Path(filename).name)

    def xAccess(self, pathname, flags):
        return Path(pathname).name in self.disk.live

    def xFullPathname(self, name):
        return name


class Connection:
    """As much of sqlite3's connection as the outbox uses, on a disk of ours."""

    count = 0

    def __init__(self, disk):
        Connection.count += 1
        name = f"crashing{Connection.count}"
        self._vfs = _Vfs(name, disk)
        self._db = apsw.Connection("outbox", vfs=name)
        self._db.execute("PRAGMA locking_mode=EXCLUSIVE")
        self.isolation_level = None

    def execute(self, query, values=()):
        try:
            rows = self._db.execute(query, values).fetchall()
        except apsw.CorruptError as error:
            raise sqlite3.DatabaseError(str(error)) from error
        return _Rows(rows, self._db.changes())

    def executescript(self, script):
        self._db.execute(script)

    def __enter__(self):
        self._db.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind, error, trace):
        self._db.execute("ROLLBACK" if kind else "COMMIT")

    def close(self):
        self._db.close(True)
        self._vfs.unregister()


class _Rows:
    def __init__(self, rows, rowcount):
        self.rows = rows
        self.rowcount = rowcount

    def fetchone(self):
        return self.rows[0] if self.rows else None

    def fetchall(self):
        return self.rows

    def __iter__(self):
        return iter(self.rows)
