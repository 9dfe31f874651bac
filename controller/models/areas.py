"""Areas: the tree of administrative units. Kinds and names are data; history survives a merge."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from controller.models.base import ID_LENGTH, Base, new_id


class Area(Base):
    """A province, commune or village. What it leaves empty comes from its parent."""

    __tablename__ = "area"

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    parent_id: Mapped[str | None] = mapped_column(ForeignKey("area.id"), index=True)
    name: Mapped[str]
    kind: Mapped[str]  # thôn, bản, xã, phường … : a word of the place, never a constant
    code: Mapped[str | None] = mapped_column(unique=True)  # official unit code, text
    timezone: Mapped[str | None]
    languages: Mapped[list[Any] | None]
    policy: Mapped[dict[str, Any] | None]
    group: Mapped[dict[str, Any] | None] = mapped_column(
        "community_group"
    )  # the Community Digital Technology Group
    created_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]  # merged away; rows that name it stay

    parent: Mapped["Area | None"] = relationship(remote_side=[id])
