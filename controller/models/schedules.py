"""Schedules (rules, in local time) and airings (their dated occurrences, in UTC)."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from controller.models.areas import Area
from controller.models.base import ID_LENGTH, Base, new_id, one_of, word
from controller.models.clips import Approval
from protocol.outcomes import AiringClass, Origin


class Programme(Base):
    """Clips in order, with tune, repeats and gaps."""

    __tablename__ = "programme"

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    tune: Mapped[str | None]  # a Tune's name, or "default": the area's; None: none
    outro: Mapped[str | None]  # contact, next_visit; None: none
    items: Mapped[list["ProgrammeItem"]] = relationship(
        back_populates="programme", order_by="ProgrammeItem.position", cascade="all, delete-orphan"
    )


class ProgrammeItem(Base):
    """One clip of a programme: `times` times, `gap_s` of silence after each."""

    __tablename__ = "programme_item"

    programme_id: Mapped[str] = mapped_column(ForeignKey("programme.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    clip_id: Mapped[str] = mapped_column(ForeignKey("clip.id"))
    times: Mapped[int] = mapped_column(default=1)
    gap_s: Mapped[float] = mapped_column(default=0)

    programme: Mapped[Programme] = relationship(back_populates="items")


class Schedule(Base):
    """When a programme airs. `starts_local` is wall time in `timezone`, without an offset.

    `rule` holds what the API was given: recurrence, seasons, day_set, until, exceptions.
    """

    __tablename__ = "schedule"
    __table_args__ = (one_of("status", Approval), one_of("class", AiringClass))

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    title: Mapped[str]
    programme_id: Mapped[str] = mapped_column(ForeignKey("programme.id"))
    class_: Mapped[AiringClass] = mapped_column(
        "class", word(AiringClass), default=AiringClass.NORMAL
    )
    timezone: Mapped[str]
    starts_local: Mapped[str]  # 2026-11-22T17:00:00
    rule: Mapped[dict[str, Any]]
    late_s: Mapped[int] = mapped_column(default=120)
    status: Mapped[Approval] = mapped_column(word(Approval), default=Approval.PENDING)
    paused_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]
    created_by: Mapped[str | None] = mapped_column(ForeignKey("user_account.id"))
    created_at: Mapped[datetime]
    decided_by: Mapped[str | None] = mapped_column(ForeignKey("user_account.id"))
    decided_at: Mapped[datetime | None]
    decision_note: Mapped[str | None]
    expanded_until: Mapped[datetime | None]  # how far its airings exist
    proposal: Mapped[dict[str, Any] | None] = mapped_column(
        JSON(none_as_null=True)
    )  # a change of it that waits for approval: {"data", "by", "at"}

    programme: Mapped[Programme] = relationship()
    areas: Mapped[list["ScheduleArea"]] = relationship(cascade="all, delete-orphan")


class ScheduleArea(Base):
    """An area a schedule airs in, with all areas below it."""

    __tablename__ = "schedule_area"

    schedule_id: Mapped[str] = mapped_column(ForeignKey("schedule.id"), primary_key=True)
    area_id: Mapped[str] = mapped_column(ForeignKey("area.id"), primary_key=True)

    area: Mapped[Area] = relationship()


class Airing(Base):
    """One dated broadcast. Its id is a hash of schedule and original instant: stable for ever."""

    __tablename__ = "airing"
    __table_args__ = (
        one_of("class", AiringClass),
        one_of("origin", Origin),
        Index("ix_airing_starts", "starts_at", "id"),
    )

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True)
    schedule_id: Mapped[str | None] = mapped_column(ForeignKey("schedule.id"), index=True)
    emergency_id: Mapped[str | None] = mapped_column(ForeignKey("emergency.id"), index=True)
    original_at: Mapped[datetime]  # RECURRENCE-ID
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]  # worst case over languages and stagger slots
    class_: Mapped[AiringClass] = mapped_column("class", word(AiringClass))
    origin: Mapped[Origin] = mapped_column(word(Origin), default=Origin.SCHEDULE)
    title: Mapped[str]
    late_s: Mapped[int]
    stagger_step_ms: Mapped[int] = mapped_column(default=0)
    cancelled_at: Mapped[datetime | None]  # taken off before it began
    withheld: Mapped[dict[str, Any] | None] = mapped_column(
        JSON(none_as_null=True)
    )  # the rule that forbids it everywhere since: {"rule", "area_id", "area", "vi", "en"}
    settled_at: Mapped[datetime | None]  # every target has its outcome
    checked_at: Mapped[datetime | None]  # readiness looked at before air time

    areas: Mapped[list["AiringArea"]] = relationship(cascade="all, delete-orphan")
    exempt: Mapped[list["AiringWithheld"]] = relationship(cascade="all, delete-orphan")


class AiringWithheld(Base):
    """From this area downwards an airing that sounds around it is withheld (`why`: the rule), or,
    below such an area, airs after all (`why` None)."""

    __tablename__ = "airing_withheld"
    __table_args__ = (Index("ix_airing_withheld_area", "area_id"),)

    airing_id: Mapped[str] = mapped_column(ForeignKey("airing.id"), primary_key=True)
    area_id: Mapped[str] = mapped_column(ForeignKey("area.id"), primary_key=True)
    why: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))


class AiringArea(Base):
    """An area an airing sounds in, with all areas below it."""

    __tablename__ = "airing_area"
    __table_args__ = (Index("ix_airing_area_area", "area_id"),)

    airing_id: Mapped[str] = mapped_column(ForeignKey("airing.id"), primary_key=True)
    area_id: Mapped[str] = mapped_column(ForeignKey("area.id"), primary_key=True)
