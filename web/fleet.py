"""The list of clusters: searched without accents, in Vietnamese order, or the longest silent first.

For a technician with sixty of them: who is down for how many days, what to try first, whom to call,
and what was mended there last.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import request

from controller.api.here import Here
from controller.fleet import node_care, node_story, nodes
from controller.fleet.nodes import NodeView
from controller.models import RepairNote
from controller.searching import matches
from web import advice, collation, village_map
from web.places import Places

MOST = 500
_AT_ONCE = 500
_WEEK = timedelta(days=7)
_VIEWS = ("grid", "list", "map")
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Cluster:
    """A node as pages show it. `state`: online, offline or unclaimed."""

    view: NodeView
    where: str
    steps: list[str] = field(default_factory=list)  # what to try, the likeliest first
    note: RepairNote | None = None  # the newest

    @property
    def state(self) -> str:
        if self.view.device_id is None:
            return "unclaimed"
        return "online" if self.view.online else "offline"

    @property
    def label(self) -> str:
        return self.view.node.name

    @property
    def troubled(self) -> bool:
        reported = self.note is not None and self.note.reported
        return self.state == "offline" or bool(self.view.problems) or reported

    @property
    def lat(self) -> float | None:
        return self.view.node.lat

    @property
    def lon(self) -> float | None:
        return self.view.node.lon

    @property
    def phone(self) -> str:
        """Who is to be called first: whoever has the key, or else the village head."""
        card = self.view.node.card or {}
        return str(card.get("key_phone") or card.get("head_phone") or "")

    def days_down(self, now: datetime) -> int | None:
        """Whole days of silence; None for who is connected or was never heard."""
        if self.state != "offline" or self.view.last_seen_at is None:
            return None
        return (now - self.view.last_seen_at).days


def shown(at: Here) -> dict[str, Any]:
    """What the page and its live part draw, by the words in the address."""
    view = request.args.get("view", "")
    view = view if view in _VIEWS else "grid"
    q, only = request.args.get("q", "").strip()[:100], request.args.get("only", "")
    clusters = _found(at, q)
    total = len(clusters)
    online = sum(each.state == "online" for each in clusters)
    if only == "trouble":
        clusters = [each for each in clusters if each.troubled or each.steps]
    clusters.sort(key=_longest_silent if view == "list" else _by_name)
    more, clusters = len(clusters) > MOST, clusters[:MOST]
    asked = {name: value for name, value in (("q", q), ("only", only)) if value}
    return {
        "clusters": clusters,
        "total": total,
        "online": online,
        "more": MOST if more else 0,
        "view": view,
        "asked": asked,
        "picture": village_map.picture(clusters) if view == "map" else None,
        "now": at.now,
    }


def _found(at: Here, q: str) -> list[Cluster]:
    places = Places(at.session, at.actor)
    found: list[NodeView] = []
    for view in _read(at, most=None if q else 2 * MOST):
        card = view.node.card or {}
        words = (view.node.name, view.node.code, places.name(view.area_id), *card.values())
        if not q or matches(q, *(str(word) for word in words)):
            found.append(view)
    ids = [view.node.id for view in found]
    restarts = node_story.restarts_of(at.session, ids, at.now - _WEEK)
    notes = node_care.newest_notes(at.session, ids)
    return [
        Cluster(
            view,
            places.name(view.area_id),
            advice.steps(view, restarts.get(view.node.id, 0), at.now),
            notes.get(view.node.id),
        )
        for view in found
    ]


def _read(at: Here, most: int | None) -> list[NodeView]:
    """All that the visitor may see; a whole province only when somebody searches it."""
    found: list[NodeView] = []
    cursor: str | None = None
    while True:
        page = nodes.page(at.session, at.actor, now=at.now, limit=_AT_ONCE, cursor=cursor)
        found += page.items
        cursor = page.next_cursor
        if cursor is None or (most is not None and len(found) >= most):
            return found


def _by_name(cluster: Cluster) -> tuple[bool, collation.Key]:
    return not cluster.troubled, collation.key(cluster.view.node.name)


def _longest_silent(cluster: Cluster) -> tuple[int, datetime, collation.Key]:
    """Silent ones first, the longest before all; then those never heard; then the others."""
    order = {"offline": 0, "unclaimed": 1, "online": 2}[cluster.state]
    since = (cluster.view.last_seen_at or _LONG_AGO) if order == 0 else _LONG_AGO
    return order, since, collation.key(cluster.view.node.name)
