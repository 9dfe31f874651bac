"""What becomes of the lower class where two airings overlap; nodes act by the same rule.

The higher class sounds on time. The lower one, if it is on the air, is cut off (shorten); if it
would begin meanwhile, it waits for the end and joins where it would be by then, and is left out
(skip) when that is past its lateness limit or nothing of it would be left. Equal classes never
decide it among themselves: the official puts one before the other.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol

from controller.models import Schedule
from protocol.outcomes import AiringClass

_RANKS = {AiringClass.NORMAL: 0, AiringClass.PRIORITY: 1, AiringClass.EMERGENCY: 2}

_LEAST_LEFT = timedelta(seconds=2)  # less is not begun by a node
Effect = Literal["wait", "shorten", "skip"]
EFFECTS: dict[Effect, tuple[str, str]] = {
    "wait": (
        "chờ phát xong rồi chỉ phát phần còn lại",
        "waits until that is over and plays only what is left of it",
    ),
    "shorten": ("bị ngắt giữa chừng", "is cut off"),
    "skip": ("không phát lượt này", "is left out"),
}


class Sounding(Protocol):
    """Anything with a start and an end."""

    @property
    def starts_at(self) -> datetime: ...
    @property
    def ends_at(self) -> datetime: ...


@dataclass(frozen=True, slots=True)
class Loss:
    """Which of two overlapping airings gives way, and how."""

    loser: Literal["this", "other"]
    effect: Effect


def loss_of(
    class_: AiringClass, late_s: int, this: Sounding, other: Schedule, that: Sounding
) -> Loss | None:
    """What the overlap costs the lower class; None between equals."""
    rank, other_rank = _RANKS[class_], _RANKS[other.class_]
    if rank == other_rank:
        return None
    if rank > other_rank:
        return Loss("other", _effect(that, this, other.late_s))
    return Loss("this", _effect(this, that, late_s))


def _effect(loser: Sounding, winner: Sounding, late_s: int) -> Effect:
    if loser.starts_at < winner.starts_at:
        return "shorten"
    in_time = winner.ends_at - loser.starts_at <= timedelta(seconds=late_s)
    return "wait" if in_time and loser.ends_at - winner.ends_at >= _LEAST_LEFT else "skip"
