"""What will play tonight in one village: everything that sounds there until the morning."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from sqlalchemy.orm import Session

from controller import airings, areas
from controller.access import Actor
from controller.airings import AiringView
from controller.calendar.policy import Window, windows
from controller.calendar.wall import to_local, to_utc, zone
from controller.models import Area

MORNING = time(8)


@dataclass(frozen=True, slots=True)
class Tonight:
    """The airings of a place until `until`, and when it may sound (None: no hours rule)."""

    area: Area
    until: datetime
    airings: list[AiringView]
    hours: tuple[Window, ...] | None


def tonight(session: Session, actor: Actor, area_id: str, now: datetime) -> Tonight:
    """From now until the next morning at eight, by the area's own clock. Raises NotFound."""
    area = areas.get(session, actor, area_id)
    effective = areas.effective(session, area_id)
    tz = zone(effective.timezone)
    local = to_local(now, tz)
    day = local.date() if local.time() < MORNING else local.date() + timedelta(days=1)
    until = to_utc(datetime.combine(day, MORNING), tz)
    found = airings.page(
        session, actor, now=now, from_=now, until=until, area_id=area_id, limit=500
    )
    hours = windows(effective.policy, effective.timezone, now, until)
    return Tonight(area, until, found.items, hours)
