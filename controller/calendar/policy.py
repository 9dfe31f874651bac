"""What an area permits, resolved to dated windows. (Signatures; filled in next.)"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any

from controller.errors import NotBuilt


@dataclass(frozen=True, slots=True)
class Window:
    """A span of UTC in which sound is permitted, at most at `volume_pct`."""

    from_: datetime
    until: datetime
    volume_pct: int = 100


@dataclass(frozen=True, slots=True)
class Span:
    """A planned sound: what violations are judged on. Worst-case end."""

    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Violation:
    """An airing that breaks a rule, with a sentence in both languages."""

    rule: str
    vi: str
    en: str
    starts_at: datetime


@dataclass(frozen=True, slots=True)
class ApprovalRules:
    """Who must agree. `emergency_people` counts users, not tokens."""

    clip: bool = True
    schedule: bool = True
    author_may_approve: bool = True
    emergency_people: int = 1


@dataclass(frozen=True, slots=True)
class Permit:
    """Hours in which sound is permitted, on ISO weekdays (1 Monday … 7 Sunday)."""

    from_: time
    to: time
    days: frozenset[int] = frozenset(range(1, 8))
    volume_pct: int = 100


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules of an area. `permit` None: no hours rule; empty: nothing may sound."""

    permit: tuple[Permit, ...] | None = None
    max_sessions_per_day: int | None = None
    max_minutes_per_session: float | None = None
    max_minutes_per_day: float | None = None
    approval: ApprovalRules = ApprovalRules()
    source: str = ""

    @classmethod
    def from_json(cls, policy: Mapping[str, Any] | None) -> "Policy":
        """From the JSON an area keeps. Raises BadInput."""
        raise NotBuilt("policy")


def windows(
    policy: Policy, timezone: str, from_: datetime, until: datetime
) -> tuple[Window, ...] | None:
    """The permitted spans within [from_, until), ordered, not overlapping; None: no hours rule."""
    raise NotBuilt("policy")


def violations(
    policy: Policy, timezone: str, planned: Sequence[Span], others: Sequence[Span] = ()
) -> list[Violation]:
    """What of `planned` breaks a rule, given the `others` that already sound in the same place."""
    raise NotBuilt("policy")
