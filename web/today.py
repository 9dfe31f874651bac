"""Today: what is on the air, what needs doing, the day's list, and the clusters at a glance."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta

from flask import Blueprint, render_template

from controller.accounts.access import Action, may
from controller.api.here import Here, looking
from controller.calendar.wall import to_utc
from controller.errors import ControllerError
from controller.fleet import faults, nodes
from controller.fleet.nodes import NodeView
from controller.library import expiry
from controller.library.expiry import Expiring
from controller.models import Node, RepairNote
from controller.planning import airings
from controller.planning.airings import AiringView
from controller.scheduling import approvals, catch_up
from web import emergency, first_steps, tally
from web.emergency import Running
from web.filters import here_zone, local
from web.places import Places
from web.tally import Tally

bp = Blueprint("today", __name__)

_MOST_AIRINGS = 500
_EDIT = Action.SCHEDULE
_SOON = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Line:
    """An airing of the day: where, how ready or how it ended, and where it stands now."""

    view: AiringView
    where: str
    tally: Tally
    state: str  # past, now, next; off: the rules forbid it by now
    stoppable: bool  # all its places are the visitor's
    again_at: datetime | None = None  # when a tap would catch it up

    @property
    def unready(self) -> int:
        return self.view.readiness.total - self.view.readiness.ready


@dataclass(frozen=True, slots=True)
class Day:
    """All the page shows."""

    now: datetime
    lines: list[Line]
    clusters: list[tuple[NodeView, str]]
    waiting: int
    emergencies: list[Running]
    expiring: list[Expiring]
    faults: Sequence[tuple[RepairNote, Node]]

    @property
    def sounding(self) -> list[Line]:
        return [line for line in self.lines if line.state == "now"]

    @property
    def offline(self) -> list[NodeView]:
        return [view for view, _ in self.clusters if not view.online and view.last_seen_at]

    @property
    def unclaimed(self) -> list[NodeView]:
        """Those set up on paper, where no device has ever been heard of."""
        return [view for view, _ in self.clusters if not view.online and not view.last_seen_at]

    @property
    def unready(self) -> list[Line]:
        """What airs soon and some cluster could not play."""
        soon = self.now + _SOON
        return [
            line
            for line in self.lines
            if line.state == "next" and line.unready and line.view.airing.starts_at <= soon
        ]

    @property
    def failed(self) -> list[Line]:
        return [line for line in self.lines if line.state == "past" and line.tally.failed]


@bp.get("/")
def page() -> str:
    """The whole page."""
    with looking() as at:
        return render_template(
            "today/page.html", day=_day(at), live=True, first_steps=first_steps.steps(at)
        )


@bp.get("/today/live")
def parts() -> str:
    """What changes by itself, for the page to take in anew."""
    with looking() as at:
        return render_template("today/live.html", day=_day(at))


def day_span(day: datetime) -> tuple[datetime, datetime]:
    """The instants between which a local day lies."""
    first = datetime.combine(day.date(), time())
    zone = here_zone()
    return to_utc(first, zone), to_utc(first + timedelta(days=1), zone)


def _day(at: Here) -> Day:
    places = Places(at.session, at.actor)
    from_, until = day_span(local(at.now))
    found = airings.page(
        at.session, at.actor, now=at.now, from_=from_, until=until, limit=_MOST_AIRINGS
    ).items
    tallies = tally.of_airings(at.session, [view.airing.id for view in found])
    clusters = nodes.page(at.session, at.actor, now=at.now, limit=_MOST_AIRINGS).items
    lines = [_line(view, places, tallies.get(view.airing.id, Tally()), at.now) for view in found]
    return Day(
        now=at.now,
        lines=[replace(line, again_at=_again_at(at, line)) for line in lines],
        clusters=[(view, places.name(view.area_id)) for view in clusters],
        waiting=_waiting(at),
        emergencies=emergency.recent(at),
        expiring=expiry.expiring(at.session, at.actor, at.now) if may(at.actor, _EDIT) else [],
        faults=faults.unanswered(at.session, at.actor, at.now),
    )


def _line(view: AiringView, places: Places, counted: Tally, now: datetime) -> Line:
    airing = view.airing
    state = "next" if now < airing.starts_at else "now" if now < airing.ends_at else "past"
    if airing.withheld is not None and state != "past":
        state = "off"
    mine = places.own is None or places.own.issuperset(view.area_ids)
    return Line(view, places.names(view.area_ids), counted, state, mine)


def _again_at(at: Here, line: Line) -> datetime | None:
    """When one tap would play it again to those who missed it; None: nobody, or no way."""
    if line.state != "past" or not line.tally.failed or not line.stoppable:
        return None
    if not may(at.actor, _EDIT):
        return None
    try:
        return catch_up.suggest(at.session, at.actor, line.view.airing.id, at.now).starts_at
    except ControllerError:
        return None


def _waiting(at: Here) -> int:
    """How much waits for this visitor's decision."""
    if not may(at.actor, Action.APPROVE):
        return 0
    pending = approvals.pending(at.session, at.actor, at.now)
    return len(pending.clips) + len(pending.schedules)
