"""Airings judged anew when something else changed: rules, a recording's length, room that is free.

Each finds the schedules concerned, brings their airings in line, and has the documents said.
"""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from controller import commands
from controller.accounts.access import SYSTEM
from controller.commands import CommandKind
from controller.models import Airing, Approval, Clip, ProgrammeItem, Schedule
from controller.planning import airings
from controller.planning.touched import areas_touched
from controller.territory.places import Tree


def recheck(
    session: Session, area_ids: Iterable[str], now: datetime, *, with_outro: bool = False
) -> int:
    """After rules changed in these areas: all that can sound there, judged anew at once.

    `with_outro`: only what ends with words of a Group, where no more than the Group changed.
    """
    tree = Tree.load(session)
    ids = airings.on_air(session, tree.around(area_ids), with_outro=with_outro)
    return _expand_and_tell(session, ids, now, tree)


def let_in(session: Session, area_ids: Iterable[str], now: datetime, tree: Tree) -> int:
    """After something went from these areas: what limits withheld there may have room now."""
    ids = airings.on_air(session, tree.around(area_ids))
    held = (
        select(Airing.schedule_id)
        .where(
            Airing.schedule_id.in_(ids),
            Airing.starts_at > now,
            Airing.cancelled_at.is_(None),
            or_(Airing.withheld.is_not(None), Airing.exempt.any()),
        )
        .distinct()
    )
    waiting = set(session.scalars(held)) if ids else set()
    return _expand_and_tell(session, [each for each in ids if each in waiting], now, tree)


def _expand_and_tell(
    session: Session, schedule_ids: Iterable[str], now: datetime, tree: Tree
) -> int:
    touched: set[str] = set()
    changed = 0
    for schedule_id in schedule_ids:
        schedule = session.get_one(Schedule, schedule_id)
        rows = airings.expand(session, schedule, now, tree=tree)
        touched |= areas_touched(session, schedule, tree) if rows else frozenset()
        changed += rows
    if touched:
        body = {"area_ids": sorted(touched)}
        commands.ask(session, CommandKind.SCHEDULES_CHANGED, body, SYSTEM, now)
    return changed


def expand_for_clip(session: Session, clip_id: str, now: datetime) -> list[str]:
    """Expand the schedules that use a clip (or its original): lengths may have changed.

    Returns the areas whose documents speak of it.
    """
    clip = session.get_one(Clip, clip_id)
    ids = [clip.id, clip.translation_of] if clip.translation_of else [clip.id]
    programmes = select(ProgrammeItem.programme_id).where(ProgrammeItem.clip_id.in_(ids))
    query = select(Schedule).where(
        Schedule.programme_id.in_(programmes),
        Schedule.status == Approval.APPROVED,
        Schedule.deleted_at.is_(None),
    )
    tree = Tree.load(session)
    touched, longer = set[str](), set[str]()
    for schedule in session.scalars(query).all():
        if airings.expand(session, schedule, now, tree=tree):
            longer |= {area.area_id for area in schedule.areas}
        touched |= areas_touched(session, schedule, tree)
    if longer:  # what else counts minutes there may have to give way
        recheck(session, longer, now)
    return sorted(touched)
