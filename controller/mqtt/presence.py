"""What a device says about itself: whether it is there (last will) and how it is.

A retained message comes again with every connection of ours, and a will may come late: numbers
that do not grow are old news, and a will of an earlier session says nothing about this one.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from controller import changes
from controller.fleet import node_story, nodes
from controller.models import Airing, Device, DeviceBinding, EventKind
from controller.outcomes import receipts
from protocol.codec import format_time, to_json
from protocol.envelope import VERSION, Heading
from protocol.messages import Answer, Beat, Presence, Status
from protocol.outcomes import CommandVerb, Problem

# Three statuses and a half: then a device is gone whose will was lost with the broker.
SILENT_AFTER = timedelta(seconds=210)
_LONGEST_TEXT = 64
# Among a device's problems, of our own finding: it reads no version of the protocol that we speak.
OTHER_VERSION = Problem.OTHER_VERSION.value


def take_presence(
    session: Session, device: Device, heading: Heading, presence: Presence, now: datetime
) -> bool:
    """Note that a device came or went. True: it is news, and a device that came wants a beacon."""
    will_of_this_session = not presence.online and presence.session == device.session
    if heading.seq <= device.presence_seq and not (will_of_this_session and device.online):
        return False
    if presence.session < device.session:
        return False
    _tell_story(session, device, presence, now)
    device.presence_seq = max(device.presence_seq, heading.seq)
    device.session = presence.session
    device.boot_id = presence.boot_id[:_LONGEST_TEXT]
    device.store_epoch = presence.store_epoch[:_LONGEST_TEXT]
    device.version = presence.version[:_LONGEST_TEXT]
    device.status = _judged(device.status, understood=VERSION in presence.protocol_versions)
    if presence.online:
        device.last_seen_at = now
    device.online = presence.online
    note_node(session, device.id, now)
    return True


def take_status(
    session: Session, device: Device, heading: Heading, status: Status, now: datetime
) -> bool:
    """Keep the newest status. True: what the device holds has changed."""
    if heading.seq <= device.status_seq:
        return False
    held_before = _holds(device.status)
    if status.holds_same:
        status = replace(status, holds=tuple((device.status or {}).get("holds", ())))
    device.status_seq = heading.seq
    before, understood = device.status, not _speaks_otherwise(device.status)
    device.status = _judged(to_json(replace(status, holds_same=False)), understood=understood)
    node_id = node_of(session, device.id)
    if node_id:
        node_story.compare(session, node_id, before, device.status or {}, now)
        receipts.note_status(session, node_id, before, status, now)
    device.last_seen_at = now
    device.online = True
    note_node(session, device.id, now)
    return held_before != frozenset(status.holds)


def take_answer(
    session: Session, device: Device, heading: Heading, answer: Answer, now: datetime
) -> None:
    """A word about what an area was commanded: a play is named by its airing."""
    if answer.verb != CommandVerb.PLAY or session.get(Airing, answer.command_id) is None:
        return
    node_id = node_of(session, device.id)
    if node_id:
        receipts.note_answer(session, node_id, answer.command_id, heading.issued_at, now)


def take_beat(
    session: Session, device: Device, heading: Heading, beat: Beat, now: datetime
) -> None:
    """The device lives and nothing has changed; its status is as of now."""
    if device.status is not None:
        clock = {**(device.status.get("clock") or {}), "offset_ms": beat.offset_ms}
        told = {"at": format_time(heading.issued_at), "uptime_s": beat.uptime_s, "clock": clock}
        device.status = {**device.status, **told}
    device.last_seen_at = now
    if not device.online:
        device.online = True
        note_node(session, device.id, now)


def lose_silent(session: Session, now: datetime) -> int:
    """Call devices offline that have said nothing for long. Returns how many."""
    query = select(Device).where(Device.online, Device.last_seen_at < now - SILENT_AFTER)
    lost = list(session.scalars(query))
    for device in lost:
        device.online = False
        note_node(session, device.id, now)
        node_id = node_of(session, device.id)
        if node_id:
            node_story.add(session, node_id, EventKind.WENT, now)
    return len(lost)


def _speaks_otherwise(status: dict[str, Any] | None) -> bool:
    return OTHER_VERSION in (status or {}).get("problems", ())


def _judged(status: dict[str, Any] | None, *, understood: bool) -> dict[str, Any] | None:
    """The status, with our own word in its problems when the device cannot read what we say."""
    if understood and not _speaks_otherwise(status):
        return status
    problems = [each for each in (status or {}).get("problems", ()) if each != OTHER_VERSION]
    return {**(status or {}), "problems": problems if understood else [*problems, OTHER_VERSION]}


def _tell_story(session: Session, device: Device, presence: Presence, now: datetime) -> None:
    """What this presence changes about the device, as lines of its node's story."""
    node_id = node_of(session, device.id)
    if node_id is None:
        return
    if device.boot_id and presence.online and presence.boot_id[:_LONGEST_TEXT] != device.boot_id:
        node_story.add(session, node_id, EventKind.RESTARTED, now)
    if presence.online != device.online:
        kind = EventKind.CAME if presence.online else EventKind.WENT
        node_story.add(session, node_id, kind, now)


def note_node(session: Session, device_id: str, now: datetime) -> None:
    """Tell the pages that the node this device serves has changed."""
    node_id = node_of(session, device_id)
    if node_id:
        changes.note(session, "node", node_id, nodes.area_of(session, node_id, now), now)


def node_of(session: Session, device_id: str) -> str | None:
    """The node a device serves now."""
    return session.scalar(
        select(DeviceBinding.node_id).where(
            DeviceBinding.device_id == device_id, DeviceBinding.until_at.is_(None)
        )
    )


def _holds(status: dict[str, Any] | None) -> frozenset[str]:
    return frozenset((status or {}).get("holds", ()))
