"""What the service says and is told to do: the sequence, the documents, commands, changes."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Integer, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from controller.models.base import Base

_SERIAL = BigInteger().with_variant(Integer(), "sqlite")


class SaidSequence(Base):
    """The one row whose number orders everything said to nodes (see controller.sequence).

    `leader`: the service that may use numbers; another that was paused while it changed may not.
    """

    __tablename__ = "said_sequence"

    id: Mapped[int] = mapped_column(primary_key=True)
    last: Mapped[int] = mapped_column(BigInteger)
    leader: Mapped[str] = mapped_column(String(16), default="", server_default="")


class Document(Base):
    """The last envelope said on a retained topic, to say again when a broker forgot it.

    `content_hash` is of what matters in it: equal content is not published anew.
    """

    __tablename__ = "document"

    topic: Mapped[str] = mapped_column(primary_key=True)
    revision: Mapped[int] = mapped_column(BigInteger)
    content_hash: Mapped[str] = mapped_column(String(64))
    envelope: Mapped[bytes] = mapped_column(LargeBinary)
    blobs: Mapped[dict[str, Any]]  # sha256 → bytes of the day pages it names
    published_at: Mapped[datetime]


class ServiceCommand(Base):
    """What a page or the API asks of the service; claimed by a conditional update."""

    __tablename__ = "service_command"

    id: Mapped[int] = mapped_column(_SERIAL, primary_key=True, autoincrement=True)
    kind: Mapped[str]
    body: Mapped[dict[str, Any]]
    created_by: Mapped[str | None] = mapped_column(ForeignKey("user_account.id"))
    created_at: Mapped[datetime]
    claimed_at: Mapped[datetime | None]
    done_at: Mapped[datetime | None]
    result: Mapped[dict[str, Any] | None]


class Change(Base):
    """A line for the pages' live stream: something of `kind` about `subject_id` changed."""

    __tablename__ = "change"

    seq: Mapped[int] = mapped_column(_SERIAL, primary_key=True, autoincrement=True)
    at: Mapped[datetime]
    kind: Mapped[str]  # airing, playback, node, clip, schedule, area
    subject_id: Mapped[str]
    area_id: Mapped[str | None]


class Setting(Base):
    """Settings an administrator changes on the page; everything else is in the environment."""

    __tablename__ = "setting"

    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[dict[str, Any]]
