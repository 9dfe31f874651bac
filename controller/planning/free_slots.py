"""The nearest free start for an airing that cannot be where it is.

Free: nothing else sounds around there, the hours of every place permit it, and no limit of any
place is broken by it, counted with what sounds there and with the schedule's own other airings.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from controller.calendar.conflicts import FAR, NEAR, Busy, Timeline, nearest_free, next_free
from controller.calendar.policy import Span, over_limits
from controller.planning.due import hours_in
from controller.territory.areas import Effective
from controller.territory.places import Tree

_DAY = timedelta(days=1)
SoundingIn = Callable[[Iterable[str]], frozenset[int]]


@dataclass(frozen=True, slots=True)
class Ruled:
    """A place whose rules differ from the others', or where other things sound beside it."""

    area_id: str
    effective: Effective
    beside: frozenset[int]  # which of the timeline's sounds count there


def ruled_places(area_ids: Iterable[str], tree: Tree, sounding_in: SoundingIn) -> list[Ruled]:
    """One place for each set of rules below the areas, the highest first.

    Villages mostly share their commune's rules: those are judged once.
    """
    found: dict[tuple[int, frozenset[int]], Ruled] = {}
    paths = sorted((tree.path(each) for each in tree.open_below(area_ids)), key=_highest_first)
    for path in paths:
        area_id, effective = path[-1], tree.effective(path[-1])
        beside = sounding_in(path) if effective.policy.has_limits else frozenset[int]()
        found.setdefault((id(effective), beside), Ruled(area_id, effective, beside))
    return list(found.values())


def _highest_first(path: Sequence[str]) -> tuple[int, str]:
    return len(path), path[-1]


@dataclass(frozen=True, slots=True)
class FreeSlots:
    """Where an airing could go. `own`: the schedule's other airings, which count too."""

    area_ids: Sequence[str]
    tree: Tree
    timeline: Timeline
    ruled: Sequence[Ruled]
    own: Timeline
    now: datetime

    @classmethod
    def of(
        cls,
        area_ids: Sequence[str],
        tree: Tree,
        timeline: Timeline,
        ruled: Iterable[Ruled],
        now: datetime,
        own: Iterable[Span] = (),
    ) -> "FreeSlots":
        limited = [each for each in ruled if each.effective.policy.has_limits]
        others = Timeline.of([Busy(span.starts_at, span.ends_at, -1) for span in own])
        return cls(area_ids, tree, timeline, limited, others, now)

    def nearest(self, span: Span) -> datetime | None:
        """The start nearest to the span's own, at most a week off."""
        fits = self._fits(span)
        for farthest, far in ((NEAR, False), (FAR, True)):
            from_, until = span.starts_at - farthest - _DAY, span.ends_at + farthest + _DAY
            permitted = hours_in(self.area_ids, self.tree, from_, until)
            found = nearest_free(span, self.timeline, permitted, self.now, fits, far=far)
            if found:
                return found
        return None

    def next(self, span: Span, farthest: timedelta) -> datetime | None:
        """The first start from the span's own on."""
        until = span.ends_at + farthest + _DAY
        permitted = hours_in(self.area_ids, self.tree, span.starts_at - _DAY, until)
        return next_free(span, self.timeline, permitted, farthest, self._fits(span))

    def _fits(self, moved: Span) -> Callable[[Span], bool]:
        def fits(span: Span) -> bool:
            from_, until = span.starts_at - _DAY, span.ends_at + _DAY
            own = [b for b in self.own.meeting(from_, until) if b.starts_at != moved.starts_at]
            if any(b.starts_at < span.ends_at and span.starts_at < b.ends_at for b in own):
                return False
            around = list(self.timeline.meeting(from_, until)) if self.ruled else []
            for place in self.ruled:
                others = [*own, *(b for b in around if b.what in place.beside)]
                there = [Span(b.starts_at, b.ends_at) for b in others]
                if over_limits(place.effective.policy, place.effective.timezone, [span], there):
                    return False
            return True

        return fits
