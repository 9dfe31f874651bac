"""Enrolment: a device that proves its technician was given a node's claim code is bound to it.

The proof (see protocol.claims) rests on the code, which never travels, and on the device's own
public key. A code works once. The binding is dated: the node's history stays with the place, and
hardware that served it before is let go.

A device that shows no code that fits waits on a list, with twelve digits of its key that its label
or its technician tells too; an official binds it by hand to the node it is meant for.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import CursorResult, delete, select, update
from sqlalchemy.orm import Session

from controller import changes, commands
from controller.accounts import audit
from controller.accounts.access import SYSTEM, Action, Actor, require_role
from controller.commands import CommandKind
from controller.errors import NotFound
from controller.fleet import nodes
from controller.models import ClaimCode, Device, DeviceBinding, Node, WaitingDevice
from protocol.claims import device_code, proves
from protocol.keys import VerifyKey
from protocol.messages import Claim

_LONGEST_TEXT = 64
_CODE_DIGITS = 12
WAITS = timedelta(hours=24)
MOST_WAIT = 100


@dataclass(frozen=True, slots=True)
class Bound:
    """A device serves a node now; `released` are devices that no longer serve one."""

    node_id: str
    device_id: str
    released: tuple[str, ...] = ()


def claim(session: Session, key: VerifyKey, asked: Claim, now: datetime) -> Bound | None:
    """Bind the device with `key` to the node whose code it proves to know; None when none fits.

    A device that is bound already and asks again (its answer was lost) gets the same answer.
    """
    device = session.get(Device, key.device_id)
    if device is not None and device.shut_out_at is not None:
        return None
    code = _proved(_unused(session, now), key, asked.proof)
    if code is None:
        return _as_before(session, key.device_id)
    if not _use_up(session, code, now):
        return None
    if device is None:
        device = Device(id=key.device_id, public_key=key.hex, first_seen_at=now)
        session.add(device)
    _stop_waiting(session, key.device_id)
    device.hardware = asked.hardware[:_LONGEST_TEXT]
    device.version = asked.version[:_LONGEST_TEXT]
    session.flush()
    return _bind(session, code.node_id, device.id, now)


def wait(session: Session, key: VerifyKey, asked: Claim, now: datetime) -> bool:
    """Put a new device on the list of those that wait; False for one that has no business there.

    The list is short: whoever may join may ask under any number of keys, and the newest stay.
    """
    device = session.get(Device, key.device_id)
    if device is not None and (device.shut_out_at or _as_before(session, device.id)):
        return False
    row = session.get(WaitingDevice, key.device_id)
    if row is None:
        row = WaitingDevice(
            id=key.device_id,
            public_key=key.hex,
            code=device_code(key),
            first_asked_at=now,
        )
        session.add(row)
        changes.note(session, "node", key.device_id, None, now)
    row.hardware, row.version = asked.hardware[:_LONGEST_TEXT], asked.version[:_LONGEST_TEXT]
    row.last_asked_at = now
    session.flush()
    _shorten(session, now)
    return True


def waiting(session: Session, actor: Actor, now: datetime) -> list[WaitingDevice]:
    """The devices that asked lately, the newest first; for whoever may bind one."""
    require_role(actor, Action.OPERATE)
    query = select(WaitingDevice).where(WaitingDevice.last_asked_at > now - WAITS)
    return list(session.scalars(query.order_by(WaitingDevice.last_asked_at.desc())))


def by_code(
    session: Session, actor: Actor, code: str, now: datetime
) -> tuple[list[WaitingDevice], Node | None]:
    """Devices that wait and whose digits begin so; or the node a device of just these serves.

    Of a node that is not the actor's to see nothing is said.
    """
    digits = "".join(each for each in code if each.isdecimal())
    found = [
        row
        for row in waiting(session, actor, now)
        if digits and row.code.replace(" ", "").startswith(digits)
    ]
    whole = not found and len(digits) == _CODE_DIGITS
    return found, _served_by(session, actor, digits) if whole else None


def _served_by(session: Session, actor: Actor, digits: str) -> Node | None:
    query = (
        select(Device.public_key, DeviceBinding.node_id)
        .join(DeviceBinding, DeviceBinding.device_id == Device.id)
        .where(DeviceBinding.until_at.is_(None))
    )
    for key, node_id in session.execute(query):
        if device_code(VerifyKey.from_hex(key)).replace(" ", "") == digits:
            try:
                return nodes.get(session, actor, node_id)
            except NotFound:
                return None
    return None


def bind(session: Session, actor: Actor, node_id: str, device_id: str, now: datetime) -> Node:
    """Bind a device that waits to a node; the device that served it before is let go.

    Raises NotFound when no such device waits (any more).
    """
    node = nodes.get(session, actor, node_id, Action.OPERATE)
    row = session.get(WaitingDevice, device_id)
    if row is None:
        raise NotFound("device")
    device = session.get(Device, device_id)
    if device is None:
        device = Device(id=row.id, public_key=row.public_key, first_seen_at=now)
        session.add(device)
    device.hardware, device.version = row.hardware, row.version
    session.delete(row)
    session.flush()
    bound = _bind(session, node.id, device_id, now, actor)
    body = {"node_id": node.id, "released": list(bound.released), "bound": device_id}
    commands.ask(session, CommandKind.NODE_CHANGED, body, actor, now)
    return node


def _stop_waiting(session: Session, device_id: str) -> None:
    row = session.get(WaitingDevice, device_id)
    if row is not None:
        session.delete(row)


def _shorten(session: Session, now: datetime) -> None:
    newest = select(WaitingDevice.id).order_by(WaitingDevice.last_asked_at.desc()).limit(MOST_WAIT)
    session.execute(
        delete(WaitingDevice).where(
            WaitingDevice.id.not_in(newest) | (WaitingDevice.last_asked_at <= now - WAITS)
        ),
        execution_options={"synchronize_session": False},
    )


def _unused(session: Session, now: datetime) -> Iterable[ClaimCode]:
    query = (
        select(ClaimCode)
        .join(Node, Node.id == ClaimCode.node_id)
        .where(ClaimCode.used_at.is_(None), ClaimCode.expires_at > now, Node.retired_at.is_(None))
    )
    return session.scalars(query)


def _proved(codes: Iterable[ClaimCode], key: VerifyKey, proof: str) -> ClaimCode | None:
    return next((code for code in codes if proves(code.code, key, proof)), None)


def _as_before(session: Session, device_id: str) -> Bound | None:
    binding = session.scalar(
        select(DeviceBinding).where(
            DeviceBinding.device_id == device_id, DeviceBinding.until_at.is_(None)
        )
    )
    return Bound(binding.node_id, device_id) if binding else None


def _use_up(session: Session, code: ClaimCode, now: datetime) -> bool:
    # Two devices with the same code: the database lets one of them through.
    result = session.execute(
        update(ClaimCode)
        .where(ClaimCode.id == code.id, ClaimCode.used_at.is_(None))
        .values(used_at=now),
        execution_options={"synchronize_session": False},
    )
    assert isinstance(result, CursorResult)
    return result.rowcount == 1


def _bind(
    session: Session, node_id: str, device_id: str, now: datetime, actor: Actor = SYSTEM
) -> Bound:
    current = session.scalars(
        select(DeviceBinding).where(
            DeviceBinding.until_at.is_(None),
            (DeviceBinding.node_id == node_id) | (DeviceBinding.device_id == device_id),
        )
    ).all()
    for binding in current:
        binding.until_at = now
    session.add(DeviceBinding(node_id=node_id, device_id=device_id, from_at=now))
    released = tuple(b.device_id for b in current if b.device_id != device_id)
    area_id = nodes.area_of(session, node_id, now)
    audit.record(session, actor, "node.bind", "node", node_id, area_id, now, {"device": device_id})
    changes.note(session, "node", node_id, area_id, now)
    return Bound(node_id, device_id, released)
