"""What one call works with: the services, who calls, what time it is, and a session."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from flask import current_app, g
from sqlalchemy.orm import Session

from controller import commands, database
from controller.accounts.access import Actor
from controller.services import Services


@dataclass(frozen=True, slots=True)
class Here:
    """`now` is read once; `session` is open for the length of the call."""

    services: Services
    actor: Actor
    now: datetime
    session: Session


def services() -> Services:
    """Those the application was made with."""
    return cast(Services, current_app.extensions["loalang"])


def current_actor() -> Actor:
    """Who calls; set before every call that asks for a token."""
    return cast(Actor, g.actor)


@contextmanager
def looking() -> Iterator[Here]:
    """For calls that only read: no write lock."""
    at = services()
    with database.reading(at.engine) as session:
        yield Here(at, current_actor(), at.clock(), session)


@contextmanager
def changing() -> Iterator[Here]:
    """For calls that write: commits at the end, then wakes the service."""
    at = services()
    with database.transaction(at.engine) as session:
        yield Here(at, current_actor(), at.clock(), session)
    commands.wake(at.settings.wake_path)
