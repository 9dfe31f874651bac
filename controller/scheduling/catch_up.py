"""Phát bù: what villages missed is played to just those villages again, once.

One tap (`play_again`) makes a one-off of the same programme in the areas of the nodes that missed
it, at the first free time inside their permitted hours. Programme and areas were approved before,
so it needs no second approval; an expired clip is never caught up. Where a schedule says so
(`exceptions.catch_up`), `run` does it without the tap.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, selectinload

from controller.accounts.access import SYSTEM, Action, Actor
from controller.calendar.conflicts import Busy, Timeline
from controller.calendar.policy import Span
from controller.calendar.wall import to_local, zone
from controller.errors import Conflict, ControllerError
from controller.fleet import nodes
from controller.models import (
    Airing,
    AiringArea,
    Approval,
    Device,
    DeviceBinding,
    Playback,
    Schedule,
)
from controller.planning import airings
from controller.planning.free_slots import FreeSlots, ruled_places
from controller.scheduling.schedules import ItemInput, ScheduleInput, create, get, put_on_air, told
from controller.territory.places import Tree
from protocol.outcomes import AiringClass, Outcome

MISSED = (Outcome.MISSED, Outcome.INTERRUPTED, Outcome.PARTIAL)
_LEAD = timedelta(minutes=10)  # clips and documents reach the nodes in this time
_WITHIN = timedelta(days=2)  # later than that it is no catching up
_STEP_S = 300
_MOST_TRIES = 3  # by itself
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class CatchUp:
    """What a tap would do: where (areas of the nodes that missed it) and when.

    A whole village hears it: `hear_twice` nodes there that had played it.
    """

    airing_id: str
    area_ids: tuple[str, ...]
    node_ids: tuple[str, ...]
    starts_at: datetime
    hear_twice: int = 0


def suggest(session: Session, actor: Actor, airing_id: str, now: datetime) -> CatchUp:
    """Raises Conflict when nobody missed it, it was caught up, or no time or clip is left."""
    airing, _ = _original(session, actor, airing_id)
    _refuse_second(session, airing.id)
    missed = _who_missed(session, airing, now)
    if not missed:
        raise _no("nobody_missed", "Không nơi nào bỏ lỡ lượt này.", "Nobody missed this airing.")
    areas = tuple(sorted(set(missed.values())))
    start = _first_time(session, areas, airing.ends_at - airing.starts_at, now)
    if start is None:
        raise _no(
            "no_time",
            "Trong hai ngày tới không còn giờ trống được phép phát: hãy lập lịch mới.",
            "No free permitted time is left in the next two days: make a new schedule.",
        )
    if not airings.parts_of(session, airing, start):
        raise _no(
            "clip_expired",
            "Tệp âm thanh đã hết hạn hoặc bị thu hồi nên không phát bù.",
            "The clip has expired or was withdrawn: it is not caught up.",
        )
    there = {node.id for node in nodes.nodes_in(session, areas, now)}
    twice = len(there - missed.keys())
    return CatchUp(airing.id, areas, tuple(sorted(missed)), start, twice)


def play_again(session: Session, actor: Actor, airing_id: str, now: datetime) -> Schedule:
    """Put the catch-up on the air. Raises as `suggest`, and NotAllowed."""
    return _put_again(session, actor, suggest(session, actor, airing_id, now), now)


def _put_again(
    session: Session, actor: Actor, found: CatchUp, now: datetime, by_itself: int = 0
) -> Schedule:
    """`by_itself`: which try it is; 0: somebody tapped."""
    airing_id = found.airing_id
    _, original = _original(session, actor, airing_id)
    schedule, _ = create(session, actor, _data(original, found), now)
    tries = {"catch_up_try": by_itself} if by_itself else {}
    schedule.rule = {**schedule.rule, "catch_up_of": airing_id, **tries}
    if schedule.status != Approval.APPROVED:
        schedule.status = Approval.APPROVED
        schedule.decided_by, schedule.decided_at = actor.user_id, now
    session.flush()
    detail = {"airing_id": airing_id, "nodes": list(found.node_ids)}
    told(session, actor, "catch_up", schedule, now, detail)
    put_on_air(session, actor, schedule, now)
    return schedule


def run(session: Session, now: datetime) -> list[str]:
    """Catch up what schedules want caught up by themselves; returns the new schedules' ids.

    One that is missed in its turn is tried again once a node that missed it is heard of.
    """
    tries = Schedule.rule["catch_up_try"].as_integer()
    query = (
        select(Airing, tries)
        .join(Schedule, Schedule.id == Airing.schedule_id)
        .where(
            Airing.settled_at.is_not(None),
            Airing.starts_at > now - _WITHIN,
            Schedule.deleted_at.is_(None),
            Schedule.paused_at.is_(None),
            Schedule.status == Approval.APPROVED,
            or_(
                Schedule.rule["exceptions"]["catch_up"].as_boolean().is_(True),
                tries < _MOST_TRIES,
            ),
        )
        .order_by(Airing.starts_at)
    )
    made = []
    for airing, tried in session.execute(query).all():
        try:
            with session.begin_nested():
                found = suggest(session, SYSTEM, airing.id, now)
                if tried and not _heard_of(session, found.node_ids):
                    continue
                again = _put_again(session, SYSTEM, found, now, by_itself=(tried or 0) + 1)
                made.append(again.id)
        except ControllerError:
            continue  # nobody missed it, or it was caught up, or there is no time: all are fine
    return made


def _original(session: Session, actor: Actor, airing_id: str) -> tuple[Airing, Schedule]:
    airing = airings.get(session, actor, airing_id)
    if airing.schedule_id is None or airing.class_ == AiringClass.EMERGENCY:
        raise _no(
            "not_a_schedule",
            "Chỉ phát bù được lượt phát theo lịch.",
            "Only an airing of a schedule can be caught up.",
        )
    return airing, get(session, actor, airing.schedule_id, Action.VIEW)


def _who_missed(session: Session, airing: Airing, now: datetime) -> dict[str, str]:
    """Node id → its area now, of the nodes on which the airing did not sound whole."""
    query = select(Playback.node_id).where(
        Playback.airing_id == airing.id, Playback.outcome.in_(MISSED)
    )
    return nodes.areas_of(session, list(session.scalars(query)), now)


def _heard_of(session: Session, node_ids: Sequence[str]) -> bool:
    """Whether the hardware of one of them is on line."""
    query = (
        select(DeviceBinding.node_id)
        .join(Device, Device.id == DeviceBinding.device_id)
        .where(
            DeviceBinding.node_id.in_(node_ids),
            DeviceBinding.until_at.is_(None),
            Device.online.is_(True),
        )
    )
    return session.scalar(query.limit(1)) is not None


def _refuse_second(session: Session, airing_id: str) -> None:
    again = Schedule.rule["catch_up_of"].as_string() == airing_id
    if session.scalar(select(Schedule.id).where(again, Schedule.deleted_at.is_(None)).limit(1)):
        raise _no(
            "caught_up",
            "Lượt này đã được phát bù hoặc sắp phát bù.",
            "This airing has been caught up, or is about to be.",
        )


def _first_time(
    session: Session, area_ids: Sequence[str], length: timedelta, now: datetime
) -> datetime | None:
    tree = Tree.load(session)
    soon = now + _LEAD
    start = soon + timedelta(seconds=-soon.timestamp() % _STEP_S)  # a round time
    query = (
        select(Airing)
        .where(
            Airing.id.in_(
                select(AiringArea.airing_id).where(AiringArea.area_id.in_(tree.around(area_ids)))
            ),
            Airing.cancelled_at.is_(None),
            Airing.withheld.is_(None),
            Airing.starts_at > now - _DAY,  # limits count whole days
            Airing.starts_at < start + _WITHIN + _DAY,
        )
        .options(selectinload(Airing.areas))
    )
    there = list(session.scalars(query))
    places = [{area.area_id for area in airing.areas} for airing in there]

    def sounding_in(path: Iterable[str]) -> frozenset[int]:
        wanted = set(path)
        return frozenset(i for i, place in enumerate(places) if place & wanted)

    busy = [Busy(a.starts_at, a.ends_at, i) for i, a in enumerate(there)]
    ruled = ruled_places(area_ids, tree, sounding_in)
    slots = FreeSlots.of(area_ids, tree, Timeline.of(busy), ruled, now)
    return slots.next(Span(start, start + length), _WITHIN)


def _data(original: Schedule, found: CatchUp) -> ScheduleInput:
    items = [ItemInput(i.clip_id, i.times, i.gap_s) for i in original.programme.items]
    at = to_local(found.starts_at, zone(original.timezone))
    return ScheduleInput(
        title=f"Phát bù: {original.title.removeprefix('Phát bù: ')}",
        items=items,
        area_ids=list(found.area_ids),
        starts_at=at.isoformat(),
        class_=AiringClass(original.class_),
        late_s=original.late_s,
        tune=original.programme.tune,
        outro=original.programme.outro,
    )


def _no(code: str, vi: str, en: str) -> Conflict:
    return Conflict(code, vi, en)
