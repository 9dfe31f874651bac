"""The form of a broadcast and what it stands for, both ways: entered anew, or a schedule changed.

What the form does not show of a schedule (seasons, holidays, days left out) is kept while its
repetition is kept.
"""

from dataclasses import replace
from datetime import datetime

from werkzeug.datastructures import MultiDict

from controller.scheduling.schedules import ItemInput, ScheduleInput
from controller.words import AiringClass
from web.listening import items_of
from web.recurring import KEEP, exceptions_of, recurrence_of, starts_of, until_of

Form = MultiDict[str, str]


def input_of(form: Form, before: ScheduleInput | None = None) -> ScheduleInput:
    """What is entered; `before` is the schedule that it would change."""
    data = ScheduleInput(
        title=form.get("title", "").strip()[:200],
        items=items_of(form),
        area_ids=form.getlist("area_ids"),
        starts_at=starts_of(form),
        class_=AiringClass.PRIORITY if form.get("class") == "priority" else AiringClass.NORMAL,
        recurrence=recurrence_of(form),
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
            "holidays": (data.exceptions or {}).get("on_holidays", "play"),
            "catch_up": "1" if (data.exceptions or {}).get("catch_up") else "",
        }
    )
    values.setlist("area_ids", data.area_ids)
    values.setlist("clips", [item.clip_id for item in data.items])
    for item in data.items:
        values[f"times-{item.clip_id}"] = str(item.times)
    return values


def _like(data: ScheduleInput, before: ScheduleInput, form: Form) -> ScheduleInput:
    kept = {item.clip_id: item for item in before.items}
    data = replace(data, items=[_gaps(item, kept) for item in data.items], late_s=before.late_s)
    if form.get("repeat") != KEEP:
        return data
    # A day alone means its end, as it was said before.
    unchanged = str(before.until or "")[:10] == str(data.until or "")
    return replace(
        data,
        recurrence=before.recurrence,
        seasons=before.seasons,
        day_set=before.day_set,
        exceptions=exceptions_of(form, before.exceptions),
        until=before.until if unchanged else data.until,
    )


def _gaps(item: ItemInput, kept: dict[str, ItemInput]) -> ItemInput:
    before = kept.get(item.clip_id)
    return before if before is not None and before.times == item.times else item
