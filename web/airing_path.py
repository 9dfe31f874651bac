"""One airing's path to one cluster: from approval to the acknowledged report, on both clocks.

The cluster's times are what its reports say; the server's are when those reports were committed.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from controller.models import NodeReport, Playback, Schedule
from controller.playbacks import PlaybackView
from web.i18n import _


@dataclass(frozen=True, slots=True)
class Step:
    """`node_at` on the cluster's clock, `server_at` on ours; None: not known, or not happened."""

    text: str
    node_at: datetime | None = None
    server_at: datetime | None = None
    more: str = ""

    @property
    def done(self) -> bool:
        return self.node_at is not None or self.server_at is not None


def steps(session: Session, view: PlaybackView) -> list[Step]:
    """In the order in which they happen when all goes well."""
    row, airing = view.playback, view.airing
    schedule = session.get(Schedule, airing.schedule_id) if airing and airing.schedule_id else None
    received = _received(session, row)
    off = row.start_error_ms
    late = _("lệch %(ms)s ms", ms=f"{off:.1f}") if off is not None else ""
    return [
        Step(_("được duyệt và gửi đi"), server_at=schedule.decided_at if schedule else None),
        Step(
            _("máy chủ xem cụm loa đã đủ bản tin"), server_at=airing.checked_at if airing else None
        ),
        Step(_("giờ hẹn"), row.planned_at, row.planned_at),
        Step(_("bật tăng âm"), row.amplifier_on_at),
        Step(_("bắt đầu có tiếng"), row.started_at, received.get("started"), late),
        Step(_("hết tiếng"), row.ended_at),
        Step(_("tắt tăng âm"), row.amplifier_off_at),
        Step(_("máy chủ nhận và xác nhận báo cáo"), server_at=row.reported_at),
    ]


def _received(session: Session, row: Playback) -> dict[str, datetime]:
    """Kind of report → when it came first."""
    if row.device_id is None:
        return {}
    query = select(NodeReport).where(
        NodeReport.device_id == row.device_id, NodeReport.airing_id == row.airing_id
    )
    found: dict[str, datetime] = {}
    for report in session.scalars(query.order_by(NodeReport.received_at)):
        found.setdefault(str(report.body.get("kind", "")), report.received_at)
    return found
