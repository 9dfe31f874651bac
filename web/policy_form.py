"""An area's rules as a form: JSON to fields and back. The controller checks what comes of it.

An empty field is a rule that comes from the unit above. Nothing here asks the database.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from werkzeug.datastructures import MultiDict

from controller.errors import BadInput
from web.days_form import days_of
from web.recurring import month_day
from web.repeat_words import shown_day

Form = MultiDict[str, str]
_NUMBERS: Final = (
    ("max_sessions_per_day", int),
    ("max_minutes_per_session", float),
    ("max_minutes_per_day", float),
)
_YES_OR_NO: Final = ("clip", "schedule", "author_may_approve")
_ASKED: Final = frozenset({*_YES_OR_NO, "emergency_people"})
_BLANK_ROWS: Final = 2
_MOST_ROWS: Final = 14


@dataclass(frozen=True, slots=True)
class HoursRow:
    """One line of hours; `days` are ISO weekdays; seasons as "MM-DD"."""

    from_: str = ""
    to: str = ""
    days: tuple[int, ...] = ()
    volume: str = ""
    season_from: str = ""
    season_to: str = ""


def rows_of(hours: Sequence[Mapping[str, Any]] | None) -> list[HoursRow]:
    """The lines as they are, and some blank ones for more."""
    rows = [_row(each) for each in hours or ()]
    return rows + [HoursRow()] * _BLANK_ROWS


def policy_of(form: Form, before: Mapping[str, Any] | None) -> dict[str, Any]:
    """The policy JSON; what the form does not show stays as it was."""
    policy = {key: value for key, value in (before or {}).items() if key not in _SHOWN}
    policy |= days_of(form, before or {})
    for name in ("permit", "quiet"):
        hours = _hours(form, name)
        if hours:
            policy[name] = hours
    if form.get("permit_none"):
        policy["permit"] = []
    for name, kind in _NUMBERS:
        text = form.get(name, "").strip().replace(",", ".")
        if text:
            policy[name] = _number(name, text, kind)
    approval = _approval(form, (before or {}).get("approval") or {})
    if approval:
        policy["approval"] = approval
    tunes = {
        name: form[f"tune_{name}"] for name in ("normal", "priority") if form.get(f"tune_{name}")
    }
    if tunes:
        policy["tunes"] = {name: None if tune == "-" else tune for name, tune in tunes.items()}
    prefetch = _prefetch(form)
    if prefetch is not None:
        policy["prefetch"] = prefetch
    if form.get("source", "").strip():
        policy["source"] = form["source"].strip()[:200]
    return policy


_SHOWN: Final = frozenset(
    {
        "permit", "quiet", "approval", "tunes", "source", "holidays", "day_sets", "prefetch",
        *(name for name, _ in _NUMBERS),
    }
)  # fmt: skip


def _prefetch(form: Form) -> dict[str, str] | None:
    """When clusters fetch what no airing needs within a day; {}: at any time; None: as above."""
    if form.get("prefetch_any"):
        return {}
    start, end = form.get("prefetch_from", ""), form.get("prefetch_to", "")
    if not start and not end:
        return None
    if not start or not end or start == end:
        raise _bad(
            "prefetch",
            "Giờ tải bản tin chưa đủ: hãy nhập cả giờ bắt đầu và giờ kết thúc khác nhau.",
            "The fetching hours are not complete: enter a start and a different end.",
        )
    return {"from": start[:5], "to": end[:5]}


def _approval(form: Form, before: Mapping[str, Any]) -> dict[str, Any]:
    """Who must agree; what the form does not show (deputy, signatures) stays as it was."""
    approval = {key: value for key, value in before.items() if key not in _ASKED}
    for name in _YES_OR_NO:
        if form.get(name) in ("yes", "no"):
            approval[name] = form[name] == "yes"
    people = form.get("emergency_people", "")
    if people.isdecimal():
        approval["emergency_people"] = int(people)
    return approval


def _hours(form: Form, name: str) -> list[dict[str, Any]]:
    found = []
    for index in range(_MOST_ROWS):
        start, end = form.get(f"{name}_{index}_from", ""), form.get(f"{name}_{index}_to", "")
        if not start and not end:
            continue
        hours: dict[str, Any] = {"from": start[:5], "to": end[:5]}
        days = [int(day) for day in form.getlist(f"{name}_{index}_day") if day in "1234567" and day]
        if days and len(days) < 7:
            hours["days"] = sorted(set(days))
        volume = form.get(f"{name}_{index}_volume", "").strip()
        if volume and volume != "100":
            hours["volume_pct"] = _number("volume", volume, int)
        season = _season(form, f"{name}_{index}")
        if season:
            hours["season"] = season
        found.append(hours)
    return found


def _season(form: Form, prefix: str) -> dict[str, str] | None:
    """Typed as people write days: 16/4; kept as "04-16"."""
    first, last = form.get(f"{prefix}_season_from", ""), form.get(f"{prefix}_season_to", "")
    if not first.strip() and not last.strip():
        return None
    return {"from": month_day(first), "to": month_day(last)}


def _row(hours: Mapping[str, Any]) -> HoursRow:
    season = hours.get("season") or {}
    return HoursRow(
        str(hours.get("from", "")),
        str(hours.get("to", "")),
        tuple(hours.get("days") or ()),
        str(hours.get("volume_pct", "")),
        shown_day(season.get("from", "")),
        shown_day(season.get("to", "")),
    )


def _number(name: str, text: str, kind: type[int] | type[float]) -> float | int:
    try:
        return kind(text)
    except ValueError:
        raise _bad(
            name,
            f"«{text[:20]}» không phải là số: hãy nhập số.",
            f"'{text[:20]}' is no number: enter a number.",
        ) from None


def _bad(name: str, vi: str, en: str) -> BadInput:
    return BadInput({name: (vi, en)})
