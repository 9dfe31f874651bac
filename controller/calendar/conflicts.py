"""Overlaps between planned sounds in the same places, and the nearest free start. Pure."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter

from controller.calendar.policy import Span, Window

_STEP = timedelta(minutes=5)
_COARSE = timedelta(minutes=15)  # on other days
NEAR = timedelta(hours=12)
FAR = timedelta(days=7)
Permitted = Sequence[Sequence[Window] | None]
Fits = Callable[[Span], bool]


@dataclass(frozen=True, slots=True)
class Busy:
    """A span in which something else sounds; `what` is the caller's own."""

    starts_at: datetime
    ends_at: datetime
    what: int


@dataclass(frozen=True, slots=True)
class Timeline:
    """Busy spans in order of start, with the longest of them, so that a look is a short slice."""

    spans: tuple[Busy, ...]
    longest: timedelta

    @classmethod
    def of(cls, spans: Sequence[Busy]) -> "Timeline":
        ordered = tuple(sorted(spans, key=attrgetter("starts_at", "ends_at", "what")))
        longest = max((b.ends_at - b.starts_at for b in ordered), default=timedelta())
        return cls(ordered, longest)

    def meeting(self, starts_at: datetime, ends_at: datetime) -> Iterator[Busy]:
        """Those that sound at some instant of [starts_at, ends_at)."""
        first = bisect_left(self.spans, starts_at - self.longest, key=lambda b: b.starts_at)
        last = bisect_right(self.spans, ends_at, key=lambda b: b.starts_at)
        for busy in self.spans[first:last]:
            if busy.starts_at < ends_at and busy.ends_at > starts_at:
                yield busy


def nearest_free(
    span: Span,
    timeline: Timeline,
    permitted: Permitted,
    now: datetime,
    fits: Fits | None = None,
    *,
    far: bool = False,
) -> datetime | None:
    """The start nearest to the span's at which nothing else sounds and every place permits it.

    In steps of five minutes up to twelve hours off; `far`: of a quarter of an hour, from there to
    a week off. `fits` has the last word on a start. None when there is none.
    """
    near, farthest, step = (NEAR, FAR, _COARSE) if far else (timedelta(), NEAR, _STEP)
    starts = _outwards(span.starts_at, near, farthest, step)
    ahead = (start for start in starts if start > now)
    return _first_free(ahead, span.ends_at - span.starts_at, timeline, permitted, fits)


def next_free(
    span: Span,
    timeline: Timeline,
    permitted: Permitted,
    farthest: timedelta,
    fits: Fits | None = None,
) -> datetime | None:
    """The first start from the span's own on, as `nearest_free` looks for it, forwards only."""
    starts = (span.starts_at + i * _STEP for i in range(int(farthest / _STEP) + 1))
    return _first_free(starts, span.ends_at - span.starts_at, timeline, permitted, fits)


def _first_free(
    starts: Iterable[datetime],
    length: timedelta,
    timeline: Timeline,
    permitted: Permitted,
    fits: Fits | None,
) -> datetime | None:
    for start in starts:
        end = start + length
        if any(timeline.meeting(start, end)):
            continue
        if not all(windows is None or is_within(windows, start, end) for windows in permitted):
            continue
        if fits is None or fits(Span(start, end)):
            return start
    return None


def _outwards(
    start: datetime, near: timedelta, farthest: timedelta, step: timedelta
) -> Iterator[datetime]:
    for i in range(int(near / step) + 1, int(farthest / step) + 1):
        yield start + i * step
        yield start - i * step


def is_within(windows: Sequence[Window], start: datetime, end: datetime) -> bool:
    """Whether windows in order cover [start, end) without a gap."""
    reached = start
    for window in windows:
        if window.from_ <= reached < window.until:
            reached = window.until
        if reached >= end:
            return True
    return False
