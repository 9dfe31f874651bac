"""What village heads and Groups saw after an airing: households that asked, apps installed."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from controller.models.base import ID_LENGTH, Base, new_id
from controller.models.schedules import Airing


class Feedback(Base):
    """One note of one village about one airing; several people may note the same airing."""

    __tablename__ = "feedback"
    __table_args__ = (
        CheckConstraint("asked >= 0 AND installed >= 0", name="counts_not_negative"),
        Index("ix_feedback_area_at", "area_id", "created_at"),
    )

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    airing_id: Mapped[str] = mapped_column(ForeignKey("airing.id"), index=True)
    area_id: Mapped[str] = mapped_column(ForeignKey("area.id"))
    asked: Mapped[int | None]
    installed: Mapped[int | None]
    note: Mapped[str | None]
    created_by: Mapped[str | None] = mapped_column(ForeignKey("user_account.id"))
    created_at: Mapped[datetime]

    airing: Mapped[Airing] = relationship()
