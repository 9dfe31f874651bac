"""One acting service a database: two would expand, presume and publish the same things.

On SQLite a locked file beside the data refuses a second one. On PostgreSQL the lead is an advisory
lock, held by a connection: a second service, on another machine too, stands by until the first is
gone. The lock goes with its connection (a restarted server, a cut network), so the leader asks now
and then whether it still has it, takes it again, or stops acting. What two leaders could do to each
other in those seconds is harmless: rows have keys of their own, and nothing is said without a
number of the one sequence, which knows who leads (see `sequence`).
"""

import fcntl
import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from controller.errors import ControllerError

_log = logging.getLogger(__name__)

_LOCK = 0x6C6F61  # "loa"
_LOOK_S = 2.0
# A leader whose machine or network is gone loses its connection, and with it the lead, in 25 s.
_KEEPALIVES = (
    "SET tcp_keepalives_idle = 10",
    "SET tcp_keepalives_interval = 5",
    "SET tcp_keepalives_count = 3",
)

Keeps = Callable[[], bool]


@contextmanager
def only_service(engine: Engine, run_dir: Path) -> Iterator[Keeps]:
    """Hold the lead, at once; gives a function that tells whether it is still ours.

    Raises ControllerError when another service has it.
    """
    if engine.dialect.name == "postgresql":
        lead = Lead(engine)
        if not lead.take():
            raise _taken()
        try:
            yield lead.keep
        finally:
            lead.release()
        return
    run_dir.mkdir(parents=True, exist_ok=True)
    # Whoever may open it could keep the service out: nobody else may.
    with os.fdopen(os.open(run_dir / "service.lock", os.O_RDWR | os.O_CREAT, 0o600)) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise _taken() from error
        yield lambda: True


@contextmanager
def leading(
    engine: Engine, run_dir: Path, stop: threading.Event, standing_by: Callable[[], None]
) -> Iterator[Keeps]:
    """Like `only_service`, but on PostgreSQL it waits for its turn, at most until `stop` is set.

    `standing_by` is called every other second of the wait.
    """
    if engine.dialect.name == "postgresql":
        lead = Lead(engine)
        try:
            _stand_by(lead, stop, standing_by)
            yield lead.keep
        finally:
            lead.release()
    else:
        with only_service(engine, run_dir) as keeps:
            yield keeps


class Lead:
    """The advisory lock of one database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Connection | None = None

    def take(self) -> bool:
        """Try to get it; raises DBAPIError when the database is away."""
        self.release()
        connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        try:
            for keepalive in _KEEPALIVES:
                connection.execute(text(keepalive))
            taken = bool(connection.scalar(text("SELECT pg_try_advisory_lock(:l)"), {"l": _LOCK}))
        except DBAPIError:
            connection.invalidate()
            connection.close()
            raise
        if not taken:
            connection.close()
            return False
        self._connection = connection
        return True

    def keep(self) -> bool:
        """Whether it is still, or again, ours. A database that is away has no leader to be."""
        try:
            if self._connection is not None:
                self._connection.execute(text("SELECT 1"))
                return True
        except DBAPIError:
            _log.warning("the connection that holds the lead was lost")
            self._forget()
        try:
            return self.take()
        except DBAPIError:
            return True

    def release(self) -> None:
        if self._connection is not None:
            with suppress(DBAPIError):
                self._connection.execute(text("SELECT pg_advisory_unlock(:l)"), {"l": _LOCK})
            self._forget()

    def _forget(self) -> None:
        # Invalidated, so that no pool hands on a connection that may still hold the lock.
        if self._connection is not None:
            self._connection.invalidate()
            self._connection.close()
            self._connection = None


def _stand_by(lead: Lead, stop: threading.Event, standing_by: Callable[[], None]) -> None:
    told = False
    while not stop.is_set() and not lead.take():
        if not told:
            _log.info("another service leads; this one stands by")
            told = True
        standing_by()
        stop.wait(_LOOK_S)


def _taken() -> ControllerError:
    return ControllerError(
        "service_runs",
        "Một dịch vụ điều khiển khác đang dùng cơ sở dữ liệu này: hãy dừng nó trước.",
        "Another controller service already works on this database: stop that one first.",
    )
