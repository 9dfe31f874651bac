"""Which of a schedule's airings the rules forbid by now, although it was approved.

Rules may have become stricter since. Such an airing keeps its row and says why; it is in no
document, and its outcome is skipped/policy. Hours forbid it when no place below permits it (each
node judges for itself). Nodes do not count, so limits are judged here, place by place: an airing
of the whole commune goes on in the villages where it fits, and the documents of the others say
that it is withheld there. Of several schedules that break a limit together the higher class stays,
then the older one.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session, selectinload

from controller.calendar.conflicts import is_within
from controller.calendar.policy import Span, Violation, over_limits, violations
from controller.models import Airing, AiringArea, AiringWithheld, Schedule
from controller.planning.due import Due, hours_in
from controller.territory.places import Tree
from protocol.outcomes import AiringClass

_DAY = timedelta(days=1)

Withheld = dict[str, Any]  # {"rule", "area_id", "area", "vi", "en"}


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why an airing is withheld everywhere; or, area by area, from where downwards it is (why) and
    from where it airs after all (None)."""

    everywhere: Withheld | None = None
    places: Mapping[str, Withheld | None] = field(default_factory=dict)


AIRS = Verdict()


def here(verdict: Verdict, path: Sequence[str]) -> Withheld | None:
    """Why it is withheld at the end of a path from the root; None: it airs there."""
    for area_id in reversed(path):
        if area_id in verdict.places:
            return verdict.places[area_id]
    return verdict.everywhere


def verdict_of(airing: Airing) -> Verdict:
    """What was found when the airing was last expanded."""
    return Verdict(airing.withheld, {row.area_id: row.why for row in airing.exempt})


def reasons(airing: Airing) -> list[Withheld]:
    """The rules that forbid it, each with its place; empty: it airs everywhere."""
    if airing.withheld is not None:
        return [airing.withheld]
    return [row.why for row in airing.exempt if row.why]


def withheld(
    session: Session, schedule: Schedule, found: Sequence[Due], tree: Tree
) -> dict[Due, Verdict]:
    """Those of `found` that may not air somewhere, with the rules and places that forbid them."""
    if not found or schedule.class_ == AiringClass.EMERGENCY:
        return {}
    area_ids = [area.area_id for area in schedule.areas]
    outside = {due: Verdict(_hours(due, area_ids, tree)) for due in _nowhere(found, area_ids, tree)}
    left = [due for due in found if due not in outside]
    return outside | _over_limits(session, schedule, left, tree)


def keep(
    session: Session, airing_ids: Sequence[str], verdicts: dict[str, Verdict]
) -> tuple[set[str], int]:
    """Write down where each airing is withheld; the areas concerned, and how many rows changed."""
    query = select(AiringWithheld).where(AiringWithheld.airing_id.in_(airing_ids))
    there = {(row.airing_id, row.area_id): row for row in session.scalars(query)}
    wanted = {
        (key, area_id): why
        for key in airing_ids
        for area_id, why in verdicts.get(key, AIRS).places.items()
    }
    differ = 0
    for pair in there.keys() - wanted.keys():
        session.delete(there[pair])
        differ += 1
    for pair, why in wanted.items():
        if pair not in there:
            session.add(AiringWithheld(airing_id=pair[0], area_id=pair[1], why=why))
            differ += 1
        elif there[pair].why != why:
            there[pair].why = why
            differ += 1
    session.flush()
    for key in {pair[0] for pair in (there.keys() ^ wanted.keys())}:
        airing = session.get(Airing, key)
        if airing is not None:
            session.expire(airing, ["exempt"])
    return {area_id for _, area_id in (*there, *wanted)}, differ


def permitted_anywhere(found: Sequence[Any], area_ids: Sequence[str], tree: Tree) -> list[Any]:
    """Those (anything with a start and an end) that some place below the areas permits."""
    nowhere = {id(each) for each in _nowhere(found, area_ids, tree)}
    return [each for each in found if id(each) not in nowhere]


def _nowhere(found: Sequence[Any], area_ids: Sequence[str], tree: Tree) -> list[Any]:
    if not found:
        return []
    last = max(each.ends_at for each in found)
    hours = hours_in(area_ids, tree, min(each.starts_at for each in found), last + _DAY)
    if any(windows is None for windows in hours):
        return []
    return [
        each
        for each in found
        if not any(is_within(windows or (), each.starts_at, each.ends_at) for windows in hours)
    ]


def _hours(due: Due, area_ids: Sequence[str], tree: Tree) -> Withheld:
    """Whose hours forbid it: those of the highest place that has any."""
    span = Span(due.starts_at, due.ends_at)
    inside = sorted(tree.open_below(area_ids), key=lambda each: (len(tree.path(each)), each))
    for area_id in inside:
        effective = tree.effective(area_id)
        for broken in violations(effective.policy, effective.timezone, [span]):
            if not broken.rule.startswith("max_"):
                return _because(broken, area_id, tree)
    raise AssertionError("what no place permits, some place forbids")


def _over_limits(
    session: Session, schedule: Schedule, found: Sequence[Due], tree: Tree
) -> dict[Due, Verdict]:
    area_ids = [area.area_id for area in schedule.areas]
    inside = sorted(tree.open_below(area_ids), key=lambda each: (len(tree.path(each)), each))
    limited = [a for a in inside if tree.effective(a).policy.has_limits]
    if not found or not limited:
        return {}
    broken = _broken(found, limited, list(_before(session, schedule, found, tree)), tree)
    touched = {due for rules in broken.values() for due in rules}
    return {due: _verdict(due, inside, set(area_ids), broken, tree) for due in touched}


def _broken(
    found: Sequence[Due], limited: Sequence[str], before: Sequence["_Before"], tree: Tree
) -> dict[str, dict[Due, Violation]]:
    """Limited area → what is over its limits there; places that count alike are judged once."""
    spans = {due.starts_at: due for due in found}
    planned = [Span(due.starts_at, due.ends_at) for due in found]
    judged: dict[tuple[int, frozenset[int]], dict[Due, Violation]] = {}
    broken: dict[str, dict[Due, Violation]] = {}
    for area_id in limited:
        effective, path = tree.effective(area_id), tree.path(area_id)
        beside = frozenset(i for i, each in enumerate(before) if each.sounds_at(path))
        key = (id(effective), beside)
        if key not in judged:
            there = [before[i].span for i in beside]
            over = over_limits(effective.policy, effective.timezone, planned, there)
            judged[key] = {spans[v.starts_at]: v for v in reversed(over)}
        broken[area_id] = judged[key]
    return broken


def _verdict(
    due: Due,
    inside: Sequence[str],
    targets: set[str],
    broken: Mapping[str, Mapping[Due, Violation]],
    tree: Tree,
) -> Verdict:
    """Where it is withheld, said only where that changes on the way down."""
    over = {a: broken[a][due] for a in inside if a in broken and due in broken[a]}
    if len(over) == len(inside):
        return Verdict(_because(over[inside[0]], inside[0], tree))
    places: dict[str, Withheld | None] = {}
    for area_id in inside:
        above = area_id not in targets and tree.areas[area_id].parent_id in over
        if (area_id in over) != above:
            places[area_id] = _because(over[area_id], area_id, tree) if area_id in over else None
    return Verdict(None, places)


@dataclass(frozen=True, slots=True)
class _Before:
    """An airing that comes before: where it sounds, and when."""

    area_ids: frozenset[str]
    verdict: Verdict
    span: Span

    def sounds_at(self, path: Sequence[str]) -> bool:
        return not self.area_ids.isdisjoint(path) and here(self.verdict, path) is None


def _before(
    session: Session, schedule: Schedule, found: Sequence[Due], tree: Tree
) -> Iterator[_Before]:
    """What sounds around there and stays: airings of schedules that come before this one."""
    query = (
        select(Airing)
        .join(Schedule, Schedule.id == Airing.schedule_id)
        .where(
            Airing.id.in_(
                select(AiringArea.airing_id).where(
                    AiringArea.area_id.in_(tree.around(a.area_id for a in schedule.areas))
                )
            ),
            Airing.schedule_id != schedule.id,
            Airing.cancelled_at.is_(None),
            Airing.withheld.is_(None),
            Airing.starts_at >= found[0].starts_at - _DAY,
            Airing.starts_at < found[-1].ends_at + _DAY,
            _comes_before(schedule),
        )
        .options(selectinload(Airing.areas), selectinload(Airing.exempt))
    )
    for airing in session.scalars(query):
        places = frozenset(area.area_id for area in airing.areas)
        yield _Before(places, verdict_of(airing), Span(airing.starts_at, airing.ends_at))


def _comes_before(schedule: Schedule) -> Any:
    older = or_(
        Schedule.created_at < schedule.created_at,
        and_(Schedule.created_at == schedule.created_at, Schedule.id < schedule.id),
    )
    if schedule.class_ == AiringClass.PRIORITY:
        return and_(Schedule.class_ == AiringClass.PRIORITY, older)
    normal = and_(Schedule.class_ == AiringClass.NORMAL, older)
    return or_(Schedule.class_ == AiringClass.PRIORITY, normal)


def _because(broken: Violation, area_id: str, tree: Tree) -> Withheld:
    name = tree.name(area_id)
    return {
        "rule": broken.rule,
        "area_id": area_id,
        "area": name,
        "vi": f"{name}: {broken.vi}",
        "en": f"{name}: {broken.en}",
    }
