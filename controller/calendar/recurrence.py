"""Rules to dated occurrences. (Signatures; filled in next.)"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from controller.errors import NotBuilt


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One dated occurrence, in UTC. `original_at` is the RECURRENCE-ID; it never moves."""

    original_at: datetime
    starts_at: datetime


@dataclass(frozen=True, slots=True)
class Rule:
    """When something repeats, in wall time. Without `rrule` it happens once."""

    rrule: str | None = None
    exdates: tuple[datetime, ...] = ()
    rdates: tuple[datetime, ...] = ()
    until: datetime | None = None

    @classmethod
    def from_json(cls, rule: Mapping[str, Any]) -> "Rule":
        """From what a schedule keeps. Raises BadInput, NotBuilt."""
        raise NotBuilt("recurrence")


def occurrences(
    rule: Rule, timezone: str, starts_local: datetime, after: datetime, until: datetime
) -> Iterator[Occurrence]:
    """Those with after <= starts_at < until (both UTC), in order, each instant once."""
    raise NotBuilt("recurrence")
