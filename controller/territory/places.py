"""The tree of areas held in memory for one operation, where asking the database area by area
would cost more than reading the whole tree once (some thousand rows)."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from controller.models import Area
from controller.territory.areas import DEFAULT_LANGUAGES, Effective, inherited


@dataclass(slots=True)
class Tree:
    """Every area by id, with what it inherits, worked out once and kept."""

    areas: dict[str, Area]
    _children: dict[str, list[str]] = field(default_factory=dict)
    _effective: dict[str, Effective] = field(default_factory=dict)

    @classmethod
    def load(cls, session: Session) -> "Tree":
        tree = cls({area.id: area for area in session.scalars(select(Area))})
        for area in tree.areas.values():
            if area.parent_id is not None:
                tree._children.setdefault(area.parent_id, []).append(area.id)
        return tree

    def path(self, area_id: str) -> tuple[str, ...]:
        """The ids from the root to this area."""
        up: list[str] = []
        at: str | None = area_id
        while at is not None:
            up.append(at)
            at = self.areas[at].parent_id
        return tuple(reversed(up))

    def roots(self) -> tuple[str, ...]:
        """The areas that belong to no other."""
        return tuple(sorted(id for id, area in self.areas.items() if area.parent_id is None))

    def below(self, area_ids: Iterable[str]) -> frozenset[str]:
        """These areas and all below them."""
        found: set[str] = set()
        waiting = list(area_ids)
        while waiting:
            area_id = waiting.pop()
            if area_id not in found:
                found.add(area_id)
                waiting += self._children.get(area_id, ())
        return frozenset(found)

    def open_below(self, area_ids: Iterable[str]) -> frozenset[str]:
        """The same without those merged away, in which nothing can sound any more."""
        return frozenset(a for a in self.below(area_ids) if self.areas[a].closed_at is None)

    def around(self, area_ids: Iterable[str]) -> frozenset[str]:
        """All areas whose sound can meet sound of these: on their paths, or below them."""
        ids = list(area_ids)
        return self.below(ids).union(*(self.path(area_id) for area_id in ids))

    def effective(self, area_id: str) -> Effective:
        """What holds in an area."""
        known = self._effective.get(area_id)
        if known is None:
            known = self._effective[area_id] = self._inherited(area_id)
        return known

    def _inherited(self, area_id: str) -> Effective:
        area = self.areas[area_id]
        own = area.policy or area.timezone or area.languages
        if area.parent_id is not None and not own:
            return self.effective(area.parent_id)  # the same object: told apart by identity
        return inherited([self.areas[each] for each in self.path(area_id)])

    def languages(self, area_id: str) -> tuple[str, ...]:
        """The languages of an area, without working out the rest."""
        for each in reversed(self.path(area_id)):
            if self.areas[each].languages:
                return tuple(self.areas[each].languages or ())
        return DEFAULT_LANGUAGES

    def name(self, area_id: str) -> str:
        return self.areas[area_id].name
