"""What pages and the API ask of the service: rows it claims one by one, and a way to wake it.

A page writes the row in the transaction of the change itself, so that neither exists without the
other; the wake-up is only a hint, and the service also looks by itself now and then.
"""

import socket
from collections.abc import Collection
from contextlib import suppress
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from sqlalchemy import CursorResult, or_, select, update
from sqlalchemy.orm import Session

from controller.accounts import audit
from controller.accounts.access import SYSTEM, Actor
from controller.models import ServiceCommand

# A service that died holding a command has had this long to come back with its result.
_ABANDONED_AFTER = timedelta(seconds=60)
MAX_TRIES = 5  # what fails so often, a minute apart, will not mend itself


class CommandKind(StrEnum):
    """What the service can be asked for, with the keys of its body."""

    SCHEDULES_CHANGED = "schedules_changed"  # area_ids
    NODE_CHANGED = "node_changed"  # node_id, released?: device ids, bound?: device id
    CLIP_CHANGED = "clip_changed"  # clip_id, area_ids
    NODE_ORDER = "node_order"  # order_id
    STICK_TAKEN = "stick_taken"  # device_ids; the result has the acknowledgements, sealed
    PACK_SIGN = "pack_sign"  # manifest; the result has key and signature, or why there is none
    TRUST_CHANGED = "trust_changed"  # (nothing)
    AREA_STATE_CHANGED = "area_state_changed"  # area_ids, verb?, emergency_id?


def ask(
    session: Session, kind: CommandKind, body: dict[str, Any], actor: Actor, now: datetime
) -> int:
    """Write the command; call `wake` after the commit. Returns its id."""
    row = ServiceCommand(kind=kind.value, body=body, created_by=actor.user_id, created_at=now)
    session.add(row)
    session.flush()
    return row.id


def wake(path: Path) -> None:
    """Nudge the service by an empty datagram; a service that is down is no error."""
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.setblocking(False)
        sender.sendto(b"", str(path))


def claim_next(
    session: Session, now: datetime, kinds: Collection[CommandKind] | None = None
) -> ServiceCommand | None:
    """The oldest command (of these kinds) nobody works on, now ours; None when there is none.

    One that was tried `MAX_TRIES` times before is for `give_up`.
    """
    free = or_(
        ServiceCommand.claimed_at.is_(None), ServiceCommand.claimed_at < now - _ABANDONED_AFTER
    )
    waiting = select(ServiceCommand.id).where(ServiceCommand.done_at.is_(None), free)
    if kinds is not None:
        waiting = waiting.where(ServiceCommand.kind.in_([kind.value for kind in kinds]))
    for command_id in session.scalars(waiting.order_by(ServiceCommand.id).limit(10)).all():
        # Another worker may have been faster between the look and this update.
        claim = update(ServiceCommand).where(ServiceCommand.id == command_id, free)
        result = session.execute(
            claim.where(ServiceCommand.done_at.is_(None)).values(claimed_at=now),
            execution_options={"synchronize_session": False},
        )
        assert isinstance(result, CursorResult)
        if result.rowcount == 1:
            row = session.get_one(ServiceCommand, command_id, populate_existing=True)
            row.result = {"tries": tries(row) + 1}
            return row
    return None


def tries(row: ServiceCommand) -> int:
    """How often the command has been claimed so far."""
    return int((row.result or {}).get("tries", 0))


def give_up(session: Session, row: ServiceCommand, now: datetime) -> None:
    """Mark a command that fails whenever it is tried, and write that down for people."""
    finish(session, row.id, {"failed": True, "tries": MAX_TRIES}, now)
    area_id = next(iter(row.body.get("area_ids") or ()), None)
    audit.record(
        session,
        SYSTEM,
        "order.failed",
        "order",
        str(row.id),
        area_id,
        now,
        {"kind": row.kind, "tries": MAX_TRIES},
    )


def finish(session: Session, command_id: int, result: dict[str, Any], now: datetime) -> None:
    """Write what became of a command."""
    row = session.get_one(ServiceCommand, command_id)
    row.done_at = now
    row.result = result
