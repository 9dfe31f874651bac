"""What will play tonight in one village: everything that sounds there until the morning."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from sqlalchemy.orm import Session

from controller.accounts.access import Actor
from controller.calendar.policy import Window, windows
from controller.calendar.wall import to_local, to_utc, zone
from controller.models import Airing, Area
from controller.planning import airings
from controller.planning.airings import AiringView
from controller.planning.withholding import here, permitted_anywhere, verdict_of
from controller.territory import areas
from controller.territory.places import Tree
from protocol.outcomes import AiringClass

MORNING = time(8)


@dataclass(frozen=True, slots=True)
class Tonight:
    """What sounds in a place until `until`, and when it may (None: no hours rule).

    Airings that the rules forbid in all of the place by now are not among them.
    """

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
    return Tonight(area, until, _heard(session, found.items, area_id), hours)


def _heard(session: Session, found: Sequence[AiringView], area_id: str) -> list[AiringView]:
    tree = Tree.load(session)
    paths = [tree.path(each) for each in tree.open_below([area_id])]
    ordinary = [v.airing for v in found if v.airing.class_ != AiringClass.EMERGENCY]
    permitted = {airing.id for airing in permitted_anywhere(ordinary, [area_id], tree)}

    def sounds(airing: Airing) -> bool:
        if airing.class_ == AiringClass.EMERGENCY:
            return True
        verdict = verdict_of(airing)
        return airing.id in permitted and any(here(verdict, path) is None for path in paths)

    return [view for view in found if sounds(view.airing)]
