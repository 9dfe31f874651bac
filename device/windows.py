"""What policy permits: the dated windows of the node's own area, and nothing outside them.

Everything but an emergency fails closed: no document, a day without a page, beyond the dated
range, or a programme that would run past a window's end.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from protocol.messages import DayPage, Window

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Band:
    """From `from_` on at most so loud, in per cent of the node's own volume."""

    from_: datetime
    volume_pct: int


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

    def bands(self, start: datetime, end: datetime) -> tuple[Band, ...]:
        """How loud a programme from `start` to `end` may be, band by band; () if it may not sound.

        Windows that touch count as one; where they overlap the quieter holds.
        """
        if end > self.until or not self._permits(start, end):
            return ()
        inside = [w for w in self.spans if w.until > start and w.from_ < end]
        edges = {start, *(moment for w in inside for moment in (w.from_, w.until))}
        bands: list[Band] = []
        for edge in sorted(edge for edge in edges if start <= edge < end):
            pct = min(w.volume_pct for w in inside if w.from_ <= edge < w.until)
            if not bands or bands[-1].volume_pct != pct:
                bands.append(Band(edge, pct))
        return tuple(bands)

    def _permits(self, start: datetime, end: datetime) -> bool:
        reached = start
        for window in self.spans:
            if window.from_ > reached:
                break
            reached = max(reached, window.until)
        return reached >= end


CLOSED = Hours(datetime.fromtimestamp(0, UTC))


def _whole_day(day: str) -> Iterable[Window]:
    start = datetime.combine(date.fromisoformat(day), datetime.min.time(), UTC)
    return (Window(start, start + _DAY),)


_SPREAD_S = 600.0  # over which a fleet begins what is needed only days from now
_NIGHT_SPREAD = 0.5  # of the hours for it: what is begun late must end in them


def later_wait_s(hours: str, now: datetime | None) -> tuple[float, float]:
    """Seconds from `now`, from and to, in which to begin what is needed only days from now.

    `hours`: as in the config, such as "15:00-22:00" UTC. Without them, with some this version
    cannot read, or without a clock that knows the time (None), any time will do.
    """
    try:
        begin, end = (time.fromisoformat(each) for each in hours.split("-"))
    except ValueError:
        return 0.0, _SPREAD_S
    if now is None:
        return 0.0, _SPREAD_S
    day_s = _DAY.total_seconds()
    length_s = (_on(now, end) - _on(now, begin)).total_seconds() % day_s
    since_s = (now - _on(now, begin)).total_seconds() % day_s
    if since_s < length_s:
        return 0.0, min(_SPREAD_S, length_s - since_s)
    return day_s - since_s, day_s - since_s + length_s * _NIGHT_SPREAD


def _on(day: datetime, clock: time) -> datetime:
    return datetime.combine(day.date(), clock, UTC)
