"""Areas: the tree of administrative units, and what each inherits from those above it.

Looking them up only: adding and changing them is `area_edits`, which the plan must follow.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Integer, literal_column, select
from sqlalchemy.orm import Session

from controller.accounts.access import Action, Actor, below, require, require_role, visible_areas
from controller.calendar.policy import Policy, inherit
from controller.calendar.rules import sources_of
from controller.errors import NotFound
from controller.models import Area
from controller.paging import Page, beyond, limited, page_of

DEFAULT_TIMEZONE = "Asia/Ho_Chi_Minh"
DEFAULT_LANGUAGES = ("vi",)


@dataclass(frozen=True, slots=True)
class Effective:
    """What holds in an area, inherited key by key from the areas above."""

    timezone: str
    languages: tuple[str, ...]
    policy: Policy


def get(session: Session, actor: Actor, area_id: str, action: Action = Action.VIEW) -> Area:
    """The area, within the actor's own. Raises NotFound, NotAllowed."""
    require(session, actor, action, area_id)
    return known(session, area_id)


def known(session: Session, area_id: str) -> Area:
    """The area, whoever asks. Raises NotFound."""
    area = session.get(Area, area_id)
    if area is None:
        raise NotFound("area")
    return area


def page(
    session: Session, actor: Actor, *, limit: int | None = None, cursor: str | None = None
) -> Page[Area]:
    """Open areas within the actor's own, by name."""
    require_role(actor, Action.VIEW)
    limit = limited(limit)
    query = select(Area).where(Area.closed_at.is_(None))
    own = visible_areas(session, actor)
    if own is not None:
        query = query.where(Area.id.in_(own))
    if cursor:
        query = query.where(beyond([Area.name, Area.id], cursor))
    rows = session.scalars(query.order_by(Area.name, Area.id).limit(limit + 1)).all()
    return page_of(rows, limit, lambda area: (area.name, area.id))


def path(session: Session, area_id: str) -> tuple[str, ...]:
    """The ids from the root to this area; empty when there is no such area."""
    steps = literal_column("0", Integer).label("steps")
    up = select(Area.id, Area.parent_id, steps).where(Area.id == area_id).cte("up", recursive=True)
    step = select(Area.id, Area.parent_id, up.c.steps + 1).join(up, Area.id == up.c.parent_id)
    up = up.union_all(step)
    return tuple(session.scalars(select(up.c.id).order_by(up.c.steps.desc())))


def reaching(session: Session, actor: Actor) -> frozenset[str] | None:
    """What concerns the actor: their areas, all below, and those above; None for everywhere."""
    own = visible_areas(session, actor)
    if own is None:
        return None
    return own.union(*(path(session, area_id) for area_id in actor.area_ids))


def subtree(session: Session, area_ids: Iterable[str]) -> frozenset[str]:
    """These areas and all below them."""
    return below(session, list(area_ids))


def effective(session: Session, area_id: str) -> Effective:
    """What holds in an area. Raises NotFound."""
    ids = path(session, area_id)
    if not ids:
        raise NotFound("area")
    known = {area.id: area for area in session.scalars(select(Area).where(Area.id.in_(ids)))}
    return inherited([known[each] for each in ids])


def inherited(from_root: Collection[Area]) -> Effective:
    """What holds at the end of a path of areas, root first."""
    policy: dict[str, Any] = {}
    timezone, languages = DEFAULT_TIMEZONE, DEFAULT_LANGUAGES
    for area in from_root:
        policy = inherit(policy, area.policy)
        timezone = area.timezone or timezone
        languages = tuple(area.languages) if area.languages else languages
    sources = sources_of(area.policy for area in from_root)
    return Effective(timezone, languages, replace(Policy.from_json(policy), sources=sources))
