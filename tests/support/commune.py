"""A small commune in a real database: two communes, three villages, and a cast of people.

Alice administers the commune, Bob approves there, Erin edits, Tom is its technician, Vera only
looks; Charlie administers the other commune and must see nothing of this one.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from controller import schema
from controller.accounts import people, tokens
from controller.accounts.access import SYSTEM
from controller.database import open_engine, sqlite_url, transaction
from controller.models import Area, Role

NOW = datetime(2026, 11, 22, 5, 0, tzinfo=UTC)
CAST = {
    "alice": (Role.ADMINISTRATOR, "commune"),
    "bob": (Role.APPROVER, "commune"),
    "erin": (Role.EDITOR, "commune"),
    "tom": (Role.TECHNICIAN, "commune"),
    "vera": (Role.VIEWER, "commune"),
    "charlie": (Role.ADMINISTRATOR, "elsewhere"),
}


@dataclass(frozen=True, slots=True)
class Commune:
    """Ids by name: areas, users; and each user's API token."""

    areas: dict[str, str]
    users: dict[str, str]
    tokens: dict[str, str]


def migrated_engine(folder: Path) -> Engine:
    engine = open_engine(sqlite_url(folder / "loalang.db"))
    schema.upgrade(engine)
    return engine


def settle(engine: Engine) -> Commune:
    """Fill the database with areas and people."""
    with transaction(engine) as session:
        areas = _areas(session)
        users, secrets = {}, {}
        for name, (role, area) in CAST.items():
            data = people.UserInput(name, name.title(), role, areas[area])
            user, _link = people.create(session, SYSTEM, data, NOW)
            _row, secret = tokens.create(session, SYSTEM, user.id, "tests", NOW)
            users[name], secrets[name] = user.id, secret
    return Commune(areas, users, secrets)


def _areas(session: Session) -> dict[str, str]:
    names = {
        "commune": (None, "Xã Hoà Bình", "xã"),
        "upper": ("commune", "Thôn Thượng", "thôn"),
        "lower": ("commune", "Thôn Hạ", "thôn"),
        "elsewhere": (None, "Xã Khác", "xã"),
    }
    ids: dict[str, str] = {}
    for key, (parent, name, kind) in names.items():
        area = Area(
            name=name, kind=kind, parent_id=ids.get(parent) if parent else None, created_at=NOW
        )
        session.add(area)
        session.flush()
        ids[key] = area.id
    return ids
