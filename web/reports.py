"""Reports: coverage of every place by the six content areas, with what was played and heard apart.

The numbers are computed from the log and never typed in; the page prints for the file.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from flask import Blueprint, render_template, request

from controller import coverage, feedback
from controller.api.here import Here, looking
from controller.calendar.wall import to_utc
from controller.coverage import Row
from controller.feedback import Totals
from web.filters import here_zone, local
from web.places import Places
from web.words import TOPICS

bp = Blueprint("reports", __name__, url_prefix="/reports")

_USUAL_DAYS = 30
_STRENGTHS = (1, 4, 10)  # plays from which a cell is drawn stronger


@dataclass(slots=True)
class Square:
    """One place and content area: airings planned, played, and heard (None: no microphone)."""

    planned: int = 0
    played: int = 0
    heard: int | None = None
    minutes: float = 0.0
    last: datetime | None = None

    def add(self, row: Row) -> None:
        """Count a language's airings in."""
        self.planned += row.planned
        self.played += row.played
        self.minutes += row.minutes
        if row.heard is not None:
            self.heard = (self.heard or 0) + row.heard
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
            whole.planned += each.planned
            whole.played += each.played
            whole.minutes += each.minutes
            whole.heard = _sum(whole.heard, each.heard)
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
            seen=_seen(at, from_, until),
            areas=Places(at.session, at.actor).listed(),
            area=request.args.get("area", ""),
            now=at.now,
        )


def _days(at: Here) -> tuple[date, date]:
    today = local(at.now).date()
    last = _day(request.args.get("to", "")) or today
    first = _day(request.args.get("from", "")) or last - timedelta(days=_USUAL_DAYS - 1)
    return min(first, last), last


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _span(first: date, last: date) -> tuple[datetime, datetime]:
    zone = here_zone()
    after = datetime.combine(last, time()) + timedelta(days=1)
    return to_utc(datetime.combine(first, time()), zone), to_utc(after, zone)


def _lines(rows: list[Row]) -> list[Line]:
    found: dict[str, Line] = {}
    for row in rows:
        line = found.setdefault(row.area_id, Line(row.area_name))
        line.squares[row.topic].add(row)
    return sorted(found.values(), key=lambda line: line.name)


def _total(lines: list[Line]) -> Line:
    whole = Line("")
    for line in lines:
        for number, square in line.squares.items():
            into = whole.squares[number]
            into.planned += square.planned
            into.played += square.played
            into.minutes += square.minutes
            into.heard = _sum(into.heard, square.heard)
    return whole


def _seen(at: Here, from_: datetime, until: datetime) -> Totals | None:
    area_id = request.args.get("area") or at.actor.area_id
    if not area_id:
        return None
    return feedback.totals(at.session, at.actor, area_id, from_, until)


def _sum(one: int | None, other: int | None) -> int | None:
    return other if one is None else one + (other or 0)
