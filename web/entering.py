"""The form of a broadcast and what it stands for, both ways: entered anew, or a schedule changed.

What the form does not show of a schedule (a rule of its own, days left out) is kept while its
repetition is kept.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from werkzeug.datastructures import MultiDict

from controller.scheduling.schedules import ItemInput, ScheduleInput
from controller.words import AiringClass
from web.listening import GAP_S, items_of
from web.recurring import (
    KEEP,
    day_set_of,
    exceptions_of,
    fields_of,
    recurrence_of,
    seasons_of,
    starts_of,
    until_of,
)

Form = MultiDict[str, str]

_RULE = ("recurrence", "seasons", "day_set", "exceptions")


def input_of(form: Form, before: ScheduleInput | None = None) -> ScheduleInput:
    """What is entered; `before` is the schedule that it would change."""
    data = ScheduleInput(
        title=form.get("title", "").strip()[:200],
        items=items_of(form),
        area_ids=form.getlist("area_ids"),
        starts_at=starts_of(form),
        class_=AiringClass.PRIORITY if form.get("class") == "priority" else AiringClass.NORMAL,
        recurrence=recurrence_of(form),
        seasons=seasons_of(form),
        day_set=day_set_of(form),
        until=until_of(form),
        exceptions=exceptions_of(form),
        tune=form.get("tune") or None,
        outro=form.get("outro") or None,
    )
    return _like(data, before, form) if before else data


def form_of(data: ScheduleInput) -> Form:
    """The form filled with a schedule."""
    starts = datetime.fromisoformat(str(data.starts_at))
    values = Form(
        {
            "title": data.title,
            "date": f"{starts:%Y-%m-%d}",
            "time": f"{starts:%H:%M}",
            "repeat": KEEP if data.recurrence or data.day_set else "once",
            "until": str(data.until or "")[:10],
            "class": str(data.class_),
            "tune": data.tune or "",
            "outro": data.outro or "",
            "gap": gap_of(data.items),
        }
    )
    shown = {name: getattr(data, name) for name in _RULE}
    for name, value in fields_of(shown).items():
        values.setlist(name, value if isinstance(value, list) else [value])
    values.setlist("area_ids", data.area_ids)
    values.setlist("clips", [item.clip_id for item in data.items])
    for item in data.items:
        values[f"times-{item.clip_id}"] = str(item.times)
    return values


def gap_of(items: Sequence[ItemInput]) -> str:
    """The seconds of silence after each sound but the last; «keep» where they differ."""
    heard = items[:-1] if items and items[-1].times == 1 else items
    found = {item.gap_s for item in heard} or {GAP_S}
    return f"{found.pop():g}" if len(found) == 1 else KEEP


def _like(data: ScheduleInput, before: ScheduleInput, form: Form) -> ScheduleInput:
    data = replace(data, items=_items(data.items, before, form), late_s=before.late_s)
    if form.get("repeat") != KEEP:
        return data
    # A day alone means its end, as it was said before.
    unchanged = str(before.until or "")[:10] == str(data.until or "")
    shown = "extras" in form
    return replace(
        data,
        recurrence=before.recurrence,
        seasons=data.seasons if shown else before.seasons,
        day_set=data.day_set if shown else before.day_set,
        exceptions=exceptions_of(form, before.exceptions),
        until=before.until if unchanged else data.until,
    )


def _items(items: list[ItemInput], before: ScheduleInput, form: Form) -> list[ItemInput]:
    """Those that stay as they were keep their own pauses, unless another is chosen."""
    if form.get("gap", KEEP) not in (KEEP, gap_of(before.items)):
        return items
    kept = {(item.clip_id, item.times): item for item in before.items}
    return [kept.get((item.clip_id, item.times), item) for item in items]
