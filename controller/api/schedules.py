"""Schedules: what airs when and where; a draft to look at first, then decisions."""

from dataclasses import replace
from typing import Any

from marshmallow import Schema, fields

from controller.api.binding import call, room
from controller.api.clips import NoteIn
from controller.api.fields import Id, Instant, Plain, Text, decimal, many, one_of, whole
from controller.api.here import Here
from controller.api.lists import ListQuery, page_of
from controller.api.writing import json_answer
from controller.errors import NotFound
from controller.models import Approval, Schedule
from controller.paging import Page
from controller.planning import airings
from controller.planning.outros import OutroKind
from controller.scheduling import approvals, following, proposals, schedule_edits, schedules
from protocol.outcomes import AiringClass

blueprint = room("schedules", "Lịch phát")


class ScheduleQuery(ListQuery):
    """Which schedules."""

    status = one_of(*Approval)
    area_id = Id()


class DryRun(Schema):
    """`dry_run=true` only looks."""

    dry_run = fields.Boolean(load_default=False)


class Item(Schema):
    """A clip of the programme: `times` times, `gap_s` of silence after each."""

    clip_id = Id(required=True)
    times = whole(1, 100, load_default=1)
    gap_s = decimal(0, 3600, load_default=0.0)


class SchedulePatch(Schema):
    """What may change of a schedule; what is left out stays, null empties."""

    title = Text()
    items = many(fields.Nested(Item), 50, 1)
    area_ids = many(Id(), 500, 1)
    class_ = one_of(*AiringClass, data_key="class")
    starts_at = Instant()
    recurrence = Plain(
        allow_none=True, metadata={"description": '{"rrule": "…"} or {"lunar": {…}}'}
    )
    seasons = many(Plain(), 20, allow_none=True)
    day_set = Text(allow_none=True)
    until = Instant(allow_none=True)
    exceptions = Plain(
        allow_none=True,
        metadata={
            "description": "exdates, rdates (local times), on_holidays (play, skip, move, only), "
            "not_on (a set of days its areas keep), catch_up"
        },
    )
    late_s = whole(0, 86_400)
    tune = Text(
        60, allow_none=True, metadata={"description": "a tune's name, or default: the area's"}
    )
    outro = one_of(
        *OutroKind, allow_none=True, metadata={"description": "a quiet last word, spoken from text"}
    )


class PlannedOut(Schema):
    """One airing as it would be."""

    starts_at = Instant()
    ends_at = Instant()


class ScheduleIn(SchedulePatch):
    """A schedule; `starts_at` without an offset is local to the areas."""

    title = Text(required=True)
    items = many(fields.Nested(Item), 50, 1, required=True)
    area_ids = many(Id(), 500, 1, required=True)
    class_ = one_of(*AiringClass, data_key="class", load_default=AiringClass.NORMAL.value)
    starts_at = Instant(required=True)
    late_s = whole(0, 86_400, load_default=120)


class ChangeQuery(DryRun):
    """`from_airing_id`: only this airing and all after it; the answer names the new schedule."""

    from_airing_id = Id()


class OutroOut(Schema):
    """What a village would hear last; `duration_ms` is null until it has been spoken."""

    area_id = fields.String()
    area_name = fields.String()
    text = fields.String()
    duration_ms = fields.Integer(allow_none=True)
    language = fields.String()


class DraftOut(Schema):
    """What the schedule does; `id` and `status` are null for a dry run."""

    id = fields.String(allow_none=True)
    status = fields.String(allow_none=True)
    airings_preview = fields.List(fields.Nested(PlannedOut))
    conflicts = fields.List(fields.Dict())
    outros = fields.List(fields.Nested(OutroOut))


class ItemOut(Schema):
    """A clip of the programme."""

    clip_id = fields.String()
    times = fields.Integer()
    gap_s = fields.Float()


def status_of(schedule: Schedule) -> str:
    """Where it stands for whoever decides: a change that waits asks again."""
    return (Approval.PENDING if schedule.proposal else Approval(schedule.status)).value


class ScheduleOut(Schema):
    """A schedule as it stands."""

    id = fields.String()
    title = fields.String()
    status = fields.Function(
        status_of,
        metadata={
            "type": "string",
            "enum": [*Approval],
            "description": "pending also while a `proposal` waits; what is approved still airs",
        },
    )
    proposal = fields.Function(
        lambda schedule: (schedule.proposal or {}).get("data"),
        metadata={"type": ["object", "null"], "description": "a change that waits for approval"},
    )
    class_ = fields.String(data_key="class")
    timezone = fields.String()
    starts_at = fields.String(
        attribute="starts_local", metadata={"description": "local to `timezone`"}
    )
    rule = fields.Dict(metadata={"description": "recurrence, seasons, day_set, until, exceptions"})
    late_s = fields.Integer()
    tune = fields.String(attribute="programme.tune", allow_none=True)
    outro = fields.String(attribute="programme.outro", allow_none=True)
    items = fields.List(fields.Nested(ItemOut), attribute="programme.items")
    area_ids = fields.Function(
        lambda schedule: sorted(area.area_id for area in schedule.areas),
        metadata={"type": "array", "items": {"type": "string"}},
    )
    created_by = fields.String(allow_none=True)
    created_at = Instant()
    decided_by = fields.String(allow_none=True)
    decided_at = Instant(allow_none=True)
    note = fields.String(attribute="decision_note", allow_none=True)
    paused_at = Instant(allow_none=True)
    deleted_at = Instant(allow_none=True)


@call(blueprint, "GET", "/schedules", answer=page_of(ScheduleOut), query=ScheduleQuery)
def list_schedules(here: Here, query: dict[str, Any]) -> Page[Schedule]:
    """Schedules in the token's areas."""
    if "status" in query:
        query["status"] = Approval(query["status"])
    return schedules.page(here.session, here.actor, **query)


@call(blueprint, "POST", "/schedules", answer=DraftOut, status=201, query=DryRun, body=ScheduleIn)
def create_schedule(here: Here, query: dict[str, Any], body: dict[str, Any]) -> Any:
    """A schedule that waits for approval; `dry_run=true` saves nothing and answers 200."""
    data = input_of(body)
    if query["dry_run"]:
        draft = schedules.draft(here.session, here.actor, data, here.now)
        return json_answer(DraftOut().dump(outcome_of(None, draft)))
    schedule, draft = schedules.create(here.session, here.actor, data, here.now)
    return outcome_of(schedule, draft)


@call(blueprint, "GET", "/schedules/<id>", answer=ScheduleOut)
def show_schedule(here: Here, id: str) -> Schedule:
    """One schedule."""
    return schedules.get(here.session, here.actor, id)


@call(
    blueprint,
    "PATCH",
    "/schedules/<id>",
    answer=DraftOut,
    query=ChangeQuery,
    body=SchedulePatch,
)
def change_schedule(
    here: Here, query: dict[str, Any], body: dict[str, Any], id: str
) -> dict[str, Any]:
    """Change it, wholly or from one airing on; what is approved airs until the change is."""
    data = changed_input(schedules.get(here.session, here.actor, id), body)
    airing_id = query.get("from_airing_id")
    if airing_id is not None:
        _own_airing(here, airing_id, id)
    if query["dry_run"]:
        at = (here.session, here.actor)
        return outcome_of(
            None,
            following.draft(*at, airing_id, data, here.now)
            if airing_id
            else schedule_edits.draft(*at, id, data, here.now),
        )
    if airing_id is None:
        schedule, draft = schedule_edits.update(here.session, here.actor, id, data, here.now)
    else:
        schedule, draft = following.change(here.session, here.actor, airing_id, data, here.now)
    return outcome_of(schedule, draft)


@call(blueprint, "DELETE", "/schedules/<id>")
def delete_schedule(here: Here, id: str) -> None:
    """End a schedule: airings that have not begun are taken off."""
    schedules.delete(here.session, here.actor, id, here.now)


@call(
    blueprint,
    "POST",
    "/schedules/<id>/approve",
    answer=ScheduleOut,
    body=NoteIn,
    body_required=False,
)
def approve_schedule(here: Here, body: dict[str, Any], id: str) -> Schedule:
    """Let it go on air."""
    note = body.get("note") or ""
    return approvals.approve_schedule(here.session, here.actor, id, here.now, note)


@call(
    blueprint,
    "POST",
    "/schedules/<id>/reject",
    answer=ScheduleOut,
    body=NoteIn,
    body_required=False,
)
def reject_schedule(here: Here, body: dict[str, Any], id: str) -> Schedule:
    """Return it, with a word why."""
    note = body.get("note") or ""
    return approvals.reject_schedule(here.session, here.actor, id, here.now, note)


@call(blueprint, "POST", "/schedules/<id>/pause", answer=ScheduleOut)
def pause_schedule(here: Here, id: str) -> Schedule:
    """Take its coming airings off until it is resumed."""
    return schedules.pause(here.session, here.actor, id, here.now)


@call(blueprint, "POST", "/schedules/<id>/resume", answer=ScheduleOut)
def resume_schedule(here: Here, id: str) -> Schedule:
    """Put its coming airings back."""
    return schedules.resume(here.session, here.actor, id, here.now)


def _own_airing(here: Here, airing_id: str, schedule_id: str) -> None:
    if airings.get(here.session, here.actor, airing_id).schedule_id != schedule_id:
        raise NotFound("airing")


def input_of(body: dict[str, Any]) -> schedules.ScheduleInput:
    """A checked body as the domain takes it."""
    items = [schedules.ItemInput(**item) for item in body["items"]]
    class_ = AiringClass(body["class_"])
    return schedules.ScheduleInput(**{**body, "items": items, "class_": class_})


def changed_input(schedule: Schedule, body: dict[str, Any]) -> schedules.ScheduleInput:
    """The schedule as it stands, with what the body changes of it."""
    values = dict(body)
    if "items" in values:
        values["items"] = [schedules.ItemInput(**item) for item in values["items"]]
    if "class_" in values:
        values["class_"] = AiringClass(values["class_"])
    return replace(proposals.as_entered(schedule), **values)


def outcome_of(schedule: Schedule | None, draft: schedules.Draft) -> dict[str, Any]:
    """What `DraftOut` shows."""
    return {
        "id": schedule.id if schedule else None,
        "status": status_of(schedule) if schedule else None,
        "airings_preview": draft.occurrences,
        "conflicts": draft.conflicts,
        "outros": draft.outros,
    }
