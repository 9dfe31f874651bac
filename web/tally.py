"""How airings ended, counted per airing: one query for a day's list instead of its every row."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from controller.models import Playback


@dataclass(frozen=True, slots=True)
class Tally:
    """Nodes by outcome ("" is on the air)."""

    counts: dict[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def played(self) -> int:
        return self.counts.get("played", 0)

    @property
    def sounding(self) -> int:
        return self.counts.get("", 0)

    @property
    def silent(self) -> int:
        """Nodes that said they will not play, or stopped before the end."""
        return self.total - self.played - self.sounding

    @property
    def stopped(self) -> int:
        return self.counts.get("stopped", 0)

    @property
    def failed(self) -> int:
        """Nodes where people heard less than they should have."""
        return sum(self.counts.get(code, 0) for code in ("missed", "partial", "interrupted"))


def of_airings(
    session: Session, airing_ids: Iterable[str], node_ids: Iterable[str] | None = None
) -> dict[str, Tally]:
    """Airing id → tally over all nodes, or over those given; unreported airings are left out."""
    query = (
        select(Playback.airing_id, Playback.outcome, func.count())
        .where(Playback.airing_id.in_(list(airing_ids)))
        .group_by(Playback.airing_id, Playback.outcome)
    )
    if node_ids is not None:
        query = query.where(Playback.node_id.in_(list(node_ids)))
    found: dict[str, Tally] = {}
    for airing_id, outcome, count in session.execute(query):
        found.setdefault(airing_id, Tally()).counts[outcome or ""] = count
    return found
