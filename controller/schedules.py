"""Schedules: draft, create, pause, delete. (Signatures; filled in next.)"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from controller.access import Actor
from controller.errors import NotBuilt
from controller.models import Approval, Schedule
from controller.paging import Page
from protocol.outcomes import AiringClass


@dataclass(frozen=True, slots=True)
class ItemInput:
    clip_id: str
    times: int = 1
    gap_s: float = 0


@dataclass(frozen=True, slots=True)
class ScheduleInput:
    """`starts_at` is aware, or local text without offset in the areas' zone."""

    title: str
    items: list[ItemInput]
    area_ids: list[str]
    starts_at: datetime | str
    class_: AiringClass = AiringClass.NORMAL
    recurrence: dict[str, Any] | None = None
    seasons: list[dict[str, Any]] | None = None
    day_set: str | None = None
    until: datetime | str | None = None
    exceptions: dict[str, Any] | None = None
    late_s: int = 120
    tune: str | None = None


@dataclass(frozen=True, slots=True)
class Planned:
    """An airing as it would be; UTC."""

    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Draft:
    """What a schedule would do. Each conflict: airing, kind, rule, vi, en, with, suggestion,
    blocking (True: it cannot be saved so)."""

    occurrences: list[Planned]
    conflicts: list[dict[str, Any]]


def draft(
    session: Session, actor: Actor, data: ScheduleInput, now: datetime, limit: int = 1000
) -> Draft:
    raise NotBuilt("schedules")


def create(
    session: Session, actor: Actor, data: ScheduleInput, now: datetime
) -> tuple[Schedule, Draft]:
    """Raises Conflict when policy or a clash forbids it."""
    raise NotBuilt("schedules")


def pause(session: Session, actor: Actor, schedule_id: str, now: datetime) -> Schedule:
    raise NotBuilt("schedules")


def resume(session: Session, actor: Actor, schedule_id: str, now: datetime) -> Schedule:
    raise NotBuilt("schedules")


def delete(session: Session, actor: Actor, schedule_id: str, now: datetime) -> None:
    raise NotBuilt("schedules")


def get(session: Session, actor: Actor, schedule_id: str) -> Schedule:
    raise NotBuilt("schedules")


def page(
    session: Session,
    actor: Actor,
    *,
    status: Approval | None = None,
    area_id: str | None = None,
    limit: int | None = None,
    cursor: str | None = None,
) -> Page[Schedule]:
    raise NotBuilt("schedules")
