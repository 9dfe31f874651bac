"""Airings: schedules expanded into dated broadcasts. (Signatures; filled in next.)"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from controller.access import Actor
from controller.errors import NotBuilt
from controller.models import Airing, Node, Schedule
from controller.paging import Page
from protocol.messages import Part

HORIZON_DAYS = 30


@dataclass(frozen=True, slots=True)
class Readiness:
    """How many of the nodes an airing is for hold every clip it needs."""

    ready: int
    total: int


@dataclass(frozen=True, slots=True)
class AiringView:
    airing: Airing
    area_ids: tuple[str, ...]
    readiness: Readiness


def airing_id(schedule_id: str, original_at: datetime) -> str:
    """The first 32 hex digits of SHA-256 over "schedule_id/original instant as RFC 3339 UTC"."""
    raise NotBuilt("airings")


def expand(
    session: Session, schedule: Schedule, now: datetime, horizon_days: int = HORIZON_DAYS
) -> int:
    """Bring the schedule's airings up to the horizon; returns how many rows changed."""
    raise NotBuilt("airings")


def roll(session: Session, now: datetime, horizon_days: int = HORIZON_DAYS) -> int:
    """Expand every approved schedule; returns how many rows changed."""
    raise NotBuilt("airings")


def parts_of(session: Session, airing: Airing, at: datetime) -> tuple[Part, ...]:
    """What is to sound: the tune and each item's newest approved version. Empty: nothing may."""
    raise NotBuilt("airings")


def targets(session: Session, airing: Airing) -> list[Node]:
    """The nodes an airing is for, by membership at its start."""
    raise NotBuilt("airings")


def readiness(session: Session, airing: Airing, now: datetime) -> Readiness:
    raise NotBuilt("airings")


def get(session: Session, actor: Actor, airing_id: str) -> Airing:
    raise NotBuilt("airings")


def page(
    session: Session,
    actor: Actor,
    *,
    now: datetime,
    from_: datetime | None = None,
    until: datetime | None = None,
    area_id: str | None = None,
    node_id: str | None = None,
    limit: int | None = None,
    cursor: str | None = None,
) -> Page[AiringView]:
    """By start, cancelled ones left out."""
    raise NotBuilt("airings")
