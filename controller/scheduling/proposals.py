"""A change to what is on the air, kept beside it until somebody agrees: the old airs until then."""

from dataclasses import asdict
from datetime import datetime, time
from typing import Any

from controller.accounts.access import Actor
from controller.calendar.wall import parse_local
from controller.models import Schedule
from controller.scheduling.schedule_input import ItemInput, ScheduleInput
from protocol.outcomes import AiringClass


def keep(schedule: Schedule, data: ScheduleInput, actor: Actor, now: datetime) -> None:
    """The change as entered, and who wants it; a later one takes its place."""
    values = asdict(data)
    for name in ("starts_at", "until"):
        if isinstance(values[name], datetime):
            values[name] = values[name].isoformat()
    schedule.proposal = {"data": values, "by": actor.user_id, "at": now.isoformat()}


def wanted(schedule: Schedule) -> ScheduleInput | None:
    """The change that waits, if one does."""
    return _input(schedule.proposal["data"]) if schedule.proposal else None


def as_entered(schedule: Schedule) -> ScheduleInput:
    """A saved schedule as an official would enter it."""
    rule, programme = schedule.rule, schedule.programme
    return ScheduleInput(
        title=schedule.title,
        items=[ItemInput(item.clip_id, item.times, item.gap_s) for item in programme.items],
        area_ids=sorted(area.area_id for area in schedule.areas),
        starts_at=_first_start(schedule),
        class_=AiringClass(schedule.class_),
        recurrence=rule.get("recurrence"),
        seasons=rule.get("seasons"),
        day_set=rule.get("day_set"),
        until=rule.get("until"),
        exceptions=rule.get("exceptions"),
        late_s=schedule.late_s,
        tune=programme.tune,
        outro=programme.outro,
    )


def _first_start(schedule: Schedule) -> str:
    """The first wall time since edits that kept the ids."""
    first, rule = schedule.starts_local, schedule.rule
    if rule.get("time"):
        moment = parse_local(first, "starts_at")
        return datetime.combine(moment.date(), time.fromisoformat(rule["time"])).isoformat()
    if rule.get("recurrence") or rule.get("day_set"):
        return first
    return str((rule.get("overrides") or {}).get(first, first))


def _input(values: dict[str, Any]) -> ScheduleInput:
    items = [ItemInput(**item) for item in values["items"]]
    return ScheduleInput(**{**values, "items": items, "class_": AiringClass(values["class_"])})
