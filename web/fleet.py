"""The list of clusters: searched without accents, in Vietnamese order, or the longest silent first.

For a technician with sixty of them: who is down for how many days, what to try first, whom to call,
and what was mended there last. As cards a commune stands whole, by name; more than that, and the
list of the longest silent, come a page at a time.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from flask import request

from controller.api.here import Here
from controller.fleet import node_care, node_story, roll
from controller.fleet.nodes import NodeView
from controller.fleet.roll import Asked
from controller.models import RepairNote
from controller.searching import matches
from web import advice, collation, village_map
from web.filters import midnight
from web.places import Places

MOST = 500
_A_PAGE = 100
_LONGEST_DAYS = 3650
_WEEK = timedelta(days=7)
_VIEWS = ("grid", "list", "map")


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
    asked, cursor = _asked(), request.args.get("cursor")
    places = Places(at.session, at.actor)
    wanted = _wanted(at, asked, places)
    counted = roll.counted(at.session, at.actor, wanted, at.now)
    whole = view == "map" or (view == "grid" and counted.total <= MOST)
    reading = _Reading(at, places)
    if asked.get("only") == "trouble":
        wanted = replace(wanted, also=reading.want_a_look)
    limit = MOST if whole else _A_PAGE
    page = roll.page(at.session, at.actor, wanted, at.now, limit=limit, cursor=cursor)
    clusters = reading.clusters(page.items)
    if whole:
        clusters.sort(key=_by_name)
    return {
        "clusters": clusters,
        "total": counted.total,
        "online": counted.online,
        "more": MOST if page.next_cursor and whole else 0,
        "next_cursor": None if whole else page.next_cursor,
        "few": not asked and counted.total <= MOST,
        "view": view,
        "asked": asked,
        "here": {**asked, "cursor": cursor} if cursor else asked,
        "picture": village_map.picture(clusters) if view == "map" else None,
        "now": at.now,
    }


def _asked() -> dict[str, str]:
    """The filters in the address that say something."""
    given = {name: request.args.get(name, "").strip()[:100] for name in ("q", "only", "since")}
    days = request.args.get("days", "").strip()
    if days.isdecimal() and 0 < int(days[:5]) <= _LONGEST_DAYS:
        given["days"] = str(int(days[:5]))
    if midnight(given["since"]) is None:
        del given["since"]
    return {name: text for name, text in given.items() if text}


def _wanted(at: Here, asked: dict[str, str], places: Places) -> Asked:
    words = asked.get("q", "")

    def meant(name: str, code: str, area_id: str | None, card: dict[str, Any]) -> bool:
        return matches(words, name, code, places.name(area_id), *map(str, card.values()))

    return Asked(
        since=midnight(asked.get("since", "")),
        days=int(asked["days"]) if "days" in asked else None,
        among=roll.named(at.session, at.actor, meant, at.now) if words else None,
    )


class _Reading:
    """Clusters as they are drawn; what was looked at once is not read again."""

    def __init__(self, at: Here, places: Places) -> None:
        self._at = at
        self._places = places
        self._read: dict[str, Cluster] = {}

    def want_a_look(self, views: Sequence[NodeView]) -> set[str]:
        found = self.clusters(views)
        return {each.view.node.id for each in found if each.troubled or each.steps}

    def clusters(self, views: Sequence[NodeView]) -> list[Cluster]:
        at = self._at
        ids = [view.node.id for view in views if view.node.id not in self._read]
        restarts = node_story.restarts_of(at.session, ids, at.now - _WEEK) if ids else {}
        notes = node_care.newest_notes(at.session, ids) if ids else {}
        for view in views:
            if view.node.id not in self._read:
                steps = advice.steps(view, restarts.get(view.node.id, 0), at.now)
                where, note = self._places.name(view.area_id), notes.get(view.node.id)
                self._read[view.node.id] = Cluster(view, where, steps, note)
        return [self._read[view.node.id] for view in views]


def _by_name(cluster: Cluster) -> tuple[bool, collation.Key]:
    return not cluster.troubled, collation.key(cluster.view.node.name)
