"""What the controller refused of all that came in from devices, by reason, over the years.

Counted by ingest in its own transactions, shown to who administers everything. A reason is one of
the protocol's (protocol.errors.RefusalReason), `malformed`, or ingest's own: `claim` (a proof that
fits no open code), `too_many_claims`, `queue_full`,
`not_understood` (reports of a later version: kept, and counted here).
"""

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from controller import database
from controller.models import Setting

_log = logging.getLogger(__name__)
_NAME: Final = "refused"
_KEPT_EVERY_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Refusals:
    """`counts`: reason → how often, `since` when, and when the last one was."""

    counts: Mapping[str, int]
    since: datetime
    last_at: datetime

    @property
    def total(self) -> int:
        return sum(self.counts.values())


class Book:
    """What one process has refused since it started: `counts`, kept in the database by `keep`."""

    def __init__(
        self, engine: Engine, clock: Callable[[], datetime], monotonic: Callable[[], float]
    ) -> None:
        self.counts: Counter[str] = Counter()
        self._kept: Counter[str] = Counter()
        self._engine = engine
        self._clock = clock
        self._monotonic = monotonic
        self._kept_s = monotonic()

    def keep(self) -> None:
        """Once a second at most, however many messages somebody sends us."""
        news = self.counts - self._kept
        if not news or self._monotonic() - self._kept_s < _KEPT_EVERY_S:
            return
        self._kept_s = self._monotonic()
        try:
            with database.transaction(self._engine) as session:
                add(session, news, self._clock())
        except OperationalError as error:
            _log.error("refusals cannot be counted now: %s", error.orig)
            return
        self._kept += news


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
