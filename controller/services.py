"""What a request needs from outside itself; made once per process and passed on, never imported."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Engine

from audio_library.store import Store
from controller.database import open_engine
from controller.settings import Settings


@dataclass(frozen=True, slots=True)
class Services:
    """The database, the sound files, the settings, and what time it is (aware UTC)."""

    engine: Engine
    store: Store
    settings: Settings
    clock: Callable[[], datetime]


def open_services(settings: Settings, clock: Callable[[], datetime] | None = None) -> Services:
    """Services over the real database and store. The schema is not looked at here."""
    settings.temporary_dir.mkdir(parents=True, exist_ok=True)
    return Services(
        engine=open_engine(settings.database_url),
        store=Store(settings.store_dir),
        settings=settings,
        clock=clock or (lambda: datetime.now(UTC)),
    )
