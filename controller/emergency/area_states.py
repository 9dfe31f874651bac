"""What holds in an area until further notice, built from the rows: emergencies, stop, mute."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from controller.emergency import emergencies
from controller.models import Airing, AreaOrder, Emergency, EmergencyState
from controller.planning import versions
from protocol.codec import from_json
from protocol.messages import Airing as SaidAiring
from protocol.messages import AreaState, Part
from protocol.outcomes import AiringClass, Origin

# As many fit into one message however long their titles are; it is never to stop a cancellation.
MOST_SOUNDINGS = 120
STOP_KEPT = timedelta(days=1)  # nothing that began before it sounds longer than that


def area_state(session: Session, area_id: str, now: datetime) -> AreaState:
    """The state to retain on the area's topic; `revision` is the publisher's."""
    here = [each for each in emergencies.running(session, now) if area_id in each.area_ids]
    active = [each for each in here if each.state is EmergencyState.ACTIVE]
    cancelled = [each for each in here if each.state is EmergencyState.CANCELLED]
    order = session.get(AreaOrder, area_id)
    stopped_at = order.stopped_at if order else None
    return AreaState(
        area_id=area_id,
        airings=_bounded([said for each in active for said in soundings(session, each)], now),
        cancelled=(
            *(row.id for each in cancelled for row in _rows(session, each)),
            *sorted(versions.withdrawn_while_sounding(session, now, area_id)),
        ),
        stopped_at=stopped_at if stopped_at and stopped_at > now - STOP_KEPT else None,
        muted_until=order.muted_until
        if order and order.muted_until and order.muted_until > now
        else None,
    )


def _bounded(said: list[SaidAiring], now: datetime) -> tuple[SaidAiring, ...]:
    """All of them; of too many those that come next, the others when the state is said again."""
    if len(said) <= MOST_SOUNDINGS:
        return tuple(said)
    coming = [each for each in said if each.starts_at + timedelta(seconds=each.late_s) > now]
    return tuple(sorted(coming, key=lambda each: each.starts_at)[:MOST_SOUNDINGS])


def soundings(session: Session, emergency: Emergency) -> list[SaidAiring]:
    """Its first sounding and its repeats, as nodes are told."""
    parts = tuple(from_json(Part, data) for data in emergency.parts)
    return [
        SaidAiring(
            airing_id=row.id,
            starts_at=row.starts_at,
            class_=AiringClass.EMERGENCY,
            origin=Origin.EMERGENCY,
            title=emergencies.sounding_title(emergency),
            late_s=row.late_s,
            parts=parts,
        )
        for row in _rows(session, emergency)
    ]


def _rows(session: Session, emergency: Emergency) -> list[Airing]:
    query = select(Airing).where(Airing.emergency_id == emergency.id)
    return list(session.scalars(query.order_by(Airing.starts_at)))
