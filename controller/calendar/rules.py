"""An area's rules as data: what its policy JSON says, checked. `policy` judges by them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, time
from typing import Any

from controller.calendar.days import DaySet, Holiday, day_sets_from_json, holidays_from_json
from controller.calendar.season import Season, clock, season_from_json
from controller.errors import BadInput

_WEEK = frozenset(range(1, 8))
_KEYS = frozenset(
    {
        "permit", "quiet", "max_sessions_per_day", "max_minutes_per_session", "max_minutes_per_day",
        "holidays", "day_sets", "approval", "source", "tunes", "prefetch",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ApprovalRules:
    """Who must agree. `emergency_people` counts users, not tokens.

    `emergency_deputy`: the user name of who may confirm alone when nobody else does in time.
    `emergency_signatures` 2: a second key, which lives apart, must sign whatever sounds at once.
    """

    clip: bool = True
    schedule: bool = True
    author_may_approve: bool = True
    emergency_people: int = 1
    emergency_deputy: str = ""
    emergency_signatures: int = 1


@dataclass(frozen=True, slots=True)
class Permit:
    """Hours of the day, on ISO weekdays (1 Monday … 7 Sunday), over midnight when to <= from."""

    from_: time
    to: time
    days: frozenset[int] = _WEEK
    season: Season | None = None
    volume_pct: int = 100

    def on(self, day: date) -> bool:
        """Whether the hours that begin on this day hold."""
        return day.isoweekday() in self.days and (self.season is None or self.season.has(day))

    def __str__(self) -> str:
        to = "24:00" if self.to == time.max else f"{self.to:%H:%M}"
        return f"{self.from_:%H:%M}-{to}"


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules of an area. `permit` None: no hours rule; empty: nothing may sound."""

    permit: tuple[Permit, ...] | None = None
    quiet: tuple[Permit, ...] = ()
    max_sessions_per_day: int | None = None
    max_minutes_per_session: float | None = None
    max_minutes_per_day: float | None = None
    holidays: tuple[Holiday, ...] = ()
    day_sets: dict[str, DaySet] = field(default_factory=dict)
    approval: ApprovalRules = ApprovalRules()
    source: str = ""
    sources: Mapping[str, str] = field(default_factory=dict)  # rule → the document it rests on
    tunes: Mapping[str, str] = field(default_factory=dict)  # class → a tune's name
    prefetch: Permit | None = None  # when nodes fetch what nothing needs within a day; None: always

    def source_of(self, rule: str) -> str:
        """The document a rule rests on: that of the unit which set it; empty: none is known."""
        return self.sources.get(rule, self.source)

    @property
    def has_limits(self) -> bool:
        """Whether it counts sessions or minutes, for which what else sounds matters."""
        limits = (
            self.max_sessions_per_day,
            self.max_minutes_per_session,
            self.max_minutes_per_day,
        )
        return any(limit is not None for limit in limits)

    @classmethod
    def from_json(cls, policy: Mapping[str, Any] | None) -> "Policy":
        """From the JSON an area keeps. Raises BadInput naming what is wrong."""
        value = policy or {}
        unknown = set(value) - _KEYS
        if unknown:
            raise _bad(f"policy.{min(unknown)}")
        permit = value.get("permit")
        return cls(
            permit=None if permit is None else _hours(permit, "policy.permit"),
            quiet=_hours(value.get("quiet") or [], "policy.quiet"),
            max_sessions_per_day=_count(value, "max_sessions_per_day"),
            max_minutes_per_session=_minutes(value, "max_minutes_per_session"),
            max_minutes_per_day=_minutes(value, "max_minutes_per_day"),
            holidays=holidays_from_json(value.get("holidays") or [], "policy.holidays"),
            day_sets=day_sets_from_json(value.get("day_sets") or {}, "policy.day_sets"),
            approval=_approval(value.get("approval")),
            source=str(value.get("source") or ""),
            tunes=_tunes(value.get("tunes") or {}),
            prefetch=_prefetch(value.get("prefetch")),
        )


def inherit(above: Mapping[str, Any], own: Mapping[str, Any] | None) -> dict[str, Any]:
    """The policy JSON of an area below: what it lacks comes from above, key by key."""
    merged = dict(above)
    for key, value in (own or {}).items():
        if value is None:
            continue
        if key in ("approval", "day_sets", "tunes") and isinstance(value, Mapping):
            value = {**merged.get(key, {}), **value}
        merged[key] = value
    return merged


def sources_of(from_root: Iterable[Mapping[str, Any] | None]) -> dict[str, str]:
    """Rule → the document of the unit that set it, given what each unit keeps, root first."""
    found: dict[str, str] = {}
    source = ""
    for own in filter(None, from_root):
        source = str(own.get("source") or source)
        found.update({key: source for key, value in own.items() if value is not None})
    return found


def _hours(values: Any, field_name: str) -> tuple[Permit, ...]:
    if not isinstance(values, list):
        raise _bad(field_name)
    return tuple(_permit(value, field_name) for value in values)


def _permit(value: Any, name: str) -> Permit:
    if not isinstance(value, Mapping):
        raise _bad(name)
    days = value.get("days") or sorted(_WEEK)
    volume = value.get("volume_pct", 100)
    if not isinstance(days, list) or not _WEEK.issuperset(days):
        raise _bad(f"{name}.days")
    if type(volume) is not int or not 0 <= volume <= 100:
        raise _bad(f"{name}.volume_pct")
    season = value.get("season")
    if season is not None and not isinstance(season, Mapping):
        raise _bad(f"{name}.season")
    return Permit(
        from_=clock(value.get("from"), f"{name}.from"),
        to=clock(value.get("to"), f"{name}.to"),
        days=frozenset(days),
        season=season_from_json(season, f"{name}.season") if season else None,
        volume_pct=volume,
    )


def _prefetch(value: Any) -> Permit | None:
    if not value:
        return None
    if not isinstance(value, Mapping) or set(value) != {"from", "to"}:
        raise _bad("policy.prefetch")
    hours = _permit(value, "policy.prefetch")
    if hours.from_ == hours.to:
        raise _bad("policy.prefetch")
    return hours


def _count(value: Mapping[str, Any], key: str) -> int | None:
    number = value.get(key)
    if number is not None and (type(number) is not int or number < 0):
        raise _bad(f"policy.{key}")
    return number


def _minutes(value: Mapping[str, Any], key: str) -> float | None:
    number = value.get(key)
    if number is None:
        return None
    if type(number) not in (int, float) or number < 0:
        raise _bad(f"policy.{key}")
    return float(number)


def _approval(value: Any) -> ApprovalRules:
    value = {} if value is None else value
    if not isinstance(value, Mapping):
        raise _bad("policy.approval")
    flags = {"clip", "schedule", "author_may_approve"}
    counts = {"emergency_people", "emergency_signatures"}
    known = set(value) <= flags | counts | {"emergency_deputy"}
    typed = all(type(value[key]) is bool for key in flags & set(value))
    counted = all(type(value[key]) is int and 1 <= value[key] <= 2 for key in counts & set(value))
    if not known or not typed or not counted:
        raise _bad("policy.approval")
    if not isinstance(value.get("emergency_deputy", ""), str):
        raise _bad("policy.approval.emergency_deputy")
    return ApprovalRules(**value)


def _tunes(value: Any) -> dict[str, str]:
    """{"normal": name, "priority": name}; null: none, also where the unit above has one."""
    if not isinstance(value, Mapping) or not {"normal", "priority"}.issuperset(value):
        raise _bad("policy.tunes")
    if not all(name is None or isinstance(name, str) for name in value.values()):
        raise _bad("policy.tunes")
    return {class_: name for class_, name in value.items() if name}


def _bad(name: str) -> BadInput:
    return BadInput(
        {
            name: (
                f"Quy định «{name}» chưa đúng: hãy xem lại giờ, ngày trong tuần và con số.",
                f"The rule '{name}' is not understood: check its hours, weekdays and numbers.",
            )
        }
    )
