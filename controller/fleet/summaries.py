"""Reports a node had no room for: one `summary` says of many airings how many ended how, and why.

They are kept as they came, among the reports, and told on the cluster's page and above the log:
where the log presumes a miss in that time, the node may well have played.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session

from controller.accounts.access import Action, Actor, below, require, require_role, visible_areas
from controller.fleet import nodes
from controller.fleet.nodes import at_time
from controller.models import DeviceBinding, Node, NodeMembership, NodeReport
from protocol.codec import parse_time

_ID: Final = "summary-"  # what their airing id begins with
_MOST: Final = 200


@dataclass(frozen=True, slots=True)
class Ended:
    """So many airings ended so; `reason` may be empty."""

    outcome: str
    reason: str
    count: int


@dataclass(frozen=True, slots=True)
class Summary:
    """What a node summed up: airings planned from `from_at` to `until_at`, most frequent first."""

    node: Node
    from_at: datetime
    until_at: datetime
    received_at: datetime
    ended: tuple[Ended, ...]

    @property
    def count(self) -> int:
        return sum(each.count for each in self.ended)


def of_node(session: Session, actor: Actor, node_id: str) -> list[Summary]:
    """The newest first. Raises NotFound."""
    nodes.get(session, actor, node_id)
    return _read(session, _query().where(Node.id == node_id))


def between(
    session: Session,
    actor: Actor,
    from_: datetime | None,
    until: datetime | None,
    *,
    node_id: str | None = None,
    area_id: str | None = None,
) -> list[Summary]:
    """Those of the actor's places that speak of some of that time, the newest first."""
    require_role(actor, Action.VIEW)
    query = _query()
    own = visible_areas(session, actor)
    if area_id is not None:
        require(session, actor, Action.VIEW, area_id)
        own = below(session, [area_id])
    if own is not None:
        inside = at_time(NodeReport.received_at) & NodeMembership.area_id.in_(own)
        query = query.join(NodeMembership, NodeMembership.node_id == Node.id).where(inside)
    if node_id is not None:
        query = query.where(Node.id == node_id)
    return [
        each
        for each in _read(session, query)
        if (from_ is None or each.until_at >= from_) and (until is None or each.from_at < until)
    ]


def _query() -> Select[NodeReport, Node]:
    held = or_(DeviceBinding.until_at.is_(None), DeviceBinding.until_at > NodeReport.received_at)
    return (
        select(NodeReport, Node)
        .join(DeviceBinding, DeviceBinding.device_id == NodeReport.device_id)
        .join(Node, Node.id == DeviceBinding.node_id)
        .where(
            # A range, not LIKE: the index on airing ids serves it in every collation.
            NodeReport.airing_id >= _ID,
            NodeReport.airing_id < _ID[:-1] + ".",
            DeviceBinding.from_at <= NodeReport.received_at,
            held,
        )
        .order_by(NodeReport.received_at.desc(), NodeReport.seq.desc())
        .limit(_MOST)
    )


def _read(session: Session, query: Select[NodeReport, Node]) -> list[Summary]:
    found = (_summary(report, node) for report, node in session.execute(query))
    return [each for each in found if each is not None]


def _summary(report: NodeReport, node: Node) -> Summary | None:
    """None for what a broken node may have written."""
    body = report.body
    try:
        counts = json.loads(body["detail"])
        from_at, until_at = parse_time(body["planned_at"]), parse_time(body["at"])
        ended = _ended(counts)
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    if body.get("kind") != "summary" or not ended:
        return None
    return Summary(node, from_at, until_at, report.received_at, ended)


def _ended(counts: Mapping[str, Any]) -> tuple[Ended, ...]:
    split: Sequence[tuple[str, Any]] = sorted(counts.items(), key=lambda each: -int(each[1]))
    found = []
    for name, count in split:
        outcome, _, reason = name.partition("/")
        found.append(Ended(outcome, reason, int(count)))
    return tuple(found)
