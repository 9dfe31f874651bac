"""Orders to one node and its answers: test play, volume, mute, restart, log, resync, self-test.

A technician's tools. The order is a row; the service seals it as a command that expires in a
minute, and the node's signed answer comes back into the row.
"""

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from controller import changes, commands
from controller.accounts import audit
from controller.accounts.access import Action, Actor
from controller.commands import CommandKind
from controller.emergency.emergencies import ALERT_TUNE, DRILL_TUNE
from controller.errors import BadInput, Conflict, NotFound
from controller.fleet import nodes
from controller.library import clips
from controller.models import Airing, Device, DeviceBinding, NodeOrder, Tune
from protocol import messages
from protocol.codec import format_time, from_json, parse_time, to_json
from protocol.envelope import Heading
from protocol.errors import Malformed
from protocol.messages import Answer, Command, Part
from protocol.outcomes import AiringClass, CommandVerb, Origin

TTL = timedelta(seconds=60)
VERBS = tuple(verb.value for verb in CommandVerb)
_KEPT = timedelta(days=90)
_SHOWN = 50
_LONGEST_DETAIL = 16_000
_LONGEST_LOG = 100_000
_HELD_LEAD = timedelta(seconds=5)  # arm, settle, sound
_FETCH_LEAD = timedelta(seconds=45)  # a tune over a village's link
_LATE_S = 120


def order(
    session: Session,
    actor: Actor,
    node_id: str,
    verb: str,
    args: Mapping[str, Any],
    now: datetime,
) -> NodeOrder:
    """Ask a node for something. `args`: see `CommandVerb`; `play` takes `clip_id`, or a tune.

    Raises NotFound, NotAllowed, BadInput, and Conflict when no device serves the node.
    """
    node = nodes.get(session, actor, node_id, Action.OPERATE)
    device = nodes.devices_of(session, [node.id], now).get(node.id)
    if device is None:
        raise Conflict(
            "no_device",
            "Cụm loa này chưa có thiết bị: hãy nhận thiết bị trước.",
            "No device serves this node yet: enrol one first.",
        )
    session.execute(
        delete(NodeOrder).where(NodeOrder.node_id == node.id, NodeOrder.created_at < now - _KEPT)
    )
    row = NodeOrder(
        node_id=node.id,
        device_id=device.id,
        verb=verb,
        args=_checked(verb, args),
        created_by=actor.user_id,
        created_at=now,
    )
    if verb == CommandVerb.PLAY:
        row.airing = to_json(_test_airing(session, actor, device, args.get("clip_id"), now))
    session.add(row)
    session.flush()
    detail = {"verb": verb, "args": row.args}
    area_id = nodes.area_of(session, node.id, now)
    audit.record(session, actor, "node.order", "node", node.id, area_id, now, detail)
    commands.ask(session, CommandKind.NODE_ORDER, {"order_id": row.id}, actor, now)
    return row


def listed(session: Session, actor: Actor, node_id: str) -> list[NodeOrder]:
    """The newest orders to a node, newest first."""
    nodes.get(session, actor, node_id)
    query = select(NodeOrder).where(NodeOrder.node_id == node_id)
    return list(session.scalars(query.order_by(NodeOrder.created_at.desc()).limit(_SHOWN)))


def get(session: Session, actor: Actor, node_id: str, order_id: str) -> NodeOrder:
    nodes.get(session, actor, node_id)
    row = session.get(NodeOrder, order_id)
    if row is None or row.node_id != node_id:
        raise NotFound("order")
    return row


def command_of(row: NodeOrder) -> Command:
    """What the node is told."""
    airing = from_json(messages.Airing, row.airing) if row.airing else None
    return Command(row.id, row.verb, {k: str(v) for k, v in row.args.items()}, airing)


def answered(session: Session, device_id: str, answer: Answer, now: datetime) -> bool:
    """Keep a device's answer; False when it answers nothing we asked, or did so before."""
    row = session.get(NodeOrder, answer.command_id) if answer.command_id else None
    if row is None or row.device_id != device_id or row.answered_at is not None:
        return False
    row.answered_at, row.ok = now, answer.ok
    row.problem, row.detail = answer.problem[:64], answer.detail[:_LONGEST_DETAIL]
    area_id = nodes.area_of(session, row.node_id, now)
    changes.note(session, "node", row.node_id, area_id, now)
    return True


def brought(session: Session, device_id: str, heading: Heading, answer: Answer) -> bool:
    """Keep a log that came on a stick, unasked; False when it is here already, or is none."""
    node_id = session.scalar(
        select(DeviceBinding.node_id).where(
            DeviceBinding.device_id == device_id, DeviceBinding.until_at.is_(None)
        )
    )
    order_id = f"{device_id[:32]}-{heading.seq}"
    if node_id is None or answer.verb != CommandVerb.LOG_TAIL or _known(session, order_id):
        return False
    row = NodeOrder(
        id=order_id,
        node_id=node_id,
        device_id=device_id,
        verb=answer.verb,
        args={},
        created_at=heading.issued_at,
        sent_at=heading.issued_at,
        answered_at=heading.issued_at,
        ok=answer.ok,
        problem="",
        detail=answer.detail[:_LONGEST_LOG],
    )
    session.add(row)
    return True


def _known(session: Session, order_id: str) -> bool:
    return session.get(NodeOrder, order_id) is not None


def state(row: NodeOrder, now: datetime) -> str:
    """`waiting`, `done`, `failed` (the node says why), or `unanswered` after its minute."""
    if row.answered_at is not None:
        return "done" if row.ok else "failed"
    return "waiting" if now < row.created_at + TTL + timedelta(seconds=10) else "unanswered"


def _checked(verb: str, args: Mapping[str, Any]) -> dict[str, str]:
    if verb == CommandVerb.VOLUME:
        return {"pct": str(_whole(args, "pct", 0, 100))}
    if verb == CommandVerb.LOG_TAIL:
        return {"lines": str(_whole({"lines": 100, **args}, "lines", 1, 300))}
    if verb == CommandVerb.MUTE:
        return {"until": _moment(args.get("until"))}
    if verb == CommandVerb.STOP:
        return {"hard": "1"} if args.get("hard") else {}
    if verb not in VERBS:
        raise _bad("verb")
    return {}


def _whole(args: Mapping[str, Any], name: str, lowest: int, highest: int) -> int:
    try:
        value = int(str(args.get(name)))
    except ValueError as error:
        raise _bad(name) from error
    if not lowest <= value <= highest:
        raise _bad(name)
    return value


def _moment(text: Any) -> str:
    """RFC 3339; empty lifts the mute."""
    if not text:
        return ""
    try:
        return format_time(parse_time(str(text)))
    except Malformed as error:
        raise _bad("until") from error


def _test_airing(
    session: Session, actor: Actor, device: Device, clip_id: str | None, now: datetime
) -> messages.Airing:
    """A dated airing of a clip, or of a signature tune, that leaves a playback like any other."""
    title, part = _clip(session, actor, clip_id, now) if clip_id else _tune(session)
    held = part.sha256 in (device.status or {}).get("holds", ())
    starts_at = now + (_HELD_LEAD if held else _FETCH_LEAD)
    row = Airing(
        id=secrets.token_hex(16),
        original_at=starts_at,
        starts_at=starts_at,
        ends_at=starts_at + timedelta(milliseconds=part.duration_ms),
        class_=AiringClass.NORMAL,
        origin=Origin.TEST,
        title=title,
        late_s=_LATE_S,
    )
    session.add(row)
    return messages.Airing(
        airing_id=row.id,
        starts_at=starts_at,
        origin=Origin.TEST,
        title=title,
        late_s=_LATE_S,
        parts=(part,),
    )


def _clip(session: Session, actor: Actor, clip_id: str, now: datetime) -> tuple[str, Part]:
    version = clips.airable(session, clip_id, now)
    if version is None or not clips.may_use(session, actor, version.clip):
        raise _bad("clip_id")
    part = Part(version.sha256, version.bytes, version.duration_ms, clip_id=clip_id)
    return version.clip.title, part


def _tune(session: Session) -> tuple[str, Part]:
    """No alert tone: a test must not frighten anybody."""
    alarming = Tune.name.in_((ALERT_TUNE, DRILL_TUNE))
    tune = session.scalar(select(Tune).where(~alarming).order_by(Tune.duration_ms).limit(1))
    if tune is None:
        raise _bad("clip_id")
    return tune.title, Part(tune.sha256, tune.bytes, tune.duration_ms)


def _bad(name: str) -> BadInput:
    sentences = {
        "pct": ("Âm lượng đi từ 0 đến 100.", "The volume goes from 0 to 100."),
        "lines": ("Hãy xin từ 1 đến 300 dòng.", "Ask for 1 to 300 lines."),
        "until": (
            "Hãy ghi giờ theo dạng 2026-11-22T18:00:00+07:00.",
            "Write a time like 2026-11-22T18:00:00+07:00.",
        ),
        "clip_id": (
            "Không có bản tin nào đã duyệt để phát thử: hãy chọn bản tin khác.",
            "There is no approved clip to test with: choose another.",
        ),
    }
    fallback = (f"Cụm loa chỉ nhận: {', '.join(VERBS)}.", f"A node takes: {', '.join(VERBS)}.")
    return BadInput({name: sentences.get(name, fallback)})
