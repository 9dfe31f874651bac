"""Clips: upload, speech, approval of versions. (Signatures; filled in next.)"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from audio_library.store import Store
from controller.access import Actor
from controller.errors import NotBuilt
from controller.models import Approval, Clip, ClipVersion
from controller.paging import Page

# progress(step, share): what ingest is doing, and how far it is, from 0 to 1.
Progress = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class UploadInput:
    """A file and what it is about; times are aware or local text without offset."""

    path: Path
    filename: str
    title: str
    topic: int
    language: str
    app: str | None = None
    audience: str | None = None
    area_id: str | None = None
    translation_of: str | None = None
    valid_from: datetime | str | None = None
    valid_until: datetime | str | None = None
    replaces: str | None = None  # a clip's id: adds a version to it


@dataclass(frozen=True, slots=True)
class ClipFilters:
    topic: int | None = None
    language: str | None = None
    status: Approval | None = None  # of the newest version
    area_id: str | None = None
    q: str | None = None  # words, with or without accents


@dataclass(frozen=True, slots=True)
class ClipView:
    """A clip, its newest version, and the version that airs now (None: it does not)."""

    clip: Clip
    newest: ClipVersion
    on_air: ClipVersion | None


def upload(
    engine: Engine,
    store: Store,
    actor: Actor,
    data: UploadInput,
    now: datetime,
    progress: Progress | None = None,
) -> tuple[Clip, ClipVersion]:
    """Check, ingest outside any transaction, then write. Raises AudioError as it comes."""
    raise NotBuilt("clips")


def speak(
    engine: Engine,
    store: Store,
    actor: Actor,
    text: str,
    language: str,
    voice: str | None,
    title: str,
    topic: int,
    area_id: str | None,
    now: datetime,
) -> tuple[Clip, ClipVersion]:
    raise NotBuilt("clips")


def approve(
    session: Session, actor: Actor, clip_id: str, now: datetime, note: str = ""
) -> ClipVersion:
    raise NotBuilt("clips")


def reject(
    session: Session, actor: Actor, clip_id: str, now: datetime, note: str = ""
) -> ClipVersion:
    raise NotBuilt("clips")


def withdraw(
    session: Session, actor: Actor, clip_id: str, now: datetime, note: str = ""
) -> ClipVersion:
    """Every version falls silent at once."""
    raise NotBuilt("clips")


def get(session: Session, actor: Actor, clip_id: str) -> Clip:
    raise NotBuilt("clips")


def view(session: Session, clip: Clip, now: datetime) -> ClipView:
    raise NotBuilt("clips")


def page(
    session: Session,
    actor: Actor,
    filters: ClipFilters,
    *,
    now: datetime,
    limit: int | None = None,
    cursor: str | None = None,
) -> Page[ClipView]:
    raise NotBuilt("clips")


def airable(session: Session, clip_id: str, at: datetime) -> ClipVersion | None:
    """The newest approved version that is valid at that instant."""
    raise NotBuilt("clips")
