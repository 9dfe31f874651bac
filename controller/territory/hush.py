"""An area kept silent until a time: nothing but emergencies begins there.

A village head may ask for it in their own village (a funeral, a loudspeaker that squeals); nodes
learn it from the retained state of the area. What the commune ordered only the commune takes back.
"""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.orm import Session

from controller import changes
from controller.accounts import audit
from controller.accounts.access import Action, Actor, may, require
from controller.errors import BadInput, NotAllowed
from controller.models import AreaOrder
from controller.territory import areas

LONGEST: Final = timedelta(days=31)


def until(
    session: Session, actor: Actor, area_id: str, now: datetime, end: datetime | None
) -> None:
    """Mute until `end`; None: let it sound again. Raises BadInput, NotAllowed, NotFound."""
    require(session, actor, Action.HUSH, area_id)
    areas.get(session, actor, area_id)
    _check(end, now)
    order = session.get(AreaOrder, area_id) or AreaOrder(area_id=area_id)
    if not may_change(actor, order, now):
        raise NotAllowed(
            "muted_by_others",
            "Nơi này đang được xã tắt tiếng: hãy gọi xã để bật lại.",
            "The commune has muted this place: call the commune to lift it.",
        )
    order.muted_until, order.ordered_at, order.ordered_by = end, now, actor.user_id
    session.add(order)
    detail = {"mute_until": end.isoformat() if end else None}
    audit.record(session, actor, "area.mute", "area", area_id, area_id, now, detail)
    changes.note(session, "area", area_id, area_id, now)


def may_change(actor: Actor, order: AreaOrder | None, now: datetime) -> bool:
    """Whether the actor may lift or move the mute that holds: their own, or any for editors."""
    holds = order is not None and order.muted_until is not None and order.muted_until > now
    if not holds or may(actor, Action.SCHEDULE):
        return True
    return order is not None and order.ordered_by == actor.user_id


def _check(end: datetime | None, now: datetime) -> None:
    if end is not None and not now < end <= now + LONGEST:
        raise BadInput(
            {
                "until": (
                    "Hãy chọn một lúc sắp tới, không quá 31 ngày.",
                    "Choose a time to come, within 31 days.",
                )
            }
        )
