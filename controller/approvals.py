"""Decisions on schedules, and what waits for one. (Signatures; filled in next.)"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from controller.access import Actor
from controller.clips import ClipView
from controller.errors import NotBuilt
from controller.models import Schedule


@dataclass(frozen=True, slots=True)
class Pending:
    """What waits for a decision in the actor's areas, oldest first."""

    clips: list[ClipView]
    schedules: list[Schedule]


def approve_schedule(
    session: Session, actor: Actor, schedule_id: str, now: datetime, note: str = ""
) -> Schedule:
    raise NotBuilt("approvals")


def reject_schedule(
    session: Session, actor: Actor, schedule_id: str, now: datetime, note: str = ""
) -> Schedule:
    raise NotBuilt("approvals")


def pending(session: Session, actor: Actor, now: datetime) -> Pending:
    raise NotBuilt("approvals")
