"""What is to sound: airings and their parts, in day pages, area states and commands.

Fields have defaults and unknown ones are ignored, as in `messages`. A `DayPage` travels as a blob
named by its hash (see `pages`), so it carries no signature itself.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from protocol.outcomes import AiringClass, Origin, PartKind

EPOCH = datetime.fromtimestamp(0, UTC)
_OF_AN_UNREADABLE_AIRING = ("airing_id", "starts_at", "title", "late_s", "withheld")


@dataclass(frozen=True, slots=True)
class Part:
    """One sound of a programme, named by the SHA-256 of its delivery file (Ogg Opus, 48 kHz mono).

    `item` groups the language versions of one item: of each group a node plays the parts in its
    own languages. `language` is empty for what has none (a tune). The part sounds `times` times,
    each followed by `gap_ms` of silence except the programme's very last sound. An `optional` part
    (a quiet outro) is left out by a node that does not hold it.
    """

    sha256: str = ""
    bytes: int = 0
    duration_ms: int = 0
    kind: str = PartKind.CLIP.value
    item: int = 0
    language: str = ""
    times: int = 1
    gap_ms: int = 0
    gain_db: float = 0.0
    clip_id: str = ""
    fallback_sha256: str = ""
    fallback_bytes: int = 0
    fallback_duration_ms: int = 0
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Airing:
    """One dated broadcast. A node starts it at `starts_at + its stagger slot × stagger_step_ms`, or
    until `late_s` after; later it is `missed/too_late`. `withheld`: the rule that forbids it here.
    """

    airing_id: str = ""
    starts_at: datetime = EPOCH
    class_: AiringClass = AiringClass.NORMAL
    origin: Origin = Origin.SCHEDULE
    title: str = ""
    late_s: int = 120
    stagger_step_ms: int = 0
    parts: tuple[Part, ...] = ()
    withheld: str = ""

    @classmethod
    def salvaged(cls, known: dict[str, Any], unread: dict[str, str]) -> "Airing":
        """One of a later version: it never sounds, and is reported like a kind not known here."""
        kept = {name: known[name] for name in _OF_AN_UNREADABLE_AIRING if name in known}
        return cls(**kept, parts=(Part(kind=first_of(unread)),))


@dataclass(frozen=True, slots=True)
class Window:
    """A dated span in which sound is permitted, at most at `volume_pct` of the node's volume."""

    from_: datetime = EPOCH
    until: datetime = EPOCH
    volume_pct: int = 100


@dataclass(frozen=True, slots=True)
class DayPage:
    """All airings of an area that start on one UTC day, and what policy permits that day.

    `windows` None: the area has no hours rule. An empty tuple: nothing may sound that day.
    """

    area_id: str = ""
    day: str = ""
    airings: tuple[Airing, ...] = ()
    windows: tuple[Window, ...] | None = None


def first_of(unread: dict[str, str]) -> str:
    """What cannot be read, for people: the first is enough."""
    return next(iter(unread.values()))[:200]
