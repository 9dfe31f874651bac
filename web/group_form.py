"""The Community Group as a unit's page shows and takes it: contact, members, visits and classes.

Times on the page are those of the unit; a row that was not touched stays as it was written.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from werkzeug.datastructures import MultiDict

from controller.calendar.wall import as_utc, to_local
from controller.errors import BadInput

_LONGEST = 200
_MOST_MEMBERS, _MOST_VISITS = 200, 100
_SPARE = 2  # empty rows for what comes next

Group = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Row:
    """A visit or class as its fields show it; `at` is wall time for a browser's own field."""

    at: str = ""
    place: str = ""
    topic: str = ""


def rows_of(group: Group | None, zone: ZoneInfo) -> list[Row]:
    """The visits kept, and empty rows to add some."""
    kept = [_row(visit, zone) for visit in (group or {}).get("next_visits") or []]
    return kept + [Row()] * min(_SPARE, _MOST_VISITS - len(kept))


def group_of(form: MultiDict[str, str], before: Group | None, zone: ZoneInfo) -> dict[str, Any]:
    """The Group after the form; what it has no field for stays. Raises BadInput."""
    texts = {name: _text(form, f"group_{name}") for name in ("name", "contact", "phone")}
    group: dict[str, Any] = {**(before or {}), **texts}
    if "group_members" in form:
        lines = (line.strip()[:_LONGEST] for line in form["group_members"].splitlines())
        group["members"] = [line for line in lines if line][:_MOST_MEMBERS]
    if "visit_0_at" in form:
        group["next_visits"] = _visits(form, (before or {}).get("next_visits") or [], zone)
    return {name: value for name, value in group.items() if value}


def _visits(form: MultiDict[str, str], before: list[Any], zone: ZoneInfo) -> list[dict[str, Any]]:
    known = {_row(visit, zone): visit for visit in before}
    found = []
    for number in range(_MOST_VISITS):
        row = Row(*(_text(form, f"visit_{number}_{name}") for name in ("at", "place", "topic")))
        if row in known:
            found.append(known[row])
        elif row.place:
            at = as_utc(row.at, zone, "next_visits").isoformat()
            found.append({"at": at, "place": row.place, "topic": row.topic or None})
        elif row != Row():
            raise BadInput(
                {
                    "next_visits": (
                        "Buổi hướng dẫn cần có nơi: hãy ghi nơi, hoặc xoá cả dòng.",
                        "A visit needs a place: enter one, or empty the whole row.",
                    )
                }
            )
    return found


def _row(visit: Mapping[str, Any], zone: ZoneInfo) -> Row:
    place, topic = (str(visit.get(name) or "") for name in ("place", "topic"))
    try:
        at = to_local(as_utc(str(visit.get("at", "")), zone, "at"), zone)
    except BadInput:
        return Row("", place, topic)  # an old row with words instead of a time
    return Row(f"{at:%Y-%m-%dT%H:%M}", place, topic)


def _text(form: MultiDict[str, str], name: str) -> str:
    return form.get(name, "").strip()[:_LONGEST]
