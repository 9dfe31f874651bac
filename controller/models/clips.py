"""Clips: a stable id for what is said, and versions that carry the sound and its approval."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from controller.models.areas import Area
from controller.models.base import ID_LENGTH, Base, new_id, one_of, word


class Approval(StrEnum):
    """Where a clip version or a schedule stands. Only `approved` reaches a node."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


class Clip(Base):
    """What schedules name. `topic` is one of the ministry's six content areas."""

    __tablename__ = "clip"
    __table_args__ = (CheckConstraint("topic BETWEEN 1 AND 6", name="topic_known"),)

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    title: Mapped[str]
    topic: Mapped[int]
    language: Mapped[str]
    app: Mapped[str | None]
    audience: Mapped[str | None]
    area_id: Mapped[str | None] = mapped_column(ForeignKey("area.id"), index=True)
    translation_of: Mapped[str | None] = mapped_column(ForeignKey("clip.id"))
    created_by: Mapped[str | None] = mapped_column(ForeignKey("user_account.id"))
    created_at: Mapped[datetime]
    ready_since: Mapped[datetime | None]  # kept on every node, for emergencies

    area: Mapped[Area | None] = relationship()
    versions: Mapped[list["ClipVersion"]] = relationship(
        back_populates="clip", order_by="ClipVersion.version"
    )


class ClipVersion(Base):
    """One recording of a clip: `sha256` names the delivery file, `source_sha256` the original."""

    __tablename__ = "clip_version"
    __table_args__ = (
        UniqueConstraint("clip_id", "version"),
        CheckConstraint("length(sha256) = 64", name="sha256_length"),
        one_of("status", Approval),
        Index("ix_clip_version_sha256", "sha256"),
    )

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    clip_id: Mapped[str] = mapped_column(ForeignKey("clip.id"))
    version: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64))
    bytes: Mapped[int] = mapped_column(BigInteger)
    duration_ms: Mapped[int]
    loudness_lufs: Mapped[float]
    true_peak_dbtp: Mapped[float]
    warnings: Mapped[list[Any]]  # [{"code","vi","en"}]
    peaks: Mapped[list[Any]]  # waveform for the page
    source_sha256: Mapped[str] = mapped_column(String(64))
    source_name: Mapped[str]
    source_format: Mapped[str]
    text: Mapped[str | None]  # what was typed, when it was spoken from text
    edit: Mapped[dict[str, Any] | None]  # trim and fades chosen on the page, in ms of the source
    status: Mapped[Approval] = mapped_column(word(Approval), default=Approval.PENDING)
    valid_from: Mapped[datetime | None]
    valid_until: Mapped[datetime | None]
    created_by: Mapped[str | None] = mapped_column(ForeignKey("user_account.id"))
    created_at: Mapped[datetime]
    decided_by: Mapped[str | None] = mapped_column(ForeignKey("user_account.id"))
    decided_at: Mapped[datetime | None]
    decision_note: Mapped[str | None]

    clip: Mapped[Clip] = relationship(back_populates="versions")


class SpokenLine(Base):
    """A line spoken from text (an outro), by the hash of its words: the same words, one sound."""

    __tablename__ = "spoken_line"

    text_sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    text: Mapped[str]
    sha256: Mapped[str] = mapped_column(String(64))
    bytes: Mapped[int] = mapped_column(BigInteger)
    duration_ms: Mapped[int]
    made_at: Mapped[datetime]


class Tune(Base):
    """A signature tune or alert tone in the store, by name."""

    __tablename__ = "tune"

    name: Mapped[str] = mapped_column(primary_key=True)
    title: Mapped[str]
    sha256: Mapped[str] = mapped_column(String(64))
    bytes: Mapped[int] = mapped_column(BigInteger)
    duration_ms: Mapped[int]
