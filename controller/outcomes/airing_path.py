"""One airing's path to one node, from approval to the acknowledged report, on both clocks.

The node's times are what its statuses and reports say; the server's are when a thing went out or
when that word was committed. A step without any time is not known, or has not happened.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from controller.models import Airing, Emergency, NodeReport, Schedule
from controller.outcomes import receipts
from controller.outcomes.playbacks import PlaybackView
from controller.planning import airings
from controller.territory import areas
from protocol.codec import parse_time
from protocol.programme import parts_for


class StepCode(StrEnum):
    """The steps in the order in which they happen when all goes well."""

    APPROVED = "approved"
    PUBLISHED = "published"
    RECEIVED = "received"  # the node works from the schedule that has it
    READY = "ready"  # the node holds every sound of it
    ANNOUNCED = "announced"  # record before sound: the node notes that it is about to begin
    PLANNED = "planned"
    AMPLIFIER_ON = "amplifier_on"
    FIRST_FRAME = "first_frame"
    END = "end"
    AMPLIFIER_OFF = "amplifier_off"
    ACKNOWLEDGED = "acknowledged"


@dataclass(frozen=True, slots=True)
class Step:
    """`node_at` on the node's clock, `server_at` on ours; None: not known, or not happened."""

    code: StepCode
    node_at: datetime | None = None
    server_at: datetime | None = None

    @property
    def done(self) -> bool:
        return self.node_at is not None or self.server_at is not None


def steps(session: Session, view: PlaybackView) -> list[Step]:
    """The whole path of a row of the log."""
    row, told = view.playback, _reports(session, view)
    finished = told.get("finished")
    return [
        *_before(session, view),
        Step(StepCode.ANNOUNCED, _said(told.get("started")), _came(told.get("started"))),
        Step(StepCode.PLANNED, row.planned_at, row.planned_at),
        Step(StepCode.AMPLIFIER_ON, row.amplifier_on_at),
        Step(StepCode.FIRST_FRAME, row.started_at, _came(finished) if row.started_at else None),
        Step(StepCode.END, row.ended_at, _came(finished) if row.ended_at else None),
        Step(StepCode.AMPLIFIER_OFF, row.amplifier_off_at),
        Step(StepCode.ACKNOWLEDGED, _said(finished), row.reported_at),
    ]


def _before(session: Session, view: PlaybackView) -> list[Step]:
    """What has to happen before the hour."""
    airing = view.airing
    if airing is None:
        return []
    approved = _approved_at(session, airing)
    if airing.emergency_id:
        sent, received = _emergency(session, view, airing)
    else:
        sent, received = _schedule(session, view, airing, approved or airing.original_at)
    return [
        Step(StepCode.APPROVED, server_at=approved),
        Step(StepCode.PUBLISHED, server_at=sent),
        Step(StepCode.RECEIVED, *received),
        Step(StepCode.READY, *_ready(session, view, airing)),
    ]


def _approved_at(session: Session, airing: Airing) -> datetime | None:
    if airing.schedule_id:
        schedule = session.get(Schedule, airing.schedule_id)
        return schedule.decided_at if schedule else None
    emergency = session.get(Emergency, airing.emergency_id) if airing.emergency_id else None
    return (emergency.confirmed_at or emergency.created_at) if emergency else None


# A node gathers what is new for a moment before it tells it.
_TOLD_WITHIN: Final = timedelta(seconds=5)
_Times = tuple[datetime | None, datetime | None]
_NEVER: _Times = (None, None)


def _schedule(
    session: Session, view: PlaybackView, airing: Airing, since: datetime
) -> tuple[datetime | None, _Times]:
    """When the page with the airing went out, and when the node worked from it."""
    if airing.schedule_id is None or view.area_id is None:
        return None, _NEVER
    path = set(areas.path(session, view.area_id))
    reached = [area.area_id for area in airing.areas if area.area_id in path]
    page = receipts.published(session, reached, airing.starts_at.date(), since, airing.starts_at)
    if page is None:
        return None, _NEVER
    came = receipts.schedule_receipt(session, view.node.id, page.area_id, page.revision)
    return page.at, (came.node_at, came.server_at) if came else _NEVER


def _emergency(
    session: Session, view: PlaybackView, airing: Airing
) -> tuple[datetime | None, _Times]:
    """When the order went out, and the node's first word that it had it.

    Its answer names the first sounding, and with that came the repeats; who came back later shows
    it by what it waits for or sounds, or by its report.
    """
    emergency = session.get_one(Emergency, airing.emergency_id)
    first = select(Airing.id).where(Airing.emergency_id == emergency.id)
    first_id = session.scalars(first.order_by(Airing.starts_at).limit(1)).one()
    came = receipts.airing_receipt(session, view.node.id, {first_id, airing.id})
    words = [(told.received_at, _said(told)) for told in _reports(session, view).values()]
    if came:
        words.append((came.server_at, came.node_at))
    if not words:
        return emergency.published_at, _NEVER
    server_at, node_at = min(words, key=lambda times: times[0])
    return emergency.published_at, (node_at, server_at)


def _ready(session: Session, view: PlaybackView, airing: Airing) -> _Times:
    """When the last of the sounds it had at the hour came; a former recording may stand in."""
    languages = view.node.languages or areas.effective(session, view.area_id or "").languages
    parts = parts_for(airings.parts_of(session, airing, airing.starts_at), languages)
    hashes = {sha256 for part in parts for sha256 in (part.sha256, part.fallback_sha256) if sha256}
    held = receipts.sound_receipts(session, view.node.id, hashes, _needed_by(view, airing))
    came = [held.get(part.sha256) or held.get(part.fallback_sha256) for part in parts]
    known = [each for each in came if each is not None]
    if not known or len(known) < len([part for part in parts if not part.optional]):
        return _NEVER
    last = max(known, key=lambda each: each.server_at)
    return last.node_at, last.server_at


def _needed_by(view: PlaybackView, airing: Airing) -> datetime:
    """Until when its sounds had to be there; a status may follow the first frame by moments."""
    begun = view.playback.started_at
    return begun + _TOLD_WITHIN if begun else airing.starts_at + timedelta(seconds=airing.late_s)


def _reports(session: Session, view: PlaybackView) -> dict[str, NodeReport]:
    """Kind of report → the one that came first, of the device whose word stands."""
    row = view.playback
    if row.device_id is None:
        return {}
    query = select(NodeReport).where(
        NodeReport.device_id == row.device_id, NodeReport.airing_id == row.airing_id
    )
    return _first_of_kind(session.scalars(query.order_by(NodeReport.received_at)))


def _first_of_kind(reports: Iterable[NodeReport]) -> dict[str, NodeReport]:
    found: dict[str, NodeReport] = {}
    for report in reports:
        found.setdefault(str(report.body.get("kind", "")), report)
    return found


def _came(report: NodeReport | None) -> datetime | None:
    return report.received_at if report else None


def _said(report: NodeReport | None) -> datetime | None:
    """The node's clock when it wrote the report."""
    at: Any = report.body.get("at") if report else None
    return parse_time(at) if isinstance(at, str) else None
