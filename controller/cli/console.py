"""What an administration command works with: settings, services, who acts, and how to show things.

The console acts as the program itself, unless `--as NAME` names a user: whoever may read the
database file could do everything anyway.
"""

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from controller import commands, database, schema
from controller.accounts import people
from controller.accounts.access import SYSTEM, Actor
from controller.errors import BadInput, NotFound
from controller.models import Area
from controller.services import Services, open_services
from controller.settings import Settings, load

Run = Callable[["Console", argparse.Namespace], int]
DONE: Final = 0
FAILED: Final = 1
WRONG_USE: Final = 2
_WIDEST_CELL: Final = 48


@dataclass(slots=True)
class Console:
    """One command's surroundings; the database is opened at the first use."""

    settings: Settings
    as_json: bool
    english: bool
    acting_as: str | None = None
    _opened: Services | None = field(default=None)

    @property
    def services(self) -> Services:
        """Opened once; refuses an old schema, which `migrate` brings up to date."""
        if self._opened is None:
            self._opened = open_services(self.settings)
            schema.require_current(self._opened.engine)
        return self._opened

    @property
    def now(self) -> datetime:
        return self.services.clock()

    @contextmanager
    def reading(self) -> Iterator[tuple[Session, Actor]]:
        """A session for looking, and who looks."""
        with database.reading(self.services.engine) as session:
            yield session, self._actor(session)

    @contextmanager
    def changing(self) -> Iterator[tuple[Session, Actor]]:
        """A session that commits at the end and wakes the service."""
        with database.transaction(self.services.engine) as session:
            yield session, self._actor(session)
        commands.wake(self.settings.wake_path)

    def actor(self) -> Actor:
        """Who acts, for work that opens its sessions itself."""
        with database.reading(self.services.engine) as session:
            return self._actor(session)

    def show(self, record: Mapping[str, Any]) -> None:
        """One thing: JSON, or a line a field."""
        if self.as_json:
            print(json.dumps(record, ensure_ascii=False, indent=2))
            return
        width = max(map(len, record), default=0)
        print("\n".join(f"{name:<{width}}  {_cell(value)}" for name, value in record.items()))

    def table(self, records: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
        """Many things: JSON with every field, or a table of some."""
        if self.as_json:
            print(json.dumps(list(records), ensure_ascii=False, indent=2))
            return
        rows = [
            [_cell(record.get(column))[:_WIDEST_CELL] for column in columns] for record in records
        ]
        widths = [max(map(len, cells)) for cells in zip(columns, *rows, strict=True)]
        for cells in [list(columns), *rows]:
            line = "  ".join(f"{cell:<{width}}" for cell, width in zip(cells, widths, strict=True))
            print(line.rstrip())

    def say(self, vi: str, en: str) -> None:
        """A sentence for a person; scripts asked for JSON and get none."""
        if not self.as_json:
            print(en if self.english else vi)

    def close(self) -> None:
        if self._opened is not None:
            self._opened.engine.dispose()

    def _actor(self, session: Session) -> Actor:
        if self.acting_as is None:
            return SYSTEM
        return people.actor_of(people.find(session, SYSTEM, self.acting_as))


def open_console(asked: argparse.Namespace) -> Console:
    """From the command's options and the environment. Raises SettingsError."""
    settings = load(os.environ, asked.config)
    return Console(settings, asked.json, prefers_english(), asked.acting_as)


def prefers_english() -> bool:
    """The shell's language; whoever set none reads English."""
    chosen = (os.environ.get(name) for name in ("LOALANG_LANGUAGE", "LC_ALL", "LANG"))
    return not next((text for text in chosen if text), "").startswith("vi")


def area_id(session: Session, named: str | None) -> str | None:
    """The id of an area named by id or by official code. Raises NotFound."""
    if named is None:
        return None
    query = select(Area.id).where((Area.id == named) | (Area.code == named))
    found = session.scalar(query)
    if found is None:
        raise NotFound("area")
    return found


def read_json(named: str) -> dict[str, Any]:
    """The JSON object in a file, or in what comes in when the name is `-`. Raises BadInput."""
    text = sys.stdin.read() if named == "-" else Path(named).read_text(encoding="utf-8")
    try:
        body = json.loads(text)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise BadInput(
            {
                "file": (
                    f"{named} không phải một đối tượng JSON: hãy sửa rồi chạy lại.",
                    f"{named} is not a JSON object: mend it and run this again.",
                )
            }
        )
    return body


def given(asked: argparse.Namespace, *names: str) -> dict[str, Any]:
    """The options that were given, by name."""
    return {name: getattr(asked, name) for name in names if getattr(asked, name) is not None}


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return str(value).replace("\n", " ")
