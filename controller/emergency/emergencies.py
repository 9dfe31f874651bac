"""Emergencies and drills, stop and mute: what overrides the schedule, by whom, and until when.

An emergency becomes dated airings (its first sounding and its repeats) that travel in the area
state, not in the schedule. Where policy wants two people, it waits for a second user.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from controller import changes, commands
from controller.accounts import audit
from controller.accounts.access import Action, Actor, require
from controller.calendar.policy import Span, violations
from controller.calendar.rules import ApprovalRules
from controller.commands import CommandKind
from controller.errors import BadInput, Conflict, NotAllowed, NotFound
from controller.library import clips
from controller.models import (
    Airing,
    AiringArea,
    AreaOrder,
    ClipVersion,
    Emergency,
    EmergencyState,
    Tune,
    User,
)
from controller.territory import areas
from protocol.codec import to_json
from protocol.messages import Part
from protocol.outcomes import AiringClass, Origin
from protocol.programme import length_ms

# Amplifiers that settle in half a second are on by then; slower ones declare their settle time.
START_DELAY = timedelta(milliseconds=800)
LATE_S = 600  # a node that comes back within ten minutes still sounds it
KEPT_AFTER_LAST = timedelta(seconds=LATE_S)
CONFIRM_WITHIN = timedelta(minutes=10)
DEPUTY_AFTER = timedelta(minutes=2)
# Names of tunes in the audio library; a drill must never sound like the real thing.
ALERT_TUNE, DRILL_TUNE = "bao_dong", "dien_tap"
DRILL_MARK = "Diễn tập: "  # before its title wherever a sounding is named: log, exports, nodes
MOST_REPEATS = 60
SHORTEST_REPEAT_S = 10


@dataclass(frozen=True, slots=True)
class Repeat:
    """`times` soundings in all, `every_s` seconds apart."""

    times: int = 1
    every_s: int = 300


@dataclass(frozen=True, slots=True)
class EmergencyInput:
    """What to say where. The clip must have an approved version: that is what "ready" means."""

    clip_id: str
    area_ids: list[str]
    drill: bool
    repeat: Repeat = Repeat()


def begin(session: Session, actor: Actor, data: EmergencyInput, now: datetime) -> Emergency:
    """Sound it at once, or let it wait for a second person. Raises BadInput, NotAllowed."""
    area_ids = _allowed(session, actor, Action.APPROVE, data.area_ids)
    _check_repeat(data.repeat)
    version = _ready_version(session, actor, data.clip_id, now)
    people = people_needed(session, area_ids)
    emergency = Emergency(
        title=version.clip.title,
        clip_id=data.clip_id,
        parts=[to_json(part) for part in _parts(session, version, data.drill)],
        area_ids=area_ids,
        drill=data.drill,
        repeat={"times": data.repeat.times, "every_s": data.repeat.every_s},
        state=EmergencyState.WAITING if people > 1 else EmergencyState.ACTIVE,
        created_by=actor.user_id,
        created_at=now,
        people_needed=people,
    )
    session.add(emergency)
    session.flush()
    if emergency.state is EmergencyState.ACTIVE:
        _start(session, emergency, actor, now)
    _told(session, actor, "emergency.begin", emergency, now)
    return emergency


def confirm(session: Session, actor: Actor, emergency_id: str, now: datetime) -> Emergency:
    """The second person's yes. Raises NotAllowed for the first person, Conflict when too late.

    When nobody said it within `DEPUTY_AFTER`, the deputy named by the rules of every area that
    wants two people may say it alone, whether or not they may approve, or gave the order.
    """
    emergency = get(session, actor, emergency_id)
    by_deputy = may_stand_in(session, actor, emergency, now)
    if not by_deputy:
        get(session, actor, emergency_id, Action.APPROVE)
    if emergency.state is not EmergencyState.WAITING or now > emergency.created_at + CONFIRM_WITHIN:
        raise Conflict(
            "not_waiting",
            "Lệnh phát này không còn chờ xác nhận. Nếu vẫn cần, hãy tạo lệnh mới.",
            "This emergency no longer waits for a second person. Begin a new one if needed.",
        )
    first = actor.user_id is None or actor.user_id == emergency.created_by
    if first and not by_deputy:
        raise NotAllowed(
            "second_person",
            "Người thứ hai phải xác nhận: hãy gọi lãnh đạo trực.",
            "A second person must confirm: call the leader on duty.",
        )
    emergency.confirmed_by, emergency.confirmed_at = actor.user_id, now
    emergency.state = EmergencyState.ACTIVE
    _start(session, emergency, actor, now)
    action = "emergency.confirm_as_deputy" if by_deputy else "emergency.confirm"
    _told(session, actor, action, emergency, now)
    return emergency


def deputy_of(session: Session, emergency: Emergency) -> User | None:
    """Who may confirm alone after `DEPUTY_AFTER`: the one the rules of all its areas name."""
    named = {
        rules.emergency_deputy
        for rules in (_rules(session, area_id) for area_id in emergency.area_ids)
        if rules.emergency_people > 1
    }
    if len(named) != 1:
        return None
    query = select(User).where(User.username == named.pop(), User.locked_at.is_(None))
    return session.scalar(query)


def may_stand_in(session: Session, actor: Actor, emergency: Emergency, now: datetime) -> bool:
    """Whether the actor is the deputy and the time of the others has passed."""
    if emergency.state is not EmergencyState.WAITING or now < emergency.created_at + DEPUTY_AFTER:
        return False
    deputy = deputy_of(session, emergency)
    return deputy is not None and actor.user_id == deputy.id


def cancel(session: Session, actor: Actor, emergency_id: str, now: datetime) -> Emergency:
    """Silence it where it sounds and take off its repeats. Cancelling twice is no error."""
    emergency = get(session, actor, emergency_id, Action.APPROVE)
    if emergency.state in (EmergencyState.WAITING, EmergencyState.ACTIVE):
        emergency.state = EmergencyState.CANCELLED
        emergency.cancelled_by, emergency.cancelled_at = actor.user_id, now
        session.execute(
            update(Airing)
            .where(Airing.emergency_id == emergency.id, Airing.starts_at > now)
            .values(cancelled_at=now)
        )
        _ask(session, actor, emergency.area_ids, now)
        _told(session, actor, "emergency.cancel", emergency, now)
    return emergency


def stop(
    session: Session,
    actor: Actor,
    area_ids: Sequence[str],
    now: datetime,
    mute_until: datetime | None = None,
) -> None:
    """Silence now whatever sounds in the areas; until `mute_until` nothing but emergencies."""
    for area_id in _allowed(session, actor, Action.SCHEDULE, area_ids):
        order = session.get(AreaOrder, area_id) or AreaOrder(area_id=area_id)
        order.stopped_at, order.ordered_at, order.ordered_by = now, now, actor.user_id
        order.muted_until = mute_until
        session.add(order)
        detail = {"mute_until": mute_until.isoformat() if mute_until else None}
        audit.record(session, actor, "area.stop", "area", area_id, area_id, now, detail)
        changes.note(session, "area", area_id, area_id, now)
    _ask(session, actor, area_ids, now, verb="stop")


def get(
    session: Session, actor: Actor, emergency_id: str, action: Action = Action.VIEW
) -> Emergency:
    """Raises NotFound also when any of its areas is outside the actor's own."""
    emergency = session.get(Emergency, emergency_id)
    if emergency is None:
        raise NotFound("emergency")
    _allowed(session, actor, action, emergency.area_ids)
    return emergency


def running(session: Session, now: datetime) -> list[Emergency]:
    """Those that sound, wait for a second person, or were cancelled while nodes may not know."""
    kept = (EmergencyState.ACTIVE, EmergencyState.CANCELLED, EmergencyState.WAITING)
    never_began = Emergency.expires_at.is_(None) & (Emergency.created_at > now - timedelta(days=2))
    query = select(Emergency).where(
        Emergency.state.in_(kept), never_began | (Emergency.expires_at > now)
    )
    return list(session.scalars(query.order_by(Emergency.created_at)))


def expire(session: Session, now: datetime) -> int:
    """Mark what is over, and what no second person confirmed in time; how many that were."""
    over = (Emergency.state == EmergencyState.ACTIVE) & (Emergency.expires_at <= now)
    unconfirmed = (Emergency.state == EmergencyState.WAITING) & (
        Emergency.created_at < now - CONFIRM_WITHIN
    )
    found = session.scalars(select(Emergency).where(over | unconfirmed)).all()
    for emergency in found:
        emergency.state = EmergencyState.EXPIRED
        for area_id in emergency.area_ids:
            changes.note(session, "emergency", emergency.id, area_id, now)
    return len(found)


def sounding_title(emergency: Emergency) -> str:
    """What its soundings are called: a drill says so everywhere."""
    return (DRILL_MARK if emergency.drill else "") + emergency.title


def _start(session: Session, emergency: Emergency, actor: Actor, now: datetime) -> None:
    repeat = Repeat(**(emergency.repeat or {}))
    length = timedelta(milliseconds=length_ms([_part(data) for data in emergency.parts]))
    emergency.starts_at = now + START_DELAY
    starts = [
        emergency.starts_at + timedelta(seconds=n * repeat.every_s) for n in range(repeat.times)
    ]
    emergency.expires_at = starts[-1] + length + KEPT_AFTER_LAST
    for starts_at in starts:
        airing = Airing(
            id=secrets.token_hex(16),
            emergency_id=emergency.id,
            original_at=starts_at,
            starts_at=starts_at,
            ends_at=starts_at + length,
            class_=AiringClass.EMERGENCY,
            origin=Origin.EMERGENCY,
            title=sounding_title(emergency),
            late_s=LATE_S,
        )
        airing.areas = [AiringArea(area_id=area_id) for area_id in emergency.area_ids]
        session.add(airing)
        changes.note(session, "airing", airing.id, emergency.area_ids[0], now)
    _ask(session, actor, emergency.area_ids, now, verb="play", emergency_id=emergency.id)


def _parts(session: Session, version: ClipVersion, drill: bool) -> list[Part]:
    clip = Part(
        sha256=version.sha256,
        bytes=version.bytes,
        duration_ms=version.duration_ms,
        item=1,
        language=version.clip.language,
        clip_id=version.clip_id,
    )
    tone = session.get(Tune, DRILL_TUNE if drill else ALERT_TUNE)
    if tone is None:
        return [clip]
    return [Part(sha256=tone.sha256, bytes=tone.bytes, duration_ms=tone.duration_ms), clip]


def _part(data: dict[str, Any]) -> Part:
    return Part(duration_ms=data["duration_ms"], gap_ms=data["gap_ms"], times=data["times"])


def _ready_version(session: Session, actor: Actor, clip_id: str, now: datetime) -> ClipVersion:
    version = clips.airable(session, clip_id, now)
    if version is None or not clips.may_use(session, actor, version.clip):
        raise BadInput(
            {
                "clip_id": (
                    "Bản tin này chưa được duyệt hoặc đã hết hạn: hãy chọn mẫu tin sẵn sàng.",
                    "This clip is not approved or has expired: choose a ready-made message.",
                )
            }
        )
    return version


def _check_repeat(repeat: Repeat) -> None:
    if not 1 <= repeat.times <= MOST_REPEATS or repeat.every_s < SHORTEST_REPEAT_S:
        raise BadInput(
            {
                "repeat": (
                    f"Lặp từ 1 đến {MOST_REPEATS} lần, cách nhau ít nhất {SHORTEST_REPEAT_S} giây.",
                    f"Repeat 1 to {MOST_REPEATS} times, at least {SHORTEST_REPEAT_S} s apart.",
                )
            }
        )


def _allowed(session: Session, actor: Actor, action: Action, area_ids: Sequence[str]) -> list[str]:
    if not area_ids:
        raise BadInput({"area_ids": ("Hãy chọn ít nhất một địa bàn.", "Choose an area.")})
    for area_id in area_ids:
        require(session, actor, action, area_id)
        areas.get(session, actor, area_id)
    return sorted(set(area_ids))


def people_needed(session: Session, area_ids: Sequence[str]) -> int:
    """How many must agree before it sounds in these areas: as many as the strictest wants."""
    return max(_rules(session, area_id).emergency_people or 1 for area_id in area_ids)


def _rules(session: Session, area_id: str) -> ApprovalRules:
    return areas.effective(session, area_id).policy.approval


def _ask(
    session: Session, actor: Actor, area_ids: Sequence[str], now: datetime, **body: str
) -> None:
    said = {"area_ids": sorted(set(area_ids)), **body}
    commands.ask(session, CommandKind.AREA_STATE_CHANGED, said, actor, now)


def _told(session: Session, actor: Actor, action: str, emergency: Emergency, now: datetime) -> None:
    about = {"drill": emergency.drill, "state": emergency.state, "title": emergency.title}
    for area_id in emergency.area_ids:
        detail = {**about, "passed_over": _passed_over(session, emergency, area_id)}
        audit.record(session, actor, action, "emergency", emergency.id, area_id, now, detail)
        changes.note(session, "emergency", emergency.id, area_id, now)


def _passed_over(session: Session, emergency: Emergency, area_id: str) -> list[dict[str, str]]:
    """The area's rules that its soundings break, in both languages: it airs all the same."""
    if emergency.state is not EmergencyState.ACTIVE:
        return []
    dated = select(Airing).where(Airing.emergency_id == emergency.id)
    spans = [Span(airing.starts_at, airing.ends_at) for airing in session.scalars(dated)]
    here = areas.effective(session, area_id)
    broken = violations(here.policy, here.timezone, spans)
    return [{"vi": each.vi, "en": each.en} for each in broken]
