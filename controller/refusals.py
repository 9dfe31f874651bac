"""What the controller refused of all that came in from devices, by reason, over the years.

Counted by ingest in its own transactions, shown to who administers everything. A reason is one of
the protocol's (protocol.errors.RefusalReason), `malformed`, or ingest's own: `claim` (a proof that
fits no open code), `too_many_claims`, `queue_full`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from controller.models import Setting

_NAME: Final = "refused"


@dataclass(frozen=True, slots=True)
class Refusals:
    """`counts`: reason → how often, `since` when, and when the last one was."""

    counts: Mapping[str, int]
    since: datetime
    last_at: datetime

    @property
    def total(self) -> int:
        return sum(self.counts.values())


def add(session: Session, news: Mapping[str, int], now: datetime) -> None:
    """Add to what is known; several processes may."""
    row = session.get(Setting, _NAME, with_for_update=True)
    if row is None:
        row = Setting(name=_NAME, value={"counts": {}, "since": now.isoformat()})
        session.add(row)
    counts = dict(row.value["counts"])
    for reason, number in news.items():
        counts[reason] = counts.get(reason, 0) + number
    row.value = {**row.value, "counts": counts, "last_at": now.isoformat()}


def known(session: Session) -> Refusals | None:
    """None where nothing was ever refused."""
    row = session.get(Setting, _NAME)
    if row is None:
        return None
    since, last_at = (datetime.fromisoformat(row.value[name]) for name in ("since", "last_at"))
    return Refusals(dict(row.value["counts"]), since, last_at)
