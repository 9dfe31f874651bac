"""What every table shares: the declarative base, UTC times, ids, checks on enumerated text."""

import secrets
from collections.abc import Iterable
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any, ClassVar

from sqlalchemy import JSON, CheckConstraint, DateTime, Enum, MetaData, String
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator

ID_LENGTH = 64


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC datetime; a naive one is refused on the way in."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        value = _in_utc(value)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def bind_processor(self, dialect: Dialect) -> Any:
        # The text SQLAlchemy would make for SQLite, in one step of C: reports are full of times.
        return _sqlite_text if dialect.name == "sqlite" else super().bind_processor(dialect)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _in_utc(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("a naive time cannot be stored: pass an aware datetime")
    return value if value.tzinfo is UTC else value.astimezone(UTC)


@lru_cache(maxsize=1024)  # a batch of reports has the same instant over and over
def _sqlite_text(value: datetime | None) -> str | None:
    return None if value is None else _in_utc(value).isoformat(" ", "microseconds")[:26]


class Base(DeclarativeBase):
    """Names constraints by rule, so that a migration can find them again on both databases."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: UtcDateTime(),
        dict[str, Any]: JSON(),
        list[Any]: JSON(),
        str: String(),
    }


def new_id() -> str:
    """A fresh id: 16 lower-case hex digits, safe in topics, addresses and file names."""
    return secrets.token_hex(8)


def word(values: type[StrEnum]) -> Enum:
    """A text column whose values come back as members of `values`, not as bare text."""
    return Enum(
        values,
        native_enum=False,
        length=20,
        values_callable=lambda members: [member.value for member in members],
    )


def one_of(column: str, values: Iterable[StrEnum]) -> CheckConstraint:
    """The database itself refuses a word that is not in the list."""
    words = ", ".join(f"'{value.value}'" for value in values)
    return CheckConstraint(f"{column} IN ({words})", name=f"{column}_known")
