"""A real PostgreSQL cluster in a folder of its own, for as long as a `with` lasts.

The server refuses to run as root, so as root it runs as an unprivileged user of this machine. It
listens on a Unix socket only and trusts whoever reaches it; nothing is fsynced.
"""

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path

from sqlalchemy import create_engine, text

from tests.support.waiting import wait_until

DEADLINE_S = 60
_QUICK = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum=off")


def binaries():
    """The folder of the newest PostgreSQL server installed here."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=_version)
    if found:
        return found[-1].parent
    initdb = shutil.which("initdb")
    assert initdb, "PostgreSQL is missing: run deploy/setup-system.sh"
    return Path(initdb).resolve().parent


class Postgres:
    """A running server; `database(name)` makes an empty database and returns its URL."""

    def __init__(self, folder):
        self.folder = folder

    def database(self, name):
        engine = create_engine(self._url("postgres", "postgresql+psycopg"))
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(f'CREATE DATABASE "{name}"'))
        engine.dispose()
        return self._url(name, "postgresql")

    def _url(self, name, scheme):
        return f"{scheme}://loalang@/{name}?host={self.folder}"


@contextlib.contextmanager
def running_postgres():
    """Makes a cluster, starts it, yields a `Postgres`, and leaves nothing behind."""
    # The path of a Unix socket must be short, and every folder above it open to that user.
    with tempfile.TemporaryDirectory(prefix="loa-pg-", dir="/tmp") as name:
        folder = Path(name)
        who = _unprivileged(folder)
        _call(*who, binaries() / "initdb", "-D", folder / "data", "-U", "loalang", "-A", "trust",
              "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")  # fmt: skip
        server = _start(folder, who)
        try:
            wait_until((folder / ".s.PGSQL.5432").exists, DEADLINE_S, what="PostgreSQL")
            wait_until(lambda: _ready(folder), DEADLINE_S, what="PostgreSQL to accept")
            yield Postgres(folder)
        finally:
            server.terminate()
            server.wait(DEADLINE_S)


def _start(folder, who):
    options = [f"-c{line}" for line in (*_QUICK, "listen_addresses=", "max_connections=40")]
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(
            [*who, binaries() / "postgres", "-D", folder / "data", "-k", folder, *options],
            stdout=log, stderr=log, cwd=folder,
        )  # fmt: skip


def _ready(folder):
    run = subprocess.run([binaries() / "pg_isready", "-h", folder], capture_output=True)
    return run.returncode == 0


def _unprivileged(folder):
    """The words before a command that make it run as an ordinary user who owns `folder`."""
    if os.geteuid() != 0:
        return []
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    user = names.get("postgres") or names["nobody"]
    os.chown(folder, user.pw_uid, user.pw_gid)
    ids = [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    return ["setpriv", *ids]


def _call(*command):
    run = subprocess.run(command, capture_output=True, text=True, cwd="/")
    assert run.returncode == 0, run.stderr


def _version(initdb):
    return [int(part) for part in initdb.parts[-3].split(".")]
