"""Reports: coverage of every place by the six content areas, with what was played and heard apart.

The numbers are computed from the log and never typed in; the page prints for the file.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import groupby

from flask import Blueprint, Response, render_template, request
from flask import stream_with_context as within_request

from controller.api import exports
from controller.api.here import Here, looking, services
from controller.calendar.wall import to_utc
from controller.models import Feedback
from controller.outcomes import coverage, feedback, playbacks
from controller.outcomes.coverage import Gap, Row
from controller.outcomes.playbacks import PlaybackFilters, PlaybackView
from web import collation, coverage_sheet
from web.filters import calendar_day, here_zone, local
from web.places import Places
from web.words import TOPICS

bp = Blueprint("reports", __name__, url_prefix="/reports")

_USUAL_DAYS = 30
_MOST_NOTES = 50
_STRENGTHS = (1, 4, 10)  # plays from which a cell is drawn stronger


@dataclass(slots=True)
class Square:
    """One place and content area: airings planned, played, and heard (None: no microphone)."""

    planned: int = 0
    played: int = 0
    heard: int | None = None
    minutes: float = 0.0
    asked: int = 0  # households, as the Groups noted them after these airings
    installed: int = 0
    asked_again: int = 0  # of them, those that another content area counts already
    installed_again: int = 0
    last: datetime | None = None

    gaps: list[Gap] = field(default_factory=list)

    def count(self, other: "Square | Row") -> None:
        """Take another's figures in."""
        self.planned += other.planned
        self.played += other.played
        self.minutes += other.minutes
        self.asked += other.asked
        self.installed += other.installed
        self.asked_again += other.asked_again
        self.installed_again += other.installed_again
        if other.heard is not None:
            self.heard = (self.heard or 0) + other.heard

    def add(self, row: Row) -> None:
        """Count a language's airings in, and when there were none."""
        self.count(row)
        self.gaps += row.gaps
        if row.last_played_at and (self.last is None or row.last_played_at > self.last):
            self.last = row.last_played_at

    @property
    def strength(self) -> int:
        """0 for nothing played, up to 3."""
        return sum(self.played >= least for least in _STRENGTHS)


@dataclass(slots=True)
class Line:
    """A place and its six squares."""

    name: str
    squares: dict[int, Square] = field(default_factory=lambda: {n: Square() for n in TOPICS})

    @property
    def total(self) -> Square:
        whole = Square()
        for each in self.squares.values():
            whole.count(each)
        whole.asked -= whole.asked_again
        whole.installed -= whole.installed_again
        whole.asked_again = whole.installed_again = 0
        return whole


@bp.get("/")
def page() -> str:
    """Coverage of the days in the address; without them, of the last thirty."""
    with looking() as at:
        first, last = _days(at)
        from_, until = _span(first, last)
        rows = coverage.report(at.session, at.actor, from_, until, request.args.get("area") or None)
        lines = _lines(rows)
        return render_template(
            "reports/page.html",
            first=first,
            last=last,
            lines=lines,
            total=_total(lines),
            notes=_notes(at, from_, until),
            areas=Places(at.session, at.actor).listed(),
            area=request.args.get("area", ""),
            now=at.now,
        )


@bp.get("/logbook")
def logbook() -> str:
    """One week, day by day, every airing with how many clusters played it: for the file."""
    with looking() as at:
        monday = _monday(at)
        from_, until = _span(monday, monday + timedelta(days=6))
        area_id = request.args.get("area") or None
        filters = PlaybackFilters(from_=from_, until=until, area_id=area_id)
        return render_template(
            "reports/logbook.html",
            monday=monday,
            days=_logbook(playbacks.rows(at.session, at.actor, filters)),
            step=timedelta(days=7),
            place=_place(at, area_id),
            area=area_id or "",
        )


@bp.get("/month")
def month() -> str:
    """One month in numbers, with lines to sign: what goes to the level above."""
    with looking() as at:
        first, last = _month(at)
        from_, until = _span(first, last)
        area_id = request.args.get("area") or None
        lines = _lines(coverage.report(at.session, at.actor, from_, until, area_id))
        return render_template(
            "reports/month.html",
            first=first,
            last=last,
            lines=lines,
            total=_total(lines),
            place=_place(at, area_id),
            area=area_id or "",
        )


@bp.get("/coverage.xlsx")
def export() -> Response:
    """The coverage table as a workbook: a row a place and content area."""
    with looking() as at:
        first, last = _days(at)
        from_, until = _span(first, last)
        rows = coverage.report(at.session, at.actor, from_, until, request.args.get("area") or None)
        lines = _lines(rows)
    chunks = coverage_sheet.chunks(lines, services().settings.temporary_dir)
    name = f"do-phu-{first:%Y%m%d}-{last:%Y%m%d}.xlsx"
    return exports.download(within_request(chunks), exports.XLSX_TYPE, name)


@dataclass(slots=True)
class Entry:
    """A line of the logbook: an airing, and how many clusters played it in full.

    `sounding`: on how many it is on the air now, whose length nobody knows yet.
    """

    title: str
    at: datetime
    played: int = 0
    total: int = 0
    sounding: int = 0
    length_ms: int = 0
    reasons: dict[str, int] = field(default_factory=dict)


def _logbook(views: Iterable[PlaybackView]) -> list[tuple[date, list[Entry]]]:
    entries: dict[str, Entry] = {}
    for view in views:
        row, title = view.playback, view.airing.title if view.airing else ""
        entry = entries.setdefault(row.airing_id, Entry(title, row.planned_at))
        entry.at = min(entry.at, row.planned_at)
        entry.total += 1
        entry.sounding += row.outcome is None
        entry.played += row.outcome == "played"
        entry.length_ms = max(entry.length_ms, row.played_ms or 0)
        if row.outcome not in ("played", None):
            why = row.reason or str(row.outcome)
            entry.reasons[why] = entry.reasons.get(why, 0) + 1
    ordered = sorted(entries.values(), key=lambda entry: entry.at)
    return [
        (day, list(rows)) for day, rows in groupby(ordered, key=lambda each: local(each.at).date())
    ]


def _monday(at: Here) -> date:
    day = calendar_day(request.args.get("week", "")) or local(at.now).date()
    return day - timedelta(days=day.weekday())


def _month(at: Here) -> tuple[date, date]:
    """The month in the address as 2026-11; without one, the last whole month."""
    day = calendar_day(f"{request.args.get('month', '')}-01")
    if day is None:
        day = (local(at.now).date().replace(day=1) - timedelta(days=1)).replace(day=1)
    return day, (day + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def _place(at: Here, area_id: str | None) -> str:
    return Places(at.session, at.actor).name(area_id or at.actor.area_id)


def _days(at: Here) -> tuple[date, date]:
    today = local(at.now).date()
    last = calendar_day(request.args.get("to", "")) or today
    first = calendar_day(request.args.get("from", "")) or last - timedelta(days=_USUAL_DAYS - 1)
    return min(first, last), last


def _span(first: date, last: date) -> tuple[datetime, datetime]:
    zone = here_zone()
    after = datetime.combine(last, time()) + timedelta(days=1)
    return to_utc(datetime.combine(first, time()), zone), to_utc(after, zone)


def _lines(rows: list[Row]) -> list[Line]:
    found: dict[str, Line] = {}
    for row in rows:
        line = found.setdefault(row.area_id, Line(row.area_name))
        line.squares[row.topic].add(row)
    return sorted(found.values(), key=lambda line: collation.key(line.name))


def _total(lines: list[Line]) -> Line:
    whole = Line("")
    for line in lines:
        for number, square in line.squares.items():
            whole.squares[number].count(square)
    return whole


def _notes(at: Here, from_: datetime, until: datetime) -> list[tuple[str, Feedback]]:
    """What the villages wrote after the airings of those days, newest first, with the place."""
    area_id = request.args.get("area") or None
    found = feedback.page(
        at.session, at.actor, from_=from_, until=until, area_id=area_id, limit=_MOST_NOTES
    )
    places = Places(at.session, at.actor)
    return [(places.name(note.area_id), note) for note in found.items]
