"""Reports of nodes: kept as they came, then folded into one playback per airing and node.

Ingest is idempotent (the key of a report is device, store epoch and number) and free of order: a
`finished` may come before its `started`, twice, or thirty days late (see `folding`). A batch costs
a handful of statements, however many reports it has.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import Table, and_, bindparam, func, insert, select, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session, aliased

from controller.models import (
    Airing,
    Change,
    Device,
    DeviceBinding,
    Node,
    NodeMembership,
    NodeReport,
    Playback,
)
from controller.mqtt.folding import COLUMNS, Row, fold
from controller.planned import planned_at
from controller.upsert import insert_missing
from protocol.codec import to_json
from protocol.errors import Malformed
from protocol.messages import Report, ReportAck, ReportBatch

_LONGEST_ID = 64
_LONGEST_EPOCH = 32
_LONGEST_BATCH = 50
_LARGEST = 2**31 - 1
_ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Told:
    """A verified batch and the device that signed it; `raw`: its reports as they came."""

    device_id: str
    batch: ReportBatch
    raw: Sequence[Mapping[str, Any]] = field(default=())

    def bodies(self) -> Iterable[tuple[Report, Mapping[str, Any]]]:
        raw = self.raw or [to_json(report) for report in self.batch.reports]
        return zip(self.batch.reports, raw, strict=True)


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


Runs = Mapping[tuple[str, str], int]  # device and store epoch → end of the unbroken run from 1


def commit(
    session: Session, told: Sequence[Told], now: datetime, runs: Runs
) -> list[tuple[str, ReportAck]]:
    """Keep and fold every report; the acknowledgements hold once the caller has committed.

    One acknowledgement for each device and store, whatever the number of its batches. `runs`:
    what was acknowledged up to where before, as far as the caller remembers.
    """
    _keep(session, told, now)
    _fold_all(session, told, now)
    return _acknowledgements(session, told, runs)


def known_devices(session: Session, device_ids: Iterable[str]) -> dict[str, Device]:
    """The devices of these ids that were enrolled and not shut out."""
    query = select(Device).where(Device.id.in_(set(device_ids)), Device.shut_out_at.is_(None))
    return {device.id: device for device in session.scalars(query)}


def _keep(session: Session, told: Sequence[Told], now: datetime) -> None:
    rows = [
        {
            "device_id": one.device_id,
            "store_epoch": one.batch.store_epoch,
            "seq": report.seq,
            "airing_id": report.airing_id,
            "received_at": now,
            "body": body,
        }
        for one in told
        for report, body in one.bodies()
    ]
    insert_missing(session, NodeReport, rows)


# --- folding -----------------------------------------------------------------------------------

_TABLE = Playback.__table__
assert isinstance(_TABLE, Table)
_KEY = ("planned_day", "airing_id", "node_id")
_INSERT = insert(_TABLE)
_INSERT_MISSING = (
    postgresql.insert(_TABLE)
    .on_conflict_do_nothing()
    .execution_options(preserve_rowcount=True)  # how many were inserted is the point
)
_UPDATE = (
    update(_TABLE)
    .where(and_(*(_TABLE.c[name] == bindparam(f"key_{name}") for name in _KEY)))
    .values({name: bindparam(name) for name in COLUMNS if name not in _KEY})
)


@dataclass(frozen=True, slots=True)
class _Placed:
    """A report with the place and the instant it belongs to."""

    report: Report
    device_id: str
    node: Node
    planned_at: datetime

    @property
    def key(self) -> tuple[date, str, str]:
        return self.planned_at.date(), self.report.airing_id, self.node.id

    def blank(self) -> Row:
        return Row(*self.key, self.planned_at)


def _fold_all(session: Session, told: Sequence[Told], now: datetime) -> None:
    placed = list(_placed(session, told))
    # A row that somebody else inserts meanwhile is folded in a second round, now locked.
    for _ in range(_ROUNDS):
        if not placed or _fold_round(session, placed, now):
            return
    raise RuntimeError("playbacks change faster than they can be locked")


def _fold_round(session: Session, placed: Sequence[_Placed], now: datetime) -> bool:
    """Fold into rows that are there and insert those that are not. False: look again."""
    there = _locked_rows(session, placed)
    rows: dict[tuple[date, str, str], Row] = {}
    changed = {}
    for one in placed:
        row = rows.setdefault(one.key, there.get(one.key) or one.blank())
        if fold(row, one.report, one.device_id, now):
            changed[row.key] = row
    new = [row for key, row in changed.items() if key not in there]
    if not _insert_rows(session, new):
        return False
    _update_rows(session, [row for key, row in changed.items() if key in there])
    _tell_pages(session, changed.values(), now)
    return True


def _locked_rows(session: Session, placed: Sequence[_Placed]) -> dict[tuple[date, str, str], Row]:
    keys = {one.key for one in placed}
    days, airing_ids, node_ids = ({key[n] for key in keys} for n in range(3))
    query = (
        select(*(_TABLE.c[name] for name in COLUMNS))
        .where(
            _TABLE.c.planned_day.in_(days),
            _TABLE.c.airing_id.in_(airing_ids),
            _TABLE.c.node_id.in_(node_ids),
        )
        .with_for_update()
    )
    found = (Row(*values) for values in session.execute(query))
    return {row.key: row for row in found if row.key in keys}


def _insert_rows(session: Session, rows: Sequence[Row]) -> bool:
    """False when one of them was there already: then none is inserted."""
    if not rows:
        return True
    values = [row.values() for row in rows]
    if session.get_bind().dialect.name == "sqlite":
        # BEGIN IMMEDIATE: nobody else writes between the look and this.
        session.connection().execute(_INSERT, values)
        return True
    with session.begin_nested() as savepoint:
        if session.connection().execute(_INSERT_MISSING, values).rowcount == len(rows):
            return True
        savepoint.rollback()
    return False


def _update_rows(session: Session, rows: Sequence[Row]) -> None:
    if rows:
        values = [
            row.values() | {f"key_{name}": getattr(row, name) for name in _KEY} for row in rows
        ]
        session.connection().execute(_UPDATE, values)


def _tell_pages(session: Session, changed: Iterable[Row], now: datetime) -> None:
    said = {(row.airing_id, row.node_id): row.planned_at for row in changed}
    areas = _areas(session, said)
    lines = {
        (airing_id, areas.get((node_id, at))): None for (airing_id, node_id), at in said.items()
    }
    rows = [
        {"at": now, "kind": "playback", "subject_id": airing_id, "area_id": area_id}
        for airing_id, area_id in lines
    ]
    if rows:
        session.execute(insert(Change), rows)


def _placed(session: Session, told: Sequence[Told]) -> Iterable[_Placed]:
    airing_ids = {report.airing_id for one in told for report in one.batch.reports}
    query = select(Airing).where(Airing.id.in_(airing_ids))
    airings = {airing.id: airing for airing in session.scalars(query)}
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


def _areas(
    session: Session, said: Mapping[tuple[str, str], datetime]
) -> dict[tuple[str, datetime], str]:
    """(node, instant) → the area the node belonged to then."""
    query = select(NodeMembership).where(NodeMembership.node_id.in_({n for _, n in said}))
    members: dict[str, list[NodeMembership]] = {}
    for member in session.scalars(query):
        members.setdefault(member.node_id, []).append(member)
    return {
        (node_id, at): member.area_id
        for (_, node_id), at in said.items()
        for member in members.get(node_id, ())
        if member.from_at <= at and (member.until_at is None or at < member.until_at)
    }


# --- acknowledging -----------------------------------------------------------------------------


def _acknowledgements(
    session: Session, told: Sequence[Told], runs: Runs
) -> list[tuple[str, ReportAck]]:
    seqs: dict[tuple[str, str], set[int]] = {}
    for one in told:
        of_store = seqs.setdefault((one.device_id, one.batch.store_epoch), set())
        of_store.update(report.seq for report in one.batch.reports)
    found = []
    for (device_id, epoch), committed in seqs.items():
        upto = _run(runs.get((device_id, epoch), 0), committed)
        if any(seq > upto for seq in committed):
            # A gap, or a service that does not remember: the table knows.
            upto = max(upto, _upto(session, device_id, epoch, upto))
        also = tuple(sorted(seq for seq in committed if seq > upto))
        found.append((device_id, ReportAck(epoch, upto, also)))
    return found


def _run(upto: int, committed: Collection[int]) -> int:
    while upto + 1 in committed:
        upto += 1
    return upto


def _upto(session: Session, device_id: str, store_epoch: str, known: int) -> int:
    """The end of the unbroken run from report 1; 0 when the first ones are not here.

    Rows that retention has removed cannot be told from rows that never came, so nothing is
    acknowledged that is not in the table now, or was when `known` was.
    """
    same = (NodeReport.device_id == device_id, NodeReport.store_epoch == store_epoch)
    first = select(NodeReport.seq).where(*same, NodeReport.seq == max(known, 1))
    if session.scalar(first) is None:
        return known
    later = aliased(NodeReport)
    following = select(later.seq).where(
        later.device_id == device_id,
        later.store_epoch == store_epoch,
        later.seq == NodeReport.seq + 1,
    )
    query = select(func.min(NodeReport.seq)).where(
        *same, NodeReport.seq >= known, ~following.exists()
    )
    return session.scalar(query) or known
