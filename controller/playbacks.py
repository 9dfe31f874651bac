"""The playback log's queries. (Signatures; filled in next.)"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from controller.access import Actor
from controller.errors import NotBuilt
from controller.models import Airing, Node, Playback
from controller.paging import Page
from protocol.outcomes import Outcome


@dataclass(frozen=True, slots=True)
class PlaybackFilters:
    from_: datetime | None = None
    until: datetime | None = None
    node_id: str | None = None
    area_id: str | None = None
    airing_id: str | None = None
    outcome: Outcome | None = None


@dataclass(frozen=True, slots=True)
class PlaybackView:
    """A row of the log: what was planned beside what happened."""

    playback: Playback
    node: Node
    airing: Airing | None  # None: a report of an airing this database does not know
    area_id: str | None


def page(
    session: Session,
    actor: Actor,
    filters: PlaybackFilters,
    *,
    limit: int | None = None,
    cursor: str | None = None,
) -> Page[PlaybackView]:
    """Newest first."""
    raise NotBuilt("playbacks")


def rows(session: Session, actor: Actor, filters: PlaybackFilters) -> Iterator[PlaybackView]:
    """All of them, newest first, streamed for CSV and XLSX."""
    raise NotBuilt("playbacks")
