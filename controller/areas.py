"""Areas: the tree of administrative units. (Signatures; filled in next.)"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from controller.access import Actor
from controller.calendar.policy import Policy
from controller.errors import NotBuilt
from controller.models import Area
from controller.paging import Page

DEFAULT_TIMEZONE = "Asia/Ho_Chi_Minh"


@dataclass(frozen=True, slots=True)
class AreaInput:
    name: str
    kind: str
    code: str | None = None
    parent_id: str | None = None
    timezone: str | None = None
    languages: list[str] | None = None
    policy: dict[str, Any] | None = None
    group: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Effective:
    """What holds in an area, inherited key by key from the areas above."""

    timezone: str
    languages: tuple[str, ...]
    policy: Policy


def create(session: Session, actor: Actor, data: AreaInput, now: datetime) -> Area:
    raise NotBuilt("areas")


def update(
    session: Session, actor: Actor, area_id: str, changes: dict[str, Any], now: datetime
) -> Area:
    """`changes`: field of AreaInput → new value."""
    raise NotBuilt("areas")


def get(session: Session, actor: Actor, area_id: str) -> Area:
    raise NotBuilt("areas")


def page(
    session: Session, actor: Actor, *, limit: int | None = None, cursor: str | None = None
) -> Page[Area]:
    raise NotBuilt("areas")


def path(session: Session, area_id: str) -> tuple[str, ...]:
    """The ids from the root to this area."""
    raise NotBuilt("areas")


def subtree(session: Session, area_ids: list[str]) -> frozenset[str]:
    raise NotBuilt("areas")


def effective(session: Session, area_id: str) -> Effective:
    raise NotBuilt("areas")
