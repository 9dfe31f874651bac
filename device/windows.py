"""What policy permits: the dated windows of the node's own area, and nothing outside them.

Everything but an emergency fails closed: no document, a day without a page, beyond the dated
range, or a programme that would run past a window's end.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from protocol.messages import DayPage, Window

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Hours:
    """The permitted spans of one area, coalesced over midnight. `until`: end of the dated range."""

    until: datetime
    spans: tuple[Window, ...] = field(default=())

    @classmethod
    def of(cls, pages: Mapping[str, DayPage], until: datetime) -> "Hours":
        """From day pages by day. A page with windows None permits its whole UTC day."""
        windows: list[Window] = []
        for page in pages.values():
            windows += _whole_day(page.day) if page.windows is None else page.windows
        return cls(until, tuple(sorted(set(windows), key=lambda window: window.from_)))

    def volume_pct(self, start: datetime, end: datetime) -> int | None:
        """How loud a programme from `start` to `end` may be; None when it may not sound.

        Windows that touch count as one; of their volumes the lowest holds throughout.
        """
        if end > self.until:
            return None
        lowest = 100
        reached = start
        for window in self.spans:
            if window.until <= reached:
                continue
            if window.from_ > reached:
                return None
            lowest = min(lowest, window.volume_pct)
            reached = window.until
            if reached >= end:
                return lowest
        return None


CLOSED = Hours(datetime.fromtimestamp(0, UTC))


def _whole_day(day: str) -> Iterable[Window]:
    start = datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC)
    return (Window(start, start + _DAY),)
