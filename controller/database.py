"""The engine and its transactions: SQLite (WAL, FULL, BEGIN IMMEDIATE) or PostgreSQL by URL.

Two processes share the database, so every SQLite write transaction begins IMMEDIATE: a plain
BEGIN that later writes fails with "database is locked" whatever the busy timeout. That fix also
makes DDL transactional, on which migrations rely.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.orm import Session

from controller.errors import ControllerError

# Older ones can lose a WAL reset when several processes are connected.
_SAFE_SQLITE = (3, 51, 3)
_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "busy_timeout=10000",
    "foreign_keys=ON",
    "journal_size_limit=67108864",
    "cache_size=-65536",
    "temp_store=MEMORY",
)


def open_engine(url: str) -> Engine:
    """An engine for `sqlite:///PATH` or `postgresql://…`. Raises ControllerError otherwise."""
    backend = make_url(url).get_backend_name()
    if backend == "sqlite":
        return _open_sqlite(url)
    if backend == "postgresql":
        return create_engine(make_url(url).set(drivername="postgresql+psycopg"), pool_pre_ping=True)
    raise ControllerError(
        "bad_database_url",
        f"Không dùng được cơ sở dữ liệu {backend}: hãy dùng sqlite:/// hoặc postgresql://.",
        f"The database {backend} is not supported: use sqlite:/// or postgresql://.",
    )


def sqlite_url(path: Path) -> str:
    """The URL of a database file."""
    return f"sqlite:///{path}"


@contextmanager
def transaction(engine: Engine) -> Iterator[Session]:
    """A session that commits at the end and rolls back on any error."""
    with Session(engine, expire_on_commit=False) as session, session.begin():
        yield session


def reading(engine: Engine) -> Session:
    """A session for reads; on SQLite it holds no write lock."""
    return Session(
        engine.execution_options(loalang_read_only=True), expire_on_commit=False, autoflush=False
    )


def _open_sqlite(url: str) -> Engine:
    engine = create_engine(url, module=_safe_sqlite())
    event.listen(engine, "do_connect", _make_file)
    event.listen(engine, "connect", _prepare_connection)
    event.listen(engine, "begin", _begin)
    return engine


def _safe_sqlite() -> ModuleType:
    # pysqlite3 carries its own SQLite but has no ARM wheel: there the system's must be new enough.
    for name in ("pysqlite3.dbapi2", "sqlite3.dbapi2"):
        try:
            module = import_module(name)
        except ImportError:
            continue
        if module.sqlite_version_info >= _SAFE_SQLITE:
            return module
    raise ControllerError(
        "old_sqlite",
        "SQLite trên máy này quá cũ cho hai tiến trình: hãy dùng PostgreSQL "
        "(LOALANG_DATABASE_URL).",
        "SQLite on this machine is too old for two processes: use PostgreSQL "
        "(LOALANG_DATABASE_URL).",
    )


def _make_file(_dialect: Any, _record: Any, arguments: list[Any], _options: Any) -> None:
    """A new database is for the group, too, where the umask lets it be.

    The pages may be another user of the same group; SQLite itself would leave them out, and gives
    its log the mode of the database.
    """
    path = str(arguments[0]) if arguments else ""
    if path and path != ":memory:" and not path.startswith("file:") and not Path(path).exists():
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o660))


def _prepare_connection(connection: Any, _record: Any) -> None:
    # The driver must not start transactions by itself: `_begin` says which kind.
    connection.isolation_level = None
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Any) -> None:
    read_only = connection.get_execution_options().get("loalang_read_only", False)
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")
