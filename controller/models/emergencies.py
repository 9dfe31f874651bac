"""What overrides the schedule: emergencies with their repeats, and an area's stop and mute."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from controller.models.base import ID_LENGTH, Base, new_id, one_of, word


class EmergencyState(StrEnum):
    """`waiting`: policy wants a second person. Only `active` sounds."""

    WAITING = "waiting"
    ACTIVE = "active"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class Emergency(Base):
    """One emergency or drill; its soundings are `Airing` rows with origin emergency.

    `parts` are the protocol's parts as they were when it was given, so that a later version of
    the clip cannot change what is on the air.
    """

    __tablename__ = "emergency"
    __table_args__ = (one_of("state", EmergencyState),)

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    title: Mapped[str]
    clip_id: Mapped[str] = mapped_column(ForeignKey("clip.id"))
    parts: Mapped[list[Any]]
    area_ids: Mapped[list[Any]]
    drill: Mapped[bool]
    repeat: Mapped[dict[str, Any] | None]  # {"times", "every_s"}
    state: Mapped[EmergencyState] = mapped_column(word(EmergencyState))
    created_by: Mapped[str | None] = mapped_column(ForeignKey("user_account.id"))
    created_at: Mapped[datetime]
    people_needed: Mapped[int]
    confirmed_by: Mapped[str | None] = mapped_column(ForeignKey("user_account.id"))
    confirmed_at: Mapped[datetime | None]
    published_at: Mapped[datetime | None]  # when nodes were first told
    starts_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    cancelled_by: Mapped[str | None] = mapped_column(ForeignKey("user_account.id"))
    cancelled_at: Mapped[datetime | None]


class AreaOrder(Base):
    """The stop and the mute that hold in an area (and all below it)."""

    __tablename__ = "area_order"

    area_id: Mapped[str] = mapped_column(ForeignKey("area.id"), primary_key=True)
    stopped_at: Mapped[datetime | None]
    muted_until: Mapped[datetime | None]
    ordered_by: Mapped[str | None] = mapped_column(ForeignKey("user_account.id"))
    ordered_at: Mapped[datetime]
