"""What happened: the raw reports of devices, and one playback per airing and node."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, Date, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from controller.models.base import ID_LENGTH, Base, one_of, word
from protocol.outcomes import Outcome


class NodeReport(Base):
    """A report exactly as it came; its key makes ingest idempotent and free of order."""

    __tablename__ = "node_report"
    __table_args__ = (Index("ix_node_report_airing", "airing_id"),)

    device_id: Mapped[str] = mapped_column(ForeignKey("device.id"), primary_key=True)
    store_epoch: Mapped[str] = mapped_column(String(32), primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    airing_id: Mapped[str] = mapped_column(String(ID_LENGTH))
    received_at: Mapped[datetime]
    body: Mapped[dict[str, Any]]


class Playback(Base):
    """How one airing ended on one node.

    `planned_day` (UTC) leads the key because partitions need it. `presumed_*` is what the
    controller wrote when it heard nothing; the node's own word replaces it once, and both stay.
    `outcome` is empty while the airing is on the air.
    """

    __tablename__ = "playback"
    __table_args__ = (
        one_of("outcome", Outcome),
        Index("ix_playback_planned", "planned_at", "airing_id", "node_id"),
        Index("ix_playback_node_planned", "node_id", "planned_at"),
    )

    planned_day: Mapped[date] = mapped_column(Date, primary_key=True)
    airing_id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    node_id: Mapped[str] = mapped_column(ForeignKey("node.id"), primary_key=True)
    device_id: Mapped[str | None] = mapped_column(ForeignKey("device.id"))
    planned_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    outcome: Mapped[Outcome | None] = mapped_column(word(Outcome))
    reason: Mapped[str] = mapped_column(default="")
    detail: Mapped[str] = mapped_column(default="")
    start_error_ms: Mapped[float | None]
    played_ms: Mapped[int | None]
    length_ms: Mapped[int | None]
    volume_pct: Mapped[int | None]
    xruns: Mapped[int | None]
    amplifier_on_at: Mapped[datetime | None]
    amplifier_off_at: Mapped[datetime | None]
    clock: Mapped[dict[str, Any] | None]
    reported_at: Mapped[datetime | None]  # when the node's own word was committed
    presumed_outcome: Mapped[Outcome | None] = mapped_column(word(Outcome))
    presumed_reason: Mapped[str | None]
    presumed_at: Mapped[datetime | None]
    heard_ms: Mapped[int | None]  # None: no microphone there
    heard_level_db: Mapped[float | None]  # re full scale of the microphone
    heard_delay_ms: Mapped[float | None]
