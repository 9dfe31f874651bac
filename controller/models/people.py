"""Users with role and area, their API tokens, and the audit log that only grows."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Integer, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from controller.models.areas import Area
from controller.models.base import ID_LENGTH, Base, new_id, one_of, word


class Role(StrEnum):
    """What a user may do inside the area (and all below it) they belong to."""

    VIEWER = "viewer"
    VILLAGE_HEAD = "village_head"
    EDITOR = "editor"
    APPROVER = "approver"
    TECHNICIAN = "technician"
    ADMINISTRATOR = "administrator"


class User(Base):
    """A person. `password_hash` is empty until they set one through a one-time link."""

    __tablename__ = "user_account"
    __table_args__ = (one_of("role", Role),)

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    username: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    password_hash: Mapped[str | None]
    role: Mapped[Role] = mapped_column(word(Role))
    area_id: Mapped[str | None] = mapped_column(ForeignKey("area.id"))  # None: everywhere
    language: Mapped[str] = mapped_column(default="vi")
    session_version: Mapped[int] = mapped_column(default=1)  # raised: every session ends
    created_at: Mapped[datetime]
    locked_at: Mapped[datetime | None]

    area: Mapped[Area | None] = relationship()
    also: Mapped[list["UserArea"]] = relationship(
        cascade="all, delete-orphan", lazy="selectin", order_by="UserArea.area_id"
    )

    @property
    def area_ids(self) -> tuple[str, ...]:
        """Every area they serve, their own first; none: everywhere."""
        if self.area_id is None:
            return ()
        return (self.area_id, *(each.area_id for each in self.also))


class UserArea(Base):
    """An area a person serves beside their own, with all areas below it."""

    __tablename__ = "user_area"

    user_id: Mapped[str] = mapped_column(ForeignKey("user_account.id"), primary_key=True)
    area_id: Mapped[str] = mapped_column(ForeignKey("area.id"), primary_key=True)


class OneTimeLink(Base):
    """Lets one user set a password once. Only the hash of the secret is kept."""

    __tablename__ = "one_time_link"

    secret_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("user_account.id"))
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class ApiToken(Base):
    """A bearer token of a user, optionally narrower than its owner. Only its hash is kept."""

    __tablename__ = "api_token"

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("user_account.id"))
    name: Mapped[str]
    role: Mapped[Role | None] = mapped_column(word(Role))
    area_id: Mapped[str | None] = mapped_column(ForeignKey("area.id"))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

    user: Mapped[User] = relationship()


class SecondFactor(Base):
    """The secret a user's phone makes codes from; in force once `confirmed_at` is set.

    `last_step` is the time step of the newest code taken; `recovery` holds hashes of codes left.
    """

    __tablename__ = "second_factor"

    user_id: Mapped[str] = mapped_column(ForeignKey("user_account.id"), primary_key=True)
    secret: Mapped[str] = mapped_column(String(64))
    confirmed_at: Mapped[datetime | None]
    last_step: Mapped[int] = mapped_column(BigInteger, default=0)
    recovery: Mapped[list[Any]]


class BrowserSession(Base):
    """A browser somebody is signed in with. `kept`: the phone is remembered for 90 days."""

    __tablename__ = "browser_session"

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    user_id: Mapped[str] = mapped_column(ForeignKey("user_account.id"), index=True)
    agent: Mapped[str] = mapped_column(default="")
    kept: Mapped[bool]
    begun_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    proven_at: Mapped[datetime | None]  # when a second factor was last given in it
    ended_at: Mapped[datetime | None]


class AuditEntry(Base):
    """Who did what, when. Nothing updates or deletes a row."""

    __tablename__ = "audit_entry"

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    at: Mapped[datetime] = mapped_column(index=True)
    user_id: Mapped[str | None] = mapped_column(ForeignKey("user_account.id"))
    action: Mapped[str]  # such as clip.approve
    subject_kind: Mapped[str]
    subject_id: Mapped[str]
    area_id: Mapped[str | None]
    detail: Mapped[dict[str, Any] | None]
