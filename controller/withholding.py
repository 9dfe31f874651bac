"""Which of a schedule's airings the rules forbid by now, although it was approved.

Rules may have become stricter since. Such an airing keeps its row and says why; it is in no
document, and its outcome is skipped/policy. Hours forbid it when no place below permits it (each
node judges for itself); a limit when it is broken anywhere, because nodes do not count. Of several
schedules that break a limit together the higher class stays, then the older one.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from controller.calendar.conflicts import is_within
from controller.calendar.policy import Span, Violation, violations
from controller.due import Due, hours_in
from controller.models import Airing, AiringArea, Schedule
from controller.places import Tree
from protocol.outcomes import AiringClass

_DAY = timedelta(days=1)

Withheld = dict[str, Any]  # {"rule", "area_id", "area", "vi", "en"}


def withheld(
    session: Session, schedule: Schedule, found: Sequence[Due], tree: Tree
) -> dict[Due, Withheld]:
    """Those of `found` that may not air, each with the rule and the place that forbid it."""
    if not found or schedule.class_ == AiringClass.EMERGENCY:
        return {}
    area_ids = [area.area_id for area in schedule.areas]
    outside = {due: _hours(due, area_ids, tree) for due in _nowhere(found, area_ids, tree)}
    left = [due for due in found if due not in outside]
    return outside | _over_limits(session, schedule, left, tree)


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
) -> dict[Due, Withheld]:
    area_ids = [area.area_id for area in schedule.areas]
    limited = [a for a in tree.open_below(area_ids) if tree.effective(a).policy.has_limits]
    if not found or not limited:
        return {}
    spans = {due.starts_at: due for due in found}
    before = list(_before(session, schedule, found, tree))
    forbidden: dict[Due, Withheld] = {}
    judged: set[tuple[int, frozenset[int]]] = set()
    for area_id in sorted(limited, key=lambda each: (len(tree.path(each)), each)):
        effective, path = tree.effective(area_id), set(tree.path(area_id))
        beside = frozenset(i for i, (places, _) in enumerate(before) if places & path)
        if (id(effective), beside) in judged:
            continue
        judged.add((id(effective), beside))
        planned = [Span(d.starts_at, d.ends_at) for d in found if d not in forbidden]
        there = [before[i][1] for i in beside]
        for broken in violations(effective.policy, effective.timezone, planned, there):
            due = spans.get(broken.starts_at)
            if due is not None and broken.rule.startswith("max_"):
                forbidden.setdefault(due, _because(broken, area_id, tree))
    return forbidden


def _before(
    session: Session, schedule: Schedule, found: Sequence[Due], tree: Tree
) -> Iterator[tuple[set[str], Span]]:
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
    )
    for airing in session.scalars(query):
        places = {area.area_id for area in airing.areas}
        yield places, Span(airing.starts_at, airing.ends_at)


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
