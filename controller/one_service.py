"""One service a database: two would expand, presume and publish the same things.

On SQLite a locked file beside the data; on PostgreSQL an advisory lock held by a connection, so
that a second service, on another machine too, is refused.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine, text

from controller.errors import ControllerError

_LOCK = 0x6C6F61  # "loa"


@contextmanager
def only_service(engine: Engine, run_dir: Path) -> Iterator[None]:
    """Hold the lock. Raises ControllerError when another service has it."""
    run_dir.mkdir(parents=True, exist_ok=True)
    if engine.dialect.name == "postgresql":
        with _advisory_lock(engine):
            yield
        return
    with (run_dir / "service.lock").open("w", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise _taken() from error
        yield


@contextmanager
def _advisory_lock(engine: Engine) -> Iterator[None]:
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if not connection.scalar(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": _LOCK}):
            raise _taken()
        try:
            yield
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": _LOCK})


def _taken() -> ControllerError:
    return ControllerError(
        "service_runs",
        "Một dịch vụ điều khiển khác đang dùng cơ sở dữ liệu này: hãy dừng nó trước.",
        "Another controller service already works on this database: stop that one first.",
    )
