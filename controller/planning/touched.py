"""Which areas' documents speak of a schedule: those to be said anew when it changes."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from controller.models import Airing, AiringWithheld, Schedule
from controller.territory.places import Tree


def areas_touched(session: Session, schedule: Schedule, tree: Tree) -> frozenset[str]:
    """The areas whose documents speak of it: its own, those below in which it is withheld, and
    those below that add their own outro."""
    own = frozenset(area.area_id for area in schedule.areas)
    withheld_in = (
        select(AiringWithheld.area_id).join(Airing).where(Airing.schedule_id == schedule.id)
    )
    own |= frozenset(session.scalars(withheld_in.distinct()))
    if schedule.programme.outro is None:
        return own
    return own | {each for each in tree.open_below(own) if tree.areas[each].group}
