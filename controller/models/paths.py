"""When what an airing needs went out, and when a node held it: the middle of an airing's path."""

from datetime import date, datetime

from sqlalchemy import BigInteger, Date, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from controller.models.base import ID_LENGTH, Base


class PagePublication(Base):
    """A day page of an area that went out new or changed, in a revision of the area's schedule."""

    __tablename__ = "page_publication"
    __table_args__ = (Index("ix_page_publication_at", "at"),)

    area_id: Mapped[str] = mapped_column(ForeignKey("area.id"), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    revision: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    at: Mapped[datetime]


class NodeReceipt(Base):
    """A node's word that it holds something it did not hold in its word before.

    `subject`: an area whose schedule is in force there in `revision`; or the hash of a sound
    (`revision` 0, then -1, -2… each time it came again); or an emergency's airing (`revision` 1).
    `node_at`: its own clock when it said so; `server_at`: when that came. `gone_at`: from when on
    it no longer had the sound.
    """

    __tablename__ = "node_receipt"
    __table_args__ = (Index("ix_node_receipt_at", "server_at"),)

    node_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("node.id"), primary_key=True)
    subject: Mapped[str] = mapped_column(String(64), primary_key=True)
    revision: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    node_at: Mapped[datetime]
    server_at: Mapped[datetime]
    gone_at: Mapped[datetime | None]
