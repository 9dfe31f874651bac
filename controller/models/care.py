"""Looking after nodes: what befell them, what was mended, and who is to hear of it."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from controller.models.base import ID_LENGTH, Base, new_id, one_of, word

_SERIAL = BigInteger().with_variant(Integer(), "sqlite")


class EventKind(StrEnum):
    """What befell a node, as the controller noticed it."""

    CAME = "came"  # connected
    WENT = "went"  # silent, or its last will
    RESTARTED = "restarted"  # another boot id: power cut, restart or crash
    CLOCK_LOST = "clock_lost"
    CLOCK_FOUND = "clock_found"
    TROUBLE = "trouble"  # `detail`: the sentence it said
    WELL = "well"  # no problem any more


class NodeEvent(Base):
    """One line of a node's story."""

    __tablename__ = "node_event"
    __table_args__ = (one_of("kind", EventKind), Index("ix_node_event_node", "node_id", "at"))

    id: Mapped[int] = mapped_column(_SERIAL, primary_key=True, autoincrement=True)
    node_id: Mapped[str] = mapped_column(ForeignKey("node.id"))
    at: Mapped[datetime]
    kind: Mapped[EventKind] = mapped_column(word(EventKind))
    detail: Mapped[str] = mapped_column(default="")


class RepairNote(Base):
    """What a technician found and did at a node; or, `reported`, what a village says is broken."""

    __tablename__ = "repair_note"
    __table_args__ = (Index("ix_repair_note_node", "node_id", "at"),)

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    node_id: Mapped[str] = mapped_column(ForeignKey("node.id"))
    at: Mapped[datetime]
    user_id: Mapped[str | None] = mapped_column(ForeignKey("user_account.id"))
    text: Mapped[str]
    reported: Mapped[bool] = mapped_column(default=False)


class AlertTarget(Base):
    """Where news of silent nodes and failed airings goes: an address as Apprise takes it.

    `told_until` is how far the log has been told; several events in one interval are one message.
    """

    __tablename__ = "alert_target"

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    area_id: Mapped[str | None] = mapped_column(ForeignKey("area.id"))  # None: everywhere
    name: Mapped[str]
    address: Mapped[str]
    language: Mapped[str] = mapped_column(default="vi")
    added_by: Mapped[str | None] = mapped_column(ForeignKey("user_account.id"))
    added_at: Mapped[datetime]
    told_until: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    error: Mapped[str] = mapped_column(default="")  # why the last message did not go out
