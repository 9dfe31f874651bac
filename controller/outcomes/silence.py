"""Silence: an airing whose node never reported gets its row all the same.

Some time after the last instant at which it could have ended, each target without a word is
presumed `missed/offline_unknown`, and one that began and never ended `interrupted`. The node's own
report replaces that, once, even a month later; what was presumed stays beside it.
"""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from controller import changes
from controller.fleet import nodes
from controller.models import Airing, Approval, Node, Playback, Schedule
from controller.planning import airings
from controller.planning.planned import planned_at
from controller.planning.programmes import of_schedule
from controller.planning.withholding import Verdict, here, verdict_of
from controller.territory.places import Tree
from controller.upsert import insert_missing
from protocol.outcomes import Outcome, Reason

_AT_ONCE = 200  # airings a transaction looks at, so that writers are not kept waiting


def presume(session: Session, now: datetime, grace: timedelta) -> int:
    """Settle airings that are over; how many were looked at (fewer than a few hundred)."""
    query = (
        select(Airing)
        .where(
            Airing.settled_at.is_(None), Airing.cancelled_at.is_(None), Airing.ends_at < now - grace
        )
        .order_by(Airing.ends_at)
        .limit(_AT_ONCE)
    )
    over = [a for a in session.scalars(query) if _last_word_due(a, grace) < now]
    for airing in over:
        _settle(session, airing, now)
        airing.settled_at = now
    return len(over)


def _last_word_due(airing: Airing, grace: timedelta) -> datetime:
    return airing.ends_at + timedelta(seconds=airing.late_s) + grace


def _settle(session: Session, airing: Airing, now: datetime) -> None:
    targets = airings.targets(session, airing)
    silent = _had_nothing_to_say(session, airing)
    why = _why_withheld(session, airing, targets)
    rows = [_presumed(airing, node, why.get(node.id), silent, now) for node in targets]
    insert_missing(session, Playback, rows)
    session.flush()
    for row in _rows(session, airing):
        if row.outcome is None:
            row.outcome = row.presumed_outcome = Outcome.INTERRUPTED
            row.reason = row.presumed_reason = Reason.OFFLINE_UNKNOWN.value
            row.presumed_at = now
        if row.presumed_at == now:
            area_id = nodes.area_of(session, row.node_id, row.planned_at)
            changes.note(session, "playback", airing.id, area_id, now)


def _had_nothing_to_say(session: Session, airing: Airing) -> bool:
    """Whether all its clips were gone before it began; what was withdrawn later was there."""
    if airing.schedule_id is None or airings.parts_of(session, airing, airing.starts_at):
        return False
    loaded = of_schedule(session, session.get_one(Schedule, airing.schedule_id))
    return not any(
        version.status == Approval.WITHDRAWN
        and version.decided_at is not None
        and version.decided_at > airing.starts_at
        for item in loaded.items
        for version in item.original.versions
    )


def _why_withheld(session: Session, airing: Airing, targets: list[Node]) -> dict[str, str]:
    """Node id → the rule that forbade it there."""
    verdict: Verdict = verdict_of(airing)
    if verdict.everywhere is not None:
        return {node.id: str(verdict.everywhere["rule"]) for node in targets}
    if not verdict.places:
        return {}
    tree = Tree.load(session)
    lay_in = nodes.areas_of(session, [node.id for node in targets], airing.starts_at)
    found = {node_id: here(verdict, tree.path(area_id)) for node_id, area_id in lay_in.items()}
    return {node_id: str(why["rule"]) for node_id, why in found.items() if why}


def _presumed(
    airing: Airing, node: Node, withheld: str | None, silent: bool, now: datetime
) -> dict[str, object]:
    """The row of a target; where there is one already this changes nothing."""
    at = planned_at(airing, node)
    outcome, reason = Outcome.MISSED, Reason.OFFLINE_UNKNOWN
    if withheld is not None:
        outcome, reason = Outcome.SKIPPED, Reason.POLICY
    elif silent:
        outcome, reason = Outcome.SKIPPED, Reason.WITHDRAWN
    return {
        "planned_day": at.date(),
        "airing_id": airing.id,
        "node_id": node.id,
        "planned_at": at,
        "outcome": outcome,
        "reason": reason.value,
        "detail": withheld or "",
        "presumed_outcome": outcome,
        "presumed_reason": reason.value,
        "presumed_at": now,
    }


def _rows(session: Session, airing: Airing) -> list[Playback]:
    # A stagger slot may carry the last nodes over midnight.
    days = {airing.starts_at.date() + timedelta(days=n) for n in (0, 1)}
    query = (
        select(Playback)
        .where(Playback.planned_day.in_(days), Playback.airing_id == airing.id)
        .with_for_update()
    )
    return list(session.scalars(query))
