"""The roll of clusters, the longest silent first, a page at a time: right over ten thousand too.

Silent ones come first, then those never claimed, then those connected; filters and order are the
database's, so that a page costs the same in a commune and in a country.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, case, func, literal, or_, select, type_coerce
from sqlalchemy.orm import Session

from controller.accounts.access import Action, Actor, require_role, visible_areas
from controller.fleet import nodes
from controller.fleet.nodes import NodeView, at_time
from controller.models import Device, DeviceBinding, Node, NodeMembership, UtcDateTime
from controller.paging import MAX_LIMIT, Page, beyond, cursor_of, limited

_LONG_AGO: Final = datetime(2000, 1, 1, tzinfo=UTC)
_MOST_LOOKED_AT: Final = 2000  # rows for one page, where a condition is not the database's

_ONLINE: Final = 2
_RANK: Final = case((Device.id.is_(None), 1), (Device.online, _ONLINE), else_=0)
_SINCE: Final = type_coerce(
    case(
        (and_(Device.online.is_(False), Device.last_seen_at.is_not(None)), Device.last_seen_at),
        else_=literal(_LONG_AGO, UtcDateTime()),
    ),
    UtcDateTime(),
)
_KEY: Final = (_RANK, _SINCE, Node.code)

# (name, code, area id, card) of a node → whether it is meant.
Meant = Callable[[str, str, str | None, dict[str, Any]], bool]


@dataclass(frozen=True, slots=True)
class Asked:
    """Which clusters. `since`: those that fell silent then or later; `days`: silent that long."""

    since: datetime | None = None
    days: int | None = None
    among: Collection[str] | None = None  # ids, as from `named`
    also: Callable[[Sequence[NodeView]], Collection[str]] | None = None  # ids of those to keep


@dataclass(frozen=True, slots=True)
class Counted:
    """How many there are, and how many of them are connected."""

    total: int
    online: int


def named(session: Session, actor: Actor, meant: Meant, now: datetime) -> list[str]:
    """Ids by words: names are compared without accents, which no database does."""
    query = (
        select(Node.id, Node.name, Node.code, NodeMembership.area_id, Node.card)
        .join(NodeMembership)
        .where(Node.retired_at.is_(None), at_time(now))
    )
    own = visible_areas(session, actor)
    if own is not None:
        query = query.where(NodeMembership.area_id.in_(own))
    return [row[0] for row in session.execute(query) if meant(row[1], row[2], row[3], row[4] or {})]


def counted(session: Session, actor: Actor, asked: Asked, now: datetime) -> Counted:
    """Of all that are asked for, whatever `also` would say of each."""
    query = _rows(
        session, actor, asked, now, func.count(), func.sum(case((_RANK == 2, 1), else_=0))
    )
    total, connected = session.execute(query).one()
    return Counted(total, connected or 0)


def page(
    session: Session,
    actor: Actor,
    asked: Asked,
    now: datetime,
    *,
    limit: int | None = None,
    cursor: str | None = None,
) -> Page[NodeView]:
    """The next clusters; a page may be short of `limit` before the last where `also` is asked."""
    limit = limited(limit)
    base = _rows(session, actor, asked, now, Node, *_KEY[:2]).order_by(*_KEY)
    found: list[NodeView] = []
    at_once = limit if asked.also is None else MAX_LIMIT
    for _ in range(_MOST_LOOKED_AT // MAX_LIMIT):
        query = base.where(beyond(_KEY, cursor)) if cursor else base
        rows = session.execute(query.limit(at_once + 1)).all()
        views = nodes.views(session, [row[0] for row in rows[:at_once]], now)
        kept = {view.node.id for view in views} if asked.also is None else asked.also(views)
        for view, row in zip(views, rows, strict=False):
            cursor = cursor_of(row[1], row[2], row[0].code)
            if view.node.id in kept:
                found.append(view)
            if len(found) == limit:
                return Page(found, cursor if row is not rows[-1] else None)
        if len(rows) <= at_once:
            return Page(found, None)
    return Page(found, cursor)


def _rows(
    session: Session, actor: Actor, asked: Asked, now: datetime, *columns: Any
) -> Select[Any]:
    require_role(actor, Action.VIEW)
    query = select(*columns).select_from(Node).where(Node.retired_at.is_(None))
    query = query.outerjoin(DeviceBinding, _bound_at(now)).outerjoin(
        Device, Device.id == DeviceBinding.device_id
    )
    own = visible_areas(session, actor)
    if own is not None:
        query = query.where(Node.id.in_(_members(own, now)))
    if asked.among is not None:
        query = query.where(Node.id.in_(asked.among))
    silent = Device.online.is_(False)
    if asked.since is not None:
        query = query.where(silent, Device.last_seen_at >= asked.since)
    if asked.days is not None:
        query = query.where(silent, Device.last_seen_at <= now - timedelta(days=asked.days))
    return query


def _bound_at(now: datetime) -> ColumnElement[bool]:
    open_ = or_(DeviceBinding.until_at.is_(None), DeviceBinding.until_at > now)
    return and_(DeviceBinding.node_id == Node.id, DeviceBinding.from_at <= now, open_)


def _members(own: frozenset[str], now: datetime) -> Select[Any]:
    return select(NodeMembership.node_id).where(at_time(now), NodeMembership.area_id.in_(own))
