"""Reports of nodes: kept as they came, then folded into one playback per airing and node.

Ingest is idempotent (the key of a report is device, store epoch and number) and free of order: a
`finished` may come before its `started`, twice, or thirty days late. The first `finished` is the
node's own word; it replaces what the controller presumed, and nothing replaces it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, tuple_
from sqlalchemy.orm import Session, aliased

from controller import changes
from controller.models import (
    Airing,
    Device,
    DeviceBinding,
    Node,
    NodeMembership,
    NodeReport,
    Playback,
)
from controller.planned import planned_at
from controller.upsert import insert_missing
from protocol.codec import to_json
from protocol.errors import Malformed
from protocol.messages import Report, ReportAck, ReportBatch
from protocol.outcomes import Outcome, Reason, ReportKind

_LONGEST_ID = 64
_LONGEST_EPOCH = 32
_LONGEST_BATCH = 50
_LARGEST = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Told:
    """A verified batch and the device that signed it."""

    device_id: str
    batch: ReportBatch


def check(batch: ReportBatch) -> None:
    """Raise Malformed for what no column can hold; what is well formed is always kept."""
    if not 0 < len(batch.store_epoch) <= _LONGEST_EPOCH:
        raise Malformed("a batch needs the epoch of its store, at most 32 characters")
    if len(batch.reports) > _LONGEST_BATCH:
        raise Malformed(f"a batch has at most {_LONGEST_BATCH} reports")
    for report in batch.reports:
        numbers = (report.played_ms, report.length_ms, report.volume_pct, report.xruns)
        if not 0 < report.seq < 2**63 or not all(0 <= n <= _LARGEST for n in numbers):
            raise Malformed(f"report {report.seq}: a number is out of range")
        if not 0 < len(report.airing_id) <= _LONGEST_ID:
            raise Malformed(f"report {report.seq}: bad airing id")


def commit(session: Session, told: Sequence[Told], now: datetime) -> list[tuple[str, ReportAck]]:
    """Keep and fold every report; the acknowledgements hold once the caller has committed."""
    _keep(session, told, now)
    _fold_all(session, told, now)
    return [(one.device_id, _acknowledgement(session, one)) for one in told]


def fold(row: Playback, report: Report, device_id: str, now: datetime) -> bool:
    """Let one report change the playback; whether it did."""
    if report.kind is not ReportKind.FINISHED:
        return _fold_started(row, report, device_id)
    if row.reported_at is not None:
        return False
    row.device_id = device_id
    row.reported_at = now
    # A `finished` without an outcome is a broken node's; the sound did end, nobody knows how.
    row.outcome = report.outcome or Outcome.INTERRUPTED
    row.reason = report.reason if report.outcome else Reason.DEVICE_ERROR.value
    row.detail = report.detail[:500]
    row.started_at = report.started_at or row.started_at
    row.ended_at = report.ended_at
    row.start_error_ms = report.start_error_ms
    row.played_ms = report.played_ms
    row.length_ms = report.length_ms
    row.volume_pct = report.volume_pct
    row.xruns = report.xruns
    row.amplifier_on_at = report.amplifier_on_at or row.amplifier_on_at
    row.amplifier_off_at = report.amplifier_off_at
    row.clock = to_json(report.clock)
    return True


def _fold_started(row: Playback, report: Report, device_id: str) -> bool:
    if row.started_at is not None and row.device_id is not None:
        return False
    row.started_at = row.started_at or report.started_at or report.at
    row.device_id = row.device_id or device_id
    row.clock = row.clock or to_json(report.clock)
    row.start_error_ms = row.start_error_ms or report.start_error_ms
    row.amplifier_on_at = row.amplifier_on_at or report.amplifier_on_at
    return True


def _keep(session: Session, told: Sequence[Told], now: datetime) -> None:
    rows = [
        {
            "device_id": one.device_id,
            "store_epoch": one.batch.store_epoch,
            "seq": report.seq,
            "airing_id": report.airing_id,
            "received_at": now,
            "body": to_json(report),
        }
        for one in told
        for report in one.batch.reports
    ]
    insert_missing(session, NodeReport, rows)


# --- folding -----------------------------------------------------------------------------------

_Key = tuple[object, str, str]  # planned_day, airing_id, node_id


@dataclass(frozen=True, slots=True)
class _Placed:
    """A report with the row it belongs to."""

    report: Report
    device_id: str
    node: Node
    planned_at: datetime

    @property
    def key(self) -> _Key:
        return self.planned_at.date(), self.report.airing_id, self.node.id


def _fold_all(session: Session, told: Sequence[Told], now: datetime) -> None:
    placed = list(_placed(session, told))
    if not placed:
        return
    rows = _rows(session, placed)
    touched = {}
    for one in placed:
        if fold(rows[one.key], one.report, one.device_id, now):
            touched[one.report.airing_id, one.node.id] = one.planned_at
    areas = _areas(session, touched)
    for (airing_id, node_id), at in touched.items():
        changes.note(session, "playback", airing_id, areas.get((node_id, at)), now)


def _placed(session: Session, told: Sequence[Told]) -> Iterable[_Placed]:
    airing_ids = {report.airing_id for one in told for report in one.batch.reports}
    airings = {
        airing.id: airing
        for airing in session.scalars(select(Airing).where(Airing.id.in_(airing_ids)))
    }
    bindings = _bindings(session, {one.device_id for one in told})
    for one in told:
        for report in one.batch.reports:
            node = _node_at(bindings.get(one.device_id, []), report.planned_at)
            if node is None:
                continue  # a device nobody has bound to a place; its word is kept all the same
            airing = airings.get(report.airing_id)
            at = planned_at(airing, node) if airing else report.planned_at
            yield _Placed(report, one.device_id, node, at)


def _bindings(
    session: Session, device_ids: set[str]
) -> dict[str, list[tuple[DeviceBinding, Node]]]:
    query = (
        select(DeviceBinding, Node)
        .join(Node, Node.id == DeviceBinding.node_id)
        .where(DeviceBinding.device_id.in_(device_ids))
        .order_by(DeviceBinding.from_at)
    )
    found: dict[str, list[tuple[DeviceBinding, Node]]] = {}
    for binding, node in session.execute(query):
        found.setdefault(binding.device_id, []).append((binding, node))
    return found


def _node_at(bindings: Sequence[tuple[DeviceBinding, Node]], at: datetime) -> Node | None:
    """The place the device served at `at`; with a clock that was off, where it served last."""
    for binding, node in bindings:
        if binding.from_at <= at and (binding.until_at is None or at < binding.until_at):
            return node
    return bindings[-1][1] if bindings else None


def _rows(session: Session, placed: Sequence[_Placed]) -> dict[_Key, Playback]:
    stubs = {
        one.key: {
            "planned_day": one.planned_at.date(),
            "airing_id": one.report.airing_id,
            "node_id": one.node.id,
            "planned_at": one.planned_at,
            "reason": "",
            "detail": "",
        }
        for one in placed
    }
    # First make sure that each row exists, then lock them: nobody else can come in between.
    insert_missing(session, Playback, list(stubs.values()))
    query = (
        select(Playback)
        .where(tuple_(Playback.planned_day, Playback.airing_id, Playback.node_id).in_(list(stubs)))
        .with_for_update()
    )
    return {(r.planned_day, r.airing_id, r.node_id): r for r in session.scalars(query)}


def _areas(
    session: Session, touched: dict[tuple[str, str], datetime]
) -> dict[tuple[str, datetime], str]:
    """(node, instant) → the area the node belonged to then."""
    node_ids = {node_id for _, node_id in touched}
    query = select(NodeMembership).where(NodeMembership.node_id.in_(node_ids))
    memberships = list(session.scalars(query))
    return {
        (node_id, at): member.area_id
        for (_, node_id), at in touched.items()
        for member in memberships
        if member.node_id == node_id
        and member.from_at <= at
        and (member.until_at is None or at < member.until_at)
    }


# --- acknowledging -----------------------------------------------------------------------------


def _acknowledgement(session: Session, one: Told) -> ReportAck:
    upto = _upto(session, one.device_id, one.batch.store_epoch)
    also = tuple(sorted({r.seq for r in one.batch.reports if r.seq > upto}))
    return ReportAck(one.batch.store_epoch, upto, also)


def _upto(session: Session, device_id: str, store_epoch: str) -> int:
    """The end of the unbroken run from report 1; 0 when the first ones are not here.

    Rows that retention has removed cannot be told from rows that never came, so nothing is
    acknowledged that is not in the table now.
    """
    later = aliased(NodeReport)
    same = (NodeReport.device_id == device_id, NodeReport.store_epoch == store_epoch)
    if session.get(NodeReport, (device_id, store_epoch, 1)) is None:
        return 0
    gap = select(later.seq).where(
        later.device_id == device_id,
        later.store_epoch == store_epoch,
        later.seq == NodeReport.seq + 1,
    )
    query = select(func.min(NodeReport.seq)).where(*same, ~gap.exists())
    return session.scalar(query) or 0


def known_devices(session: Session, device_ids: Iterable[str]) -> dict[str, Device]:
    """The devices of these ids that were enrolled and not shut out."""
    query = select(Device).where(Device.id.in_(set(device_ids)), Device.shut_out_at.is_(None))
    return {device.id: device for device in session.scalars(query)}
