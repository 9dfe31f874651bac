"""Enrolment: a device that proves its technician was given a node's claim code is bound to it.

The proof (see protocol.claims) rests on the code, which never travels, and on the device's own
public key. A code works once. The binding is dated: the node's history stays with the place, and
hardware that served it before is let go.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import CursorResult, select, update
from sqlalchemy.orm import Session

from controller import audit, changes, nodes
from controller.access import SYSTEM
from controller.models import ClaimCode, Device, DeviceBinding, Node
from protocol.claims import proves
from protocol.keys import VerifyKey
from protocol.messages import Claim

_LONGEST_TEXT = 64


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
    device.hardware = asked.hardware[:_LONGEST_TEXT]
    device.version = asked.version[:_LONGEST_TEXT]
    session.flush()
    return _bind(session, code.node_id, device.id, now)


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


def _bind(session: Session, node_id: str, device_id: str, now: datetime) -> Bound:
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
    audit.record(session, SYSTEM, "node.bind", "node", node_id, area_id, now, {"device": device_id})
    changes.note(session, "node", node_id, area_id, now)
    return Bound(node_id, device_id, released)
