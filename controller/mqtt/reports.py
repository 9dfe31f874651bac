"""Reports of nodes: kept as they came, then folded into one playback per airing and node.

Ingest is idempotent (the key of a report is device, store epoch and number) and free of order: a
`finished` may come before its `started`, twice, or thirty days late. A batch costs few statements.
"""

import json
import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from operator import attrgetter
from typing import NamedTuple

from sqlalchemy import Table, and_, bindparam, delete, func, insert, select, update
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
from controller.mqtt.folding import ALL, COLUMNS, Row, fold
from controller.planning.planned import planned_at
from controller.upsert import Bulk
from protocol.codec import to_json
from protocol.errors import Malformed
from protocol.keys import VerifyKey
from protocol.messages import Report, ReportAck, ReportBatch
from protocol.outcomes import Reason, ReportKind

_log = logging.getLogger(__name__)

_LONGEST_ID = 64
_LONGEST_EPOCH = 32
_LONGEST_BATCH = 50
_LARGEST = 2**31 - 1
_BEYOND = 2**63  # no number of a report
_NOT_UNDERSTOOD = Reason.NOT_UNDERSTOOD.value
_ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Told:
    """A verified batch and the device that signed it; `texts`: its reports as they came.

    `lost`: how many of it cannot even be kept, having no number.
    """

    device_id: str
    batch: ReportBatch
    texts: Sequence[str] = ()
    lost: int = 0

    @property
    def unread(self) -> int:
        """How many reports of it this version does not understand."""
        unread = [each for each in self.batch.reports if each.reason == _NOT_UNDERSTOOD]
        return self.lost + len(unread)

    def bodies(self) -> Iterable[tuple[Report, str]]:
        texts = self.texts or [json.dumps(to_json(report)) for report in self.batch.reports]
        return zip(self.batch.reports, texts, strict=True)


def told(device_id: str, batch: ReportBatch, texts: Sequence[str]) -> Told:
    """The batch as it can be kept: what no column can hold is kept as text and folded into nothing.

    One bad report must not hold up what comes after it in the node's outbox. Raises Malformed for a
    batch that is none.
    """
    if not 0 < len(batch.store_epoch) <= _LONGEST_EPOCH:
        raise Malformed("a batch needs the epoch of its store, at most 32 characters")
    if len(batch.reports) > _LONGEST_BATCH:
        raise Malformed(f"a batch has at most {_LONGEST_BATCH} reports")
    if all(map(_fits, batch.reports)):
        return Told(device_id, batch, texts)
    pairs = [
        (report if _fits(report) else _blurred(report), text)
        for report, text in Told(device_id, batch, texts).bodies()
        if 0 < report.seq < _BEYOND
    ]
    kept = ReportBatch(batch.store_epoch, tuple(report for report, _ in pairs))
    return Told(device_id, kept, [text for _, text in pairs], len(batch.reports) - len(pairs))


def _fits(report: Report) -> bool:
    return (
        0 < report.seq < _BEYOND
        and 0 <= report.played_ms <= _LARGEST
        and 0 <= report.length_ms <= _LARGEST
        and 0 <= report.volume_pct <= _LARGEST
        and 0 <= report.xruns <= _LARGEST
        and 0 <= (report.heard_ms or 0) <= _LARGEST
        and 0 < len(report.airing_id) <= _LONGEST_ID
    )


def _blurred(report: Report) -> Report:
    return Report(
        report.seq,
        ReportKind.UNKNOWN,
        report.airing_id[:_LONGEST_ID],
        reason=_NOT_UNDERSTOOD,
    )


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


def known_keys(session: Session, device_ids: Iterable[str]) -> dict[str, VerifyKey]:
    """Device → key, of those that were enrolled and not shut out."""
    query = select(Device.id, Device.public_key).where(
        Device.id.in_(set(device_ids)), Device.shut_out_at.is_(None)
    )
    return {device_id: VerifyKey.from_hex(key) for device_id, key in session.execute(query)}


_REPORTS = NodeReport.__table__
assert isinstance(_REPORTS, Table)
KEEP = Bulk.insert_missing(
    _REPORTS,
    ("device_id", "store_epoch", "seq", "airing_id", "received_at", "body"),
    as_is=("body",),
)


_FORGET = Bulk(
    lambda _: delete(NodeReport).where(
        NodeReport.device_id == bindparam("key_device"),
        NodeReport.store_epoch == bindparam("key_epoch"),
        NodeReport.seq == bindparam("key_seq"),
    ),
    ("key_device", "key_epoch", "key_seq"),
)


def _keep(session: Session, told: Sequence[Told], now: datetime) -> None:
    KEEP.run(
        session,
        (
            (one.device_id, one.batch.store_epoch, report.seq, report.airing_id, now, body)
            for one in told
            for report, body in one.bodies()
        ),
    )


Key = tuple[str, str, int]  # device, store epoch, number


def older_than(session: Session, before: datetime, limit: int) -> list[Key]:
    """Up to `limit` reports that came before `before`."""
    key = (NodeReport.device_id, NodeReport.store_epoch, NodeReport.seq)
    query = select(*key).where(NodeReport.received_at < before).limit(limit)
    return [(device_id, epoch, seq) for device_id, epoch, seq in session.execute(query)]


def forget(session: Session, keys: Sequence[Key]) -> None:
    """Remove these reports; one that came again would be folded into nothing new."""
    _FORGET.run(session, keys)


# --- folding -----------------------------------------------------------------------------------

_TABLE = Playback.__table__
assert isinstance(_TABLE, Table)
_KEY = ("planned_day", "airing_id", "node_id")
_CHANGING = tuple(name for name in COLUMNS if name not in _KEY)
_INSERT = Bulk.insert_missing(_TABLE, COLUMNS)
_UPDATE = Bulk(
    lambda _: (
        update(Playback)
        .where(and_(*(_TABLE.c[name] == bindparam(f"key_{name}") for name in _KEY)))
        .values({name: bindparam(name) for name in _CHANGING})
    ),
    (*_CHANGING, *(f"key_{name}" for name in _KEY)),
)
_CHANGED = attrgetter(*_CHANGING, *_KEY)


class _Placed(NamedTuple):
    """A report with the place and the instant it belongs to."""

    report: Report
    device_id: str
    planned_at: datetime
    key: tuple[date, str, str]


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
        row = rows.get(one.key) or there.get(one.key) or Row(*one.key, one.planned_at)
        rows[one.key] = row
        if fold(row, one.report, one.device_id, now):
            changed[one.key] = row
    new = [row for key, row in changed.items() if key not in there]
    if not _insert_rows(session, new):
        return False
    _UPDATE.run(session, (_CHANGED(row) for key, row in changed.items() if key in there))
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
    if session.get_bind().dialect.name == "sqlite":
        # BEGIN IMMEDIATE: nobody else writes between the look and this.
        _INSERT.run(session, map(ALL, rows))
        return True
    with session.begin_nested() as savepoint:
        if _INSERT.run(session, map(ALL, rows)) == len(rows):
            return True
        savepoint.rollback()
    return False


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
        served = bindings.get(one.device_id, [])
        for report in one.batch.reports:
            if report.kind is ReportKind.SUMMARY:
                _log.warning("device %s sums up: %s", one.device_id, report.detail)
                continue  # of many airings, and so of none
            if report.kind is ReportKind.UNKNOWN:
                _log.warning(
                    "device %s: report %s is of a later version", one.device_id, report.seq
                )
                continue
            found = _node_at(served, report.planned_at)
            if found is None:
                continue  # a device nobody has bound to a place; its word is kept all the same
            node, node_id = found
            airing = airings.get(report.airing_id)
            at = planned_at(airing, node) if airing else report.planned_at
            yield _Placed(report, one.device_id, at, (at.date(), report.airing_id, node_id))


# A time at a place, from and until when, as plain values: an ORM object gives one up slowly.
_Served = tuple[datetime, datetime | None, tuple[Node, str]]


def _bindings(session: Session, device_ids: set[str]) -> dict[str, list[_Served]]:
    query = (
        select(DeviceBinding, Node)
        .join(Node, Node.id == DeviceBinding.node_id)
        .where(DeviceBinding.device_id.in_(device_ids))
        .order_by(DeviceBinding.from_at)
    )
    found: dict[str, list[_Served]] = {}
    for binding, node in session.execute(query):
        served = (binding.from_at, binding.until_at, (node, node.id))
        found.setdefault(binding.device_id, []).append(served)
    return found


def _node_at(served: Sequence[_Served], at: datetime) -> tuple[Node, str] | None:
    """The place the device served at `at`; with a clock that was off, where it served last."""
    for from_at, until_at, place in served:
        if from_at <= at and (until_at is None or at < until_at):
            return place
    return served[-1][2] if served else None


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


def unbroken(session: Session, device_id: str, store_epoch: str) -> int:
    """Up to which number every report of a store is here; 0 when the first ones are not."""
    return _upto(session, device_id, store_epoch, 0)


def _upto(session: Session, device_id: str, store_epoch: str, known: int) -> int:
    """The end of the unbroken run from report 1; 0 when the first ones are not here.

    Rows that retention has removed cannot be told from rows that never came, so nothing is
    acknowledged that is not in the table now, or was when `known` was.
    """
    same = (NodeReport.device_id == device_id, NodeReport.store_epoch == store_epoch)
    if session.scalar(select(NodeReport.seq).where(*same, NodeReport.seq == max(known, 1))) is None:
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
