"""The playback log: planned beside played, every miss with its reason; filters in the address."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from itertools import groupby

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask import stream_with_context as within_request
from werkzeug.wrappers import Response as Answer

from controller.api import exports
from controller.api.here import Here, changing, looking, services
from controller.fleet import nodes, summaries
from controller.fleet.nodes import NodeView
from controller.fleet.summaries import Summary
from controller.outcomes import playbacks
from controller.outcomes.playbacks import PlaybackFilters, PlaybackView
from controller.scheduling import catch_up
from controller.words import Outcome
from web import airing_path, collation
from web.filters import local, midnight
from web.forms import once
from web.i18n import _, language, ngettext
from web.places import Places

bp = Blueprint("log", __name__, url_prefix="/log")

_PAGE = 50
_SHOWN_DAYS = 7
_MOST_NODES = 500
_UNHEARD = "unheard"  # among the outcomes of the filter: played, and not heard


@dataclass(frozen=True, slots=True)
class Heard:
    """One airing and its rows on this page; never empty."""

    rows: list[PlaybackView]

    @property
    def first(self) -> PlaybackView:
        return min(self.rows, key=lambda view: view.playback.planned_at)

    @property
    def missed(self) -> bool:
        """Whether some place heard less than it should have."""
        return any(view.playback.outcome in catch_up.MISSED for view in self.rows)

    @property
    def heard_anywhere(self) -> bool:
        """Whether some place has a microphone that told."""
        return any(view.playback.heard_ms is not None for view in self.rows)

    @property
    def played(self) -> int:
        return sum(_well(view) for view in self.rows)


@bp.get("/")
def page() -> str:
    """The filters and the newest rows."""
    with looking() as at:
        filters = _filters(at)
        found = playbacks.page(
            at.session, at.actor, filters, limit=_PAGE, cursor=request.args.get("cursor") or None
        )
        places = Places(at.session, at.actor)
        return render_template(
            "log/page.html",
            live="cursor" not in request.args,
            found=found,
            days=_days(found.items),
            places=places,
            summaries=_summaries(at, filters),
            areas=places.listed(),
            clusters=_clusters(at),
            asked=_asked(at),
            export={name: value for name, value in _asked(at).items() if value},
        )


@bp.get("/live")
def parts() -> str:
    """The rows alone, for the page to take in anew."""
    with looking() as at:
        filters = _filters(at)
        found = playbacks.page(at.session, at.actor, filters, limit=_PAGE)
        return render_template(
            "log/rows.html",
            summaries=_summaries(at, filters),
            found=found,
            days=_days(found.items),
            places=Places(at.session, at.actor),
            asked=_asked(at),
        )


@bp.get("/<airing_id>/<node_id>")
def story(airing_id: str, node_id: str) -> str:
    """One airing on one cluster, step by step, with the node's own times."""
    with looking() as at:
        row = playbacks.one(at.session, at.actor, airing_id, node_id)
        place = Places(at.session, at.actor).name(row.area_id)
        path = airing_path.lines(at.session, row)
        return render_template("log/story.html", row=row, place=place, path=path)


@bp.post("/catch-up/<airing_id>")
@once
def play_again(airing_id: str) -> Answer:
    """Play it again, once, to the places that missed it, at the first free permitted time."""
    with changing() as at:
        twice = catch_up.suggest(at.session, at.actor, airing_id, at.now).hear_twice
        again = catch_up.play_again(at.session, at.actor, airing_id, at.now)
    flash(_("Đã đặt lịch phát bù cho các nơi chưa nghe được."), "good")
    if twice:
        flash(
            ngettext(
                "Phát bù cho cả thôn: %(num)d cụm loa trong thôn đã phát rồi sẽ phát lại.",
                "Phát bù cho cả thôn: %(num)d cụm loa trong thôn đã phát rồi sẽ phát lại.",
                twice,
            ),
            "warn",
        )
    return redirect(url_for("schedules.detail", schedule_id=again.id))


@bp.get("/log.<any(csv, xlsx):kind>")
def export(kind: str) -> Response:
    """The same rows, all of them, to save."""

    def rows() -> Iterator[exports.Row]:
        with looking() as at:
            places = Places(at.session, at.actor)
            for view in playbacks.rows(at.session, at.actor, _filters(at)):
                yield exports.Row(view, places.name(view.area_id))

    with looking() as at:
        # What is wrong with the filters is told before the download begins.
        playbacks.page(at.session, at.actor, _filters(at), limit=1)
        name = f"nhat-ky-phat-{local(at.now):%Y%m%d}.{kind}"
    if kind == "csv":
        lines = exports.csv_lines(rows(), language())
        return exports.download(within_request(lines), exports.CSV_TYPE, name)
    chunks = exports.xlsx_chunks(rows(), language(), services().settings.temporary_dir)
    return exports.download(within_request(chunks), exports.XLSX_TYPE, name)


def _asked(at: Here) -> dict[str, str]:
    """The filters as they stand in the address, the usual week filled in."""
    asked = {name: request.args.get(name, "") for name in ("node", "area", "outcome", "airing")}
    today = local(at.now).date()
    first = today - timedelta(days=_SHOWN_DAYS - 1)
    usual = {"from": first.isoformat(), "to": today.isoformat()}
    if asked["airing"]:
        usual = {"from": "", "to": ""}
    for name, value in usual.items():
        asked[name] = request.args.get(name, value)
    return asked


def _filters(at: Here) -> PlaybackFilters:
    asked = _asked(at)
    outcome = asked["outcome"]
    return PlaybackFilters(
        from_=midnight(asked["from"]),
        until=midnight(asked["to"], days=1),
        node_id=asked["node"] or None,
        area_id=asked["area"] or None,
        airing_id=asked["airing"] or None,
        outcome=Outcome(outcome) if outcome in list(Outcome) else None,
        unheard=outcome == _UNHEARD,
    )


def _clusters(at: Here) -> list[NodeView]:
    """For the filter, in Vietnamese order."""
    found = nodes.page(at.session, at.actor, now=at.now, limit=_MOST_NODES).items
    return sorted(found, key=lambda view: collation.key(view.node.name))


def _summaries(at: Here, filters: PlaybackFilters) -> list[Summary]:
    """What nodes could only sum up of that time; a question about one airing has none."""
    if filters.airing_id is not None or request.args.get("cursor"):
        return []
    where = {"node_id": filters.node_id, "area_id": filters.area_id}
    return summaries.between(at.session, at.actor, filters.from_, filters.until, **where)


def _days(views: list[PlaybackView]) -> list[tuple[datetime, list[Heard]]]:
    """Day by day, airing by airing; within one, clusters that did not play come first."""
    return [(day, _airings(list(rows))) for day, rows in groupby(views, key=_day_of)]


def _airings(views: list[PlaybackView]) -> list[Heard]:
    # Clusters start one after another, so rows of two airings may lie between each other.
    rows: dict[str, list[PlaybackView]] = {}
    for view in views:
        rows.setdefault(view.playback.airing_id, []).append(view)
    return [Heard(sorted(each, key=_trouble_first)) for each in rows.values()]


def _trouble_first(view: PlaybackView) -> tuple[bool, collation.Key]:
    return _well(view), collation.key(view.node.name)


def _well(view: PlaybackView) -> bool:
    return view.playback.outcome in ("played", None) and not view.unheard


def _day_of(view: PlaybackView) -> datetime:
    at = local(view.playback.planned_at)
    return datetime.combine(at.date(), time(12), tzinfo=at.tzinfo)
