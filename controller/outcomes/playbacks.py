"""The playback log as people read it: planned beside played, filtered, a page at a time.

Rows are written by ingest and by the watch for silence; here they are only asked for.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, and_, select
from sqlalchemy.orm import Session

from controller.accounts.access import Action, Actor, below, require, require_role, visible_areas
from controller.errors import NotFound
from controller.fleet.nodes import at_time
from controller.models import Airing, Node, NodeMembership, Playback
from controller.paging import Page, beyond, limited, page_of
from protocol.outcomes import Outcome

_ROWS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class PlaybackFilters:
    """What of the log to show; `from_` <= planned < `until`."""

    from_: datetime | None = None
    until: datetime | None = None
    node_id: str | None = None
    area_id: str | None = None
    airing_id: str | None = None
    outcome: Outcome | None = None
    unheard: bool = False  # only what played and was not heard


@dataclass(frozen=True, slots=True)
class PlaybackView:
    """A row of the log: what was planned beside what happened."""

    playback: Playback
    node: Node
    airing: Airing | None  # None: a report of an airing this database does not know
    area_id: str | None  # where the node belonged when it was planned

    @property
    def unheard(self) -> bool:
        """Played, says the node, and its microphone heard nothing of it: a fault to look into."""
        return self.playback.outcome is Outcome.PLAYED and self.playback.heard_ms == 0


_Row = tuple[Playback, Node, Airing | None, str | None]


def page(
    session: Session,
    actor: Actor,
    filters: PlaybackFilters,
    *,
    limit: int | None = None,
    cursor: str | None = None,
) -> Page[PlaybackView]:
    """Newest first."""
    limit = limited(limit)
    query = _filtered(session, actor, filters)
    key = (Playback.planned_at, Playback.airing_id, Playback.node_id)
    if cursor:
        query = query.where(beyond(key, cursor, descending=True))
    rows = session.execute(query.limit(limit + 1)).all()
    views = [PlaybackView(*row) for row in rows]
    return page_of(views, limit, _key)


def one(session: Session, actor: Actor, airing_id: str, node_id: str) -> PlaybackView:
    """How one airing ended on one node. Raises NotFound."""
    filters = PlaybackFilters(airing_id=airing_id, node_id=node_id)
    found = page(session, actor, filters, limit=1).items
    if not found:
        raise NotFound("playback")
    return found[0]


def rows(session: Session, actor: Actor, filters: PlaybackFilters) -> Iterator[PlaybackView]:
    """All of them, newest first, streamed for CSV and XLSX."""
    query = _filtered(session, actor, filters)
    streamed = session.execute(query, execution_options={"yield_per": _ROWS_AT_ONCE})
    return (PlaybackView(*row) for row in streamed)


def _filtered(
    session: Session, actor: Actor, filters: PlaybackFilters
) -> Select[Playback, Node, Airing | None, str | None]:
    require_role(actor, Action.VIEW)
    held = and_(NodeMembership.node_id == Playback.node_id, at_time(Playback.planned_at))
    query = (
        select(Playback, Node, Airing, NodeMembership.area_id)
        .join(Node, Node.id == Playback.node_id)
        .outerjoin(Airing, Airing.id == Playback.airing_id)
        .outerjoin(NodeMembership, held)
        .order_by(Playback.planned_at.desc(), Playback.airing_id.desc(), Playback.node_id.desc())
    )
    areas = visible_areas(session, actor)
    if filters.area_id is not None:
        require(session, actor, Action.VIEW, filters.area_id)
        areas = below(session, [filters.area_id])
    if areas is not None:
        query = query.where(NodeMembership.area_id.in_(areas))
    if filters.from_ is not None:
        query = query.where(Playback.planned_at >= filters.from_)
    if filters.until is not None:
        query = query.where(Playback.planned_at < filters.until)
    if filters.unheard:
        query = query.where(Playback.outcome == Outcome.PLAYED, Playback.heard_ms == 0)
    for column, wanted in (
        (Playback.node_id, filters.node_id),
        (Playback.airing_id, filters.airing_id),
        (Playback.outcome, filters.outcome),
    ):
        if wanted is not None:
            query = query.where(column == wanted)
    return query


def _key(view: PlaybackView) -> tuple[datetime, str, str]:
    row = view.playback
    return row.planned_at, row.airing_id, row.node_id
