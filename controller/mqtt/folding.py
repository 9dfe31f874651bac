"""How a node's report changes the playback of an airing. Pure: no database, no clock of its own.

The first `finished` is the node's own word; it replaces what the controller presumed, and nothing
replaces it. Whatever the order of arrival, the row ends the same.
"""

from dataclasses import dataclass, fields
from datetime import date, datetime
from operator import attrgetter
from typing import Any

from protocol.messages import ClockReading, Report
from protocol.outcomes import Outcome, Reason, ReportKind

_LONGEST_DETAIL = 500


@dataclass(slots=True)
class Row:
    """A row of the table `playback` as plain values; the fields are its columns."""

    planned_day: date
    airing_id: str
    node_id: str
    planned_at: datetime
    device_id: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    outcome: Outcome | None = None
    reason: str = ""
    detail: str = ""
    start_error_ms: float | None = None
    played_ms: int | None = None
    length_ms: int | None = None
    volume_pct: int | None = None
    xruns: int | None = None
    amplifier_on_at: datetime | None = None
    amplifier_off_at: datetime | None = None
    clock: dict[str, Any] | None = None
    reported_at: datetime | None = None
    presumed_outcome: Outcome | None = None
    presumed_reason: str | None = None
    presumed_at: datetime | None = None
    heard_ms: int | None = None
    heard_level_db: float | None = None
    heard_delay_ms: float | None = None

    @property
    def key(self) -> tuple[date, str, str]:
        return self.planned_day, self.airing_id, self.node_id


COLUMNS = tuple(field.name for field in fields(Row))
ALL = attrgetter(*COLUMNS)  # a row's values in the order of COLUMNS


def fold(row: Row, report: Report, device_id: str, now: datetime) -> bool:
    """Let one report change the playback; whether it did."""
    if report.kind is not ReportKind.FINISHED:
        return _fold_started(row, report, device_id)
    if row.reported_at is not None:
        return False
    row.device_id = device_id
    row.reported_at = now
    row.outcome, row.reason = _ending(report)
    row.detail = report.detail[:_LONGEST_DETAIL]
    row.started_at = report.started_at or row.started_at
    row.ended_at = report.ended_at
    row.start_error_ms = report.start_error_ms
    row.played_ms = report.played_ms
    row.length_ms = report.length_ms
    row.volume_pct = report.volume_pct
    row.xruns = report.xruns
    row.amplifier_on_at = report.amplifier_on_at or row.amplifier_on_at
    row.amplifier_off_at = report.amplifier_off_at
    row.clock = _plain(report.clock)
    row.heard_ms = report.heard_ms
    row.heard_level_db = report.heard_level_db
    row.heard_delay_ms = report.heard_delay_ms
    return True


def _ending(report: Report) -> tuple[Outcome, str]:
    if report.outcome:
        return report.outcome, report.reason
    if report.reason == Reason.NOT_UNDERSTOOD:
        # A word of a later version: what can be said without it is whether there was sound.
        return Outcome.PARTIAL if report.played_ms else Outcome.MISSED, report.reason
    # A `finished` without an outcome is a broken node's; the sound did end, nobody knows how.
    return Outcome.INTERRUPTED, Reason.DEVICE_ERROR.value


def _fold_started(row: Row, report: Report, device_id: str) -> bool:
    if row.started_at is not None and row.device_id is not None:
        return False
    row.started_at = row.started_at or report.started_at or report.at
    row.device_id = row.device_id or device_id
    row.clock = row.clock or _plain(report.clock)
    row.start_error_ms = row.start_error_ms or report.start_error_ms
    row.amplifier_on_at = row.amplifier_on_at or report.amplifier_on_at
    return True


def _plain(clock: ClockReading) -> dict[str, Any]:
    return {"trusted": clock.trusted, "source": clock.source, "offset_ms": clock.offset_ms}
