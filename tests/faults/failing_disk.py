"""A disk whose n-th operation is refused: for SQLite by APSW, for files by the call."""

import contextlib
import errno
import os
import sqlite3

import apsw

from tests.faults.crashing_disk import Connection, Disk


class FailingDisk(Disk):
    """As `Disk`, but the operations from `first` to `last` raise instead of the power going."""

    def __init__(self, chance, first, last, error):
        super().__init__(chance)
        self.first, self.last, self.error = first, last, error

    def tick(self):
        self.operations += 1
        if self.first <= self.operations <= self.last:
            raise self.error


class FailingConnection(Connection):
    """Tells SQLite's refusals as the standard library does."""

    def _told(self, work):
        try:
            return work()
        except (apsw.FullError, apsw.IOError) as error:
            said = sqlite3.OperationalError(str(error))
            full = isinstance(error, apsw.FullError)
            said.sqlite_errorcode = sqlite3.SQLITE_FULL if full else sqlite3.SQLITE_IOERR
            raise said from error

    def execute(self, query, values=()):
        return self._told(lambda: super(FailingConnection, self).execute(query, values))

    def executescript(self, script):
        return self._told(lambda: super(FailingConnection, self).executescript(script))

    def __exit__(self, kind, error, trace):
        try:
            self._told(lambda: super(FailingConnection, self).__exit__(kind, error, trace))
        except sqlite3.OperationalError:
            with contextlib.suppress(apsw.Error):
                self._db.execute("ROLLBACK")
            raise


class FailingCalls:
    """Makes the n-th of a set of calls of `os` fail, while it is patched in."""

    NAMES = ("open", "pwrite", "fsync", "fdatasync")

    def __init__(self, monkeypatch, nth, number):
        self.left = nth
        self.failed = False
        for name in self.NAMES:
            monkeypatch.setattr(os, name, self._wrapped(getattr(os, name), number))

    def _wrapped(self, call, number):
        def run(*args, **more):
            self.left -= 1
            if self.left == 0:
                self.failed = True
                raise OSError(number, os.strerror(number))
            return call(*args, **more)

        return run


ERRORS = {"EIO": errno.EIO, "ENOSPC": errno.ENOSPC}
SQLITE = {"EIO": apsw.IOError("disk I/O error"), "ENOSPC": apsw.FullError("disk is full")}
