"""Judging by an area's rules: when sound is permitted, and which airings break a rule.

A session (buổi) is a run of airings with less than half an hour between them. Emergencies are
never judged: the caller leaves them out.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from itertools import groupby
from operator import attrgetter
from zoneinfo import ZoneInfo

from controller.calendar.rules import ApprovalRules, Permit, Policy, inherit
from controller.calendar.wall import days_between, to_local, to_utc, zone

__all__ = [
    "ApprovalRules",
    "Permit",
    "Policy",
    "Span",
    "Violation",
    "Window",
    "inherit",
    "over_limits",
    "violations",
    "windows",
]

_DAY = timedelta(days=1)
_MINUTE = timedelta(minutes=1)
SESSION_GAP = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Window:
    """A span of UTC in which sound is permitted, at most at `volume_pct`."""

    from_: datetime
    until: datetime
    volume_pct: int = 100


@dataclass(frozen=True, slots=True)
class Span:
    """A planned sound: what violations are judged on. Worst-case end."""

    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Violation:
    """An airing that breaks a rule, with a sentence in both languages."""

    rule: str  # the policy's key
    vi: str
    en: str
    starts_at: datetime


def windows(
    policy: Policy, timezone: str, from_: datetime, until: datetime
) -> tuple[Window, ...] | None:
    """The permitted spans within [from_, until), ordered, not overlapping; None: no hours rule.

    Where hours overlap, the lowest volume holds.
    """
    if policy.permit is None and not policy.quiet:
        return None
    tz = zone(timezone)
    if policy.permit is None:
        open_ = [Window(from_, until)]
    else:
        open_ = list(_dated(policy.permit, tz, from_, until))
    shut = list(_dated(policy.quiet, tz, from_, until))
    return tuple(_resolved(open_, shut))


def violations(
    policy: Policy, timezone: str, planned: Sequence[Span], others: Sequence[Span] = ()
) -> list[Violation]:
    """What of `planned` breaks a rule, given the `others` that already sound in the same place."""
    tz = zone(timezone)
    found = [*_outside_hours(policy, tz, planned), *_too_much(policy, tz, planned, others)]
    return sorted(found, key=attrgetter("starts_at", "rule"))


def over_limits(
    policy: Policy, timezone: str, planned: Sequence[Span], others: Sequence[Span] = ()
) -> list[Violation]:
    """The part of `violations` that counts sessions and minutes."""
    return list(_too_much(policy, zone(timezone), planned, others))


def _dated(
    hours: Iterable[Permit], tz: ZoneInfo, from_: datetime, until: datetime
) -> Iterator[Window]:
    """Hours of the day as dated spans, cut to [from_, until)."""
    first = to_local(from_, tz).date() - _DAY  # hours over midnight begin the day before
    days = days_between(first, to_local(until, tz).date())
    for permit in hours:
        for day in filter(permit.on, days):
            start, end = _span(permit, day, tz)
            if start < until and end > from_ and start < end:
                yield Window(max(start, from_), min(end, until), permit.volume_pct)


def _span(permit: Permit, day: date, tz: ZoneInfo) -> tuple[datetime, datetime]:
    over_midnight = permit.to <= permit.from_
    if permit.to == time.max:  # 24:00
        end = datetime.combine(day + _DAY, time.min)
    else:
        end = datetime.combine(day + _DAY if over_midnight else day, permit.to)
    return to_utc(datetime.combine(day, permit.from_), tz), to_utc(end, tz)


def _resolved(open_: Sequence[Window], shut: Sequence[Window]) -> Iterator[Window]:
    """Cut at every boundary, keep what is open and not shut, join equal neighbours."""
    marks = sorted({mark for w in (*open_, *shut) for mark in (w.from_, w.until)})
    volumes = _volumes(marks, open_)
    closed = _volumes(marks, shut)
    last: Window | None = None
    for i, volume in enumerate(volumes):
        if volume is None or closed[i] is not None:
            continue
        if last and last.until == marks[i] and last.volume_pct == volume:
            last = Window(last.from_, marks[i + 1], volume)
            continue
        if last:
            yield last
        last = Window(marks[i], marks[i + 1], volume)
    if last:
        yield last


def _volumes(marks: Sequence[datetime], spans: Iterable[Window]) -> list[int | None]:
    """The lowest volume of the spans over each piece between two marks; None: no span."""
    place = {mark: i for i, mark in enumerate(marks)}
    volumes: list[int | None] = [None] * max(len(marks) - 1, 0)
    for span in spans:
        for i in range(place[span.from_], place[span.until]):
            known = volumes[i]
            volumes[i] = span.volume_pct if known is None else min(known, span.volume_pct)
    return volumes


def _outside_hours(policy: Policy, tz: ZoneInfo, planned: Sequence[Span]) -> Iterator[Violation]:
    if not planned:
        return
    first, last = min(s.starts_at for s in planned), max(s.ends_at for s in planned)
    permitted = windows(policy, tz.key, first - _DAY, last + _DAY)
    if permitted is None:
        return
    runs = _runs(permitted)
    starts = [run.from_ for run in runs]
    for span in planned:
        i = bisect_right(starts, span.starts_at) - 1
        if i < 0 or span.ends_at > runs[i].until:
            yield _hours_violation(policy, tz, span)


def _runs(permitted: Sequence[Window]) -> list[Window]:
    """Windows joined where one follows the other; the volume does not matter here."""
    runs: list[Window] = []
    for window in permitted:
        if runs and runs[-1].until == window.from_:
            runs[-1] = Window(runs[-1].from_, window.until)
        else:
            runs.append(window)
    return runs


def _hours_violation(policy: Policy, tz: ZoneInfo, span: Span) -> Violation:
    start, end = to_local(span.starts_at, tz), to_local(span.ends_at, tz)
    at = f"{start:%H:%M}" if end - start < _MINUTE else f"{start:%H:%M}-{end:%H:%M}"
    vi_when = f"lượt phát {at} ngày {start:%d/%m/%Y}"
    en_when = f"the airing {at} on {start:%d/%m/%Y}"
    if policy.permit is None or _permits(policy, tz, span):
        vi_source, en_source = _source(policy, "quiet")
        hours = ", ".join(str(quiet) for quiet in policy.quiet)
        return Violation(
            "quiet",
            f"{vi_when} rơi vào giờ không phát loa ({hours}){vi_source}.",
            f"{en_when} falls into the quiet hours ({hours}){en_source}.",
            span.starts_at,
        )
    vi_source, en_source = _source(policy, "permit")
    hours = ", ".join(str(permit) for permit in policy.permit if permit.on(start.date()))
    vi_hours = hours or "hôm đó không được phát"
    return Violation(
        "permit",
        f"{vi_when} nằm ngoài khung giờ được phát ({vi_hours}){vi_source}.",
        f"{en_when} is outside the permitted hours ({hours or 'none that day'}){en_source}.",
        span.starts_at,
    )


def _permits(policy: Policy, tz: ZoneInfo, span: Span) -> bool:
    """Whether the permitted hours alone would let it sound: then it is the quiet ones it breaks."""
    open_ = windows(replace(policy, quiet=()), tz.key, span.starts_at - _DAY, span.ends_at + _DAY)
    runs = _runs(open_ or ())
    return any(run.from_ <= span.starts_at and span.ends_at <= run.until for run in runs)


def _too_much(
    policy: Policy, tz: ZoneInfo, planned: Sequence[Span], others: Sequence[Span]
) -> Iterator[Violation]:
    if not policy.has_limits:
        return
    marked = sorted(
        [(span, True) for span in planned] + [(span, False) for span in others],
        key=lambda pair: pair[0].starts_at,
    )
    for day, group in groupby(marked, key=lambda pair: to_local(pair[0].starts_at, tz).date()):
        spans = list(group)
        if any(new for _, new in spans):
            yield from _day_violations(policy, day, spans)


_Marked = tuple[Span, bool]  # a span, and whether it is one of `planned`


def _day_violations(policy: Policy, day: date, spans: list[_Marked]) -> Iterator[Violation]:
    sessions = list(_sessions(spans))
    vi_source, en_source = _source(policy, "max_sessions_per_day")
    most = policy.max_sessions_per_day
    if most is not None and len(sessions) > most:
        too_many = _new_ones(sessions)[-(len(sessions) - most) :]
        for span, _ in (marked for session in too_many for marked in session):
            yield Violation(
                "max_sessions_per_day",
                f"ngày {day:%d/%m/%Y} sẽ có {len(sessions)} buổi phát, quy định nhiều nhất "
                f"{most} buổi mỗi ngày{vi_source}.",
                f"on {day:%d/%m/%Y} there would be {len(sessions)} sessions, at most {most} a day "
                f"are allowed{en_source}.",
                span.starts_at,
            )
    longest = policy.max_minutes_per_session
    for session in sessions:
        if longest is not None and _minutes(session) > longest:
            yield from _too_long("max_minutes_per_session", session, longest, day, policy)
    whole = policy.max_minutes_per_day
    if whole is not None and _minutes(spans) > whole:
        yield from _too_long("max_minutes_per_day", spans, whole, day, policy)


def _sessions(spans: list[_Marked]) -> Iterator[list[_Marked]]:
    session: list[_Marked] = []
    ends_at = datetime.min  # noqa: DTZ901 - replaced by the first span
    for span, new in spans:
        if session and span.starts_at - ends_at >= SESSION_GAP:
            yield session
            session = []
        ends_at = max(ends_at, span.ends_at) if session else span.ends_at
        session.append((span, new))
    if session:
        yield session


def _new_ones(sessions: list[list[_Marked]]) -> list[list[_Marked]]:
    """Sessions that exist only through what is planned: those are what is too many.

    What joins a session that is there makes none more.
    """
    return [s for s in sessions if all(new for _, new in s)]


def _too_long(
    rule: str, spans: list[_Marked], most: float, day: date, policy: Policy
) -> Iterator[Violation]:
    """The last planned airings, as many as must go for the rest to fit."""
    total = minutes = _minutes(spans)
    vi_what, en_what = {
        "max_minutes_per_session": ("mỗi buổi", "a session"),
        "max_minutes_per_day": ("mỗi ngày", "a day"),
    }[rule]
    vi_source, en_source = _source(policy, rule)
    for span, new in reversed(spans):
        if new and minutes > most:
            minutes -= _minutes([(span, new)])
            yield Violation(
                rule,
                f"ngày {day:%d/%m/%Y} sẽ phát {total:.1f} phút, quy định nhiều nhất {most:g} phút "
                f"{vi_what}{vi_source}.",
                f"on {day:%d/%m/%Y} it would sound for {total:.1f} minutes, at most {most:g} "
                f"minutes {en_what} are allowed{en_source}.",
                span.starts_at,
            )


def _minutes(spans: Iterable[_Marked]) -> float:
    return sum(((s.ends_at - s.starts_at).total_seconds() for s, _ in spans), start=0.0) / 60


def _source(policy: Policy, rule: str) -> tuple[str, str]:
    source = policy.source_of(rule)
    return (f" theo {source}", f" (source: {source})") if source else ("", "")
