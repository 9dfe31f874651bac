"""Does what pages and API ask: claims one command row after the other and acts on it.

A command names what changed, not what to say: that is built from the rows as they are now, so a
command done twice, or late, does no harm; one that fails is tried again a few times. Two commanders
work side by side: one for stops and emergencies, which must never wait behind a rebuild of pages,
and one for everything else.
"""

import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, select

from controller import commands, database
from controller.commands import CommandKind
from controller.fleet.enrolment import Bound
from controller.models import ServiceCommand
from controller.publishing.desk import Desk
from controller.publishing.orders import Orders

_log = logging.getLogger(__name__)

Handler = Callable[[dict[str, Any]], int | dict[str, Any]]  # how many said, or the result


class Commander:
    """`step` does one command of the kinds that `handlers` name."""

    def __init__(
        self,
        engine: Engine,
        handlers: Mapping[CommandKind, Handler],
        clock: Callable[[], datetime],
    ) -> None:
        self._engine = engine
        self._handlers = handlers
        self._clock = clock
        # Most turns find nothing, and a look must not take SQLite's write lock.
        self._waiting = (
            select(ServiceCommand.id)
            .where(
                ServiceCommand.done_at.is_(None),
                ServiceCommand.kind.in_([kind.value for kind in handlers]),
            )
            .limit(1)
        )

    def step(self) -> bool:
        """Claim and do the oldest command; whether there was one."""
        with database.reading(self._engine) as session:
            if session.scalar(self._waiting) is None:
                return False
        with database.transaction(self._engine) as session:
            row = commands.claim_next(session, self._clock(), self._handlers.keys())
            if row is not None and commands.tries(row) > commands.MAX_TRIES:
                _log.error("order %s (%s) fails every time; it is given up", row.id, row.kind)
                commands.give_up(session, row, self._clock())
                return True
        if row is None:
            return False
        done = self._handlers[CommandKind(row.kind)](row.body)
        result = done if isinstance(done, dict) else {"published": done}
        with database.transaction(self._engine) as session:
            commands.finish(session, row.id, result, self._clock())
        return True


def urgent(orders: Orders) -> dict[CommandKind, Handler]:
    """Stops, mutes and emergencies; and what a technician waits for."""

    def announce(body: dict[str, Any]) -> int:
        return orders.announce(body["area_ids"], body.get("verb"), body.get("emergency_id"))

    return {
        CommandKind.AREA_STATE_CHANGED: announce,
        CommandKind.NODE_ORDER: lambda body: orders.tell_node(body["order_id"]),
    }


def ordinary(
    desk: Desk,
    vouch: Callable[[bool], int] | None = None,
    more: Mapping[CommandKind, Handler] | None = None,
) -> dict[CommandKind, Handler]:
    """What changes documents. `vouch(True)`: the keys changed, and all must be said anew."""
    vouched = vouch or (lambda keys_changed: 0)

    def schedules_changed(body: dict[str, Any]) -> int:
        # An area's rules are among them, and they may want two signatures from now on.
        said = desk.configure() if body.get("configs") else 0
        return said + vouched(False) + desk.refresh(body.get("area_ids"))

    def node_changed(body: dict[str, Any]) -> int:
        desk.release(body.get("released", ()))
        if body.get("bound"):
            desk.bind([Bound(body["node_id"], body["bound"])])
        node_id = body.get("node_id")
        if node_id is None:
            return desk.configure() + desk.refresh()
        return desk.configure(node_id) + desk.refresh_for_node(node_id)

    return {
        CommandKind.SCHEDULES_CHANGED: schedules_changed,
        CommandKind.NODE_CHANGED: node_changed,
        CommandKind.CLIP_CHANGED: lambda body: desk.refresh(body.get("area_ids")),
        CommandKind.STICK_TAKEN: lambda body: {"acks": desk.seal_acks(body["device_ids"])},
        CommandKind.TRUST_CHANGED: lambda body: vouched(True),
        **(more or {}),
    }
