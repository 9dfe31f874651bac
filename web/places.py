"""Names for where something sounds, short enough for a line."""

from collections.abc import Sequence

from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from controller.accounts.access import Actor, visible_areas
from controller.models import Area
from controller.territory.places import Tree
from web import collation
from web.i18n import ngettext

_NAMED = 3


class Places:
    """The tree of areas, and which part of it the visitor has."""

    def __init__(self, session: Session, actor: Actor) -> None:
        self.tree = Tree.load(session)
        self.own = visible_areas(session, actor)

    def name(self, area_id: str | None) -> str:
        """An area's name; empty for none."""
        return self.tree.name(area_id) if area_id in self.tree.areas else ""

    def path(self, area_id: str | None) -> tuple[str, ...]:
        """The ids from the root to an area; none for none."""
        return self.tree.path(area_id) if area_id in self.tree.areas else ()

    def names(self, area_ids: Sequence[str]) -> str:
        """Up to three names, and how many more."""
        names = sorted((self.name(area_id) for area_id in area_ids), key=collation.key)
        rest = len(names) - _NAMED
        text = ", ".join(names[:_NAMED])
        if rest <= 0:
            return text
        more = ngettext("và %(num)d nơi khác", "và %(num)d nơi khác", rest)
        return f"{text} {more}"

    def listed(self) -> list[tuple[Area, int]]:
        """The visitor's open areas, each after the one above it, with its depth."""
        areas = [
            area
            for area in self.tree.areas.values()
            if area.closed_at is None and (self.own is None or area.id in self.own)
        ]
        inside = {area.id for area in areas}
        children: dict[str | None, list[Area]] = {}
        for area in sorted(areas, key=lambda each: collation.key(each.name)):
            parent = area.parent_id if area.parent_id in inside else None
            children.setdefault(parent, []).append(area)
        found: list[tuple[Area, int]] = []
        waiting = [(area, 0) for area in reversed(children.get(None, []))]
        while waiting:
            area, depth = waiting.pop()
            found.append((area, depth))
            waiting += [(child, depth + 1) for child in reversed(children.get(area.id, []))]
        return found

    def narrowed(self, form: MultiDict[str, str]) -> MultiDict[str, str]:
        """The form without the place ticked for the visitor, where one within it is ticked too.

        Scripts untick it at once; without them whoever ticks one village still means that village.
        """
        unasked, chosen = form.get("unasked", ""), form.getlist("area_ids")
        if not any(unasked in self.path(each)[:-1] for each in chosen):
            return form
        changed = form.copy()
        changed.setlist("area_ids", [each for each in chosen if each != unasked])
        return changed

    def day_sets(self) -> dict[str, str]:
        """The sets of days kept in the visitor's open areas: key → name."""
        kept = {id(e): e for e in (self.tree.effective(area.id) for area, _depth in self.listed())}
        found = {
            key: each.name or key for e in kept.values() for key, each in e.policy.day_sets.items()
        }
        return dict(sorted(found.items(), key=lambda pair: collation.key(pair[1])))
