"""Rules to dated occurrences: RFC 5545, lunar days, seasons, holidays, sets of days.

A rule is worked out in the wall time of its schedule's zone and converted to UTC last. The wall
time the bare rule gives is the occurrence's `original_at` (RECURRENCE-ID); season, holiday and
override only move `starts_at`, so that an airing keeps its id whatever is edited.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from heapq import merge
from itertools import dropwhile, islice, takewhile
from typing import NamedTuple
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr

from controller.calendar.days import DaySet, Holiday, holiday_dates
from controller.calendar.lunar import LunarRule
from controller.calendar.rrule_text import RRule
from controller.calendar.season import SeasonTime
from controller.calendar.wall import to_local, to_utc, zone
from controller.errors import BadInput

_DAY = timedelta(days=1)
# Clocks move by a day at most (Pacific/Apia 2011); a moved holiday may take a fortnight more.
_MARGIN = 2 * _DAY
_MOVE_MARGIN = 40 * _DAY
_MOST = 20_000  # occurrences of one rule in one look: every quarter of an hour for half a year


class Occurrence(NamedTuple):
    """One dated occurrence, in UTC. `original_at` is the RECURRENCE-ID; it never moves."""

    original_at: datetime
    starts_at: datetime


@dataclass(frozen=True, slots=True)
class Rule:
    """When something repeats, in wall time. With nothing set it happens once.

    `until` is the last wall time the bare rule may give. `overrides` moves single occurrences:
    pairs of original and new wall time, the new one with an offset where it is the second of two
    equal ones. `on_holidays`: play, skip, only or move.
    """

    rrule: RRule | None = None
    lunar: LunarRule | None = None
    day_set: DaySet | None = None
    not_on: DaySet | None = None  # a set of days on which it does not air
    seasons: tuple[SeasonTime, ...] = ()
    exdates: frozenset[datetime | date] = frozenset()
    rdates: tuple[datetime, ...] = ()
    until: datetime | None = None
    holidays: tuple[Holiday, ...] = ()
    on_holidays: str = "play"
    overrides: tuple[tuple[datetime, datetime], ...] = ()
    at_time: time | None = None  # the time of day since an edit; the ids keep the first one


class _Move(NamedTuple):
    """An occurrence in wall time: where the bare rule puts it, and where it goes."""

    original: datetime
    local: datetime


def occurrences(
    rule: Rule, timezone: str, starts_local: datetime, after: datetime, until: datetime
) -> Iterator[Occurrence]:
    """Those with after <= starts_at < until (both UTC), in order, each instant once.

    Raises BadInput when the rule gives more occurrences than any village could hear.
    """
    tz = zone(timezone)
    margin = _MOVE_MARGIN if rule.on_holidays == "move" or rule.overrides else _MARGIN
    # Whole days, so that where a look begins never decides which of two equal instants wins.
    from_ = datetime.combine(to_local(after, tz) - margin, time.min)
    to = datetime.combine(to_local(until, tz) + margin, time.max)
    bare = list(islice(_bare(rule, tz, starts_local, from_, to), _MOST + 1))
    if len(bare) > _MOST:
        raise _too_often()
    moves = [_Move(local, local) for local in bare]
    for step in _steps(rule, tz, from_, to):
        moves = step(moves)
    found = sorted(_in_utc(moves, tz), key=lambda occurrence: occurrence.starts_at)
    return _each_instant_once(o for o in found if after <= o.starts_at < until)


def _bare(
    rule: Rule, tz: ZoneInfo, starts: datetime, from_: datetime, to: datetime
) -> Iterator[datetime]:
    """The wall times of the rule before seasons and holidays, in order, each once."""
    end = min(to, rule.until) if rule.until else to
    if rule.rrule is not None:
        regular = _by_rrule(rule.rrule, tz, starts, from_, end)
    elif rule.lunar is not None or rule.day_set is not None:
        regular = iter(_on_days(rule, starts, from_, end))
    else:
        regular = iter([starts] if from_ <= starts <= end else [])
    if not rule.rdates:
        return regular
    extra = [local for local in rule.rdates if from_ <= local <= to]
    return _each_once(merge(regular, sorted(extra)))


def _by_rrule(
    rrule: RRule, tz: ZoneInfo, starts: datetime, from_: datetime, end: datetime
) -> Iterator[datetime]:
    last = rrule.last_local(tz)
    end = min(end, last) if last else end
    # dateutil knows whole seconds only; a start may carry milliseconds, which come back after.
    fraction = timedelta(microseconds=starts.microsecond)
    first = rrule.forward(starts - fraction, from_)
    found = iter(rrulestr(rrule.text, dtstart=first))
    counted = found if rrule.count is None else islice(found, rrule.count)
    wanted = takewhile(end.__ge__, counted)
    if not fraction:
        return dropwhile(from_.__gt__, wanted)
    return (local + fraction for local in dropwhile(from_.__gt__, wanted))


def _on_days(rule: Rule, starts: datetime, from_: datetime, end: datetime) -> list[datetime]:
    first, last = max(from_, starts).date(), end.date()
    if first > last:
        return []
    if rule.lunar is not None:
        days: Sequence[date] = rule.lunar.dates(first, last)
    else:
        assert rule.day_set is not None
        days = sorted(rule.day_set.within(first, last))
    locals_ = (datetime.combine(day, starts.time()) for day in days)
    return [local for local in locals_ if starts <= local <= end and local >= from_]


_Step = Callable[[list[_Move]], list[_Move]]


def _steps(rule: Rule, tz: ZoneInfo, from_: datetime, to: datetime) -> Iterator[_Step]:
    """What happens to the bare occurrences, in this order."""
    if rule.day_set is not None and (rule.rrule or rule.lunar):
        kept = rule.day_set.within(from_.date(), to.date())
        yield lambda moves: [move for move in moves if move.original.date() in kept]
    if rule.not_on is not None:
        left_out = rule.not_on.within(from_.date(), to.date())
        yield lambda moves: [move for move in moves if move.original.date() not in left_out]
    if rule.seasons or rule.at_time:
        explicit = frozenset(rule.rdates)  # an RDATE says its own time
        yield lambda moves: [m if m.original in explicit else _timed(rule, m) for m in moves]
    if rule.exdates:
        yield lambda moves: [move for move in moves if not _excluded(rule.exdates, tz, move)]
    if rule.on_holidays != "play":
        holidays = holiday_dates(rule.holidays, from_.date(), (to + _MOVE_MARGIN).date())
        yield _holiday_step(rule.on_holidays, holidays)
    if rule.overrides:
        overrides = {_as_read(old, tz): new for old, new in rule.overrides}
        yield lambda moves: [
            _Move(m.original, overrides.get(_as_read(m.original, tz), m.local)) for m in moves
        ]


def _timed(rule: Rule, move: _Move) -> _Move:
    day = move.local.date()
    for entry in rule.seasons:
        if entry.season.has(day):
            return _Move(move.original, datetime.combine(day, entry.time))
    if rule.at_time is not None:
        return _Move(move.original, datetime.combine(day, rule.at_time))
    return move


def _excluded(exdates: frozenset[datetime | date], tz: ZoneInfo, move: _Move) -> bool:
    # People cross out what they see (the season's time, the time after a gap) or the whole day.
    seen = (move.original, _as_read(move.original, tz), move.local, move.local.date())
    return not exdates.isdisjoint(seen)


def _as_read(local: datetime, tz: ZoneInfo) -> datetime:
    """The wall time a clock shows then: another where the clocks skip this one."""
    return to_local(to_utc(local, tz), tz)


def _holiday_step(on_holidays: str, holidays: frozenset[date]) -> _Step:
    if on_holidays == "skip":
        return lambda moves: [move for move in moves if move.local.date() not in holidays]
    if on_holidays == "only":
        return lambda moves: [move for move in moves if move.local.date() in holidays]
    return lambda moves: [_moved_on(move, holidays) for move in moves]


def _moved_on(move: _Move, holidays: frozenset[date]) -> _Move:
    local = move.local
    while local.date() in holidays:
        local += _DAY
    return _Move(move.original, local)


def _in_utc(moves: list[_Move], tz: ZoneInfo) -> Iterator[Occurrence]:
    for original, local in moves:
        # An override with an offset names the second of two equal wall times.
        at = to_utc(local, tz) if local.tzinfo is None else local.astimezone(UTC)
        yield Occurrence(at if local is original else to_utc(original, tz), at)


def _each_instant_once(found: Iterator[Occurrence]) -> Iterator[Occurrence]:
    """Two wall times can be one instant (a gap in the clock, a season's single time)."""
    last: datetime | None = None
    for occurrence in found:
        if occurrence.starts_at != last:
            yield occurrence
        last = occurrence.starts_at


def _each_once(locals_: Iterator[datetime]) -> Iterator[datetime]:
    last: datetime | None = None
    for local in locals_:
        if local != last:
            yield local
        last = local


def _too_often() -> BadInput:
    return BadInput(
        {
            "recurrence": (
                "Lịch này lặp lại quá dày: hãy chọn cách lặp thưa hơn.",
                "This schedule repeats too often: choose a rule with fewer occurrences.",
            )
        }
    )
