"""Does what pages and API ask: claims one command row after the other and acts on it.

A command names what changed, not what to say: the desk builds that from the rows as they are now,
so a command done twice, or late, does no harm.
"""

import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, select

from controller import commands, database
from controller.commands import CommandKind
from controller.desk import Desk
from controller.models import ServiceCommand

_log = logging.getLogger(__name__)


class Commander:
    """`step` does one command."""

    def __init__(self, engine: Engine, desk: Desk, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._desk = desk
        self._clock = clock

    def step(self) -> bool:
        """Claim and do the oldest command; whether there was one."""
        # Most turns find nothing, and a look must not take SQLite's write lock.
        with database.reading(self._engine) as session:
            waiting = select(ServiceCommand.id).where(ServiceCommand.done_at.is_(None))
            if session.scalar(waiting.limit(1)) is None:
                return False
        with database.transaction(self._engine) as session:
            row = commands.claim_next(session, self._clock())
        if row is None:
            return False
        result = self._do(row.kind, row.body)
        with database.transaction(self._engine) as session:
            commands.finish(session, row.id, result, self._clock())
        return True

    def _do(self, kind: str, body: dict[str, Any]) -> dict[str, Any]:
        if kind == CommandKind.SCHEDULES_CHANGED:
            return {"published": self._desk.refresh(body.get("area_ids"))}
        if kind == CommandKind.NODE_CHANGED:
            return {"published": self._desk.configure(body.get("node_id")) + self._desk.refresh()}
        if kind == CommandKind.CLIP_CHANGED:
            return {"published": self._desk.refresh()}
        _log.error("nobody here knows the command %r", kind)
        return {"error": "unknown command"}
