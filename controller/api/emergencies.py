"""Emergencies and drills, and stopping: what overrides the schedule.

A text is spoken first and approved by the same right; the clip it leaves is good for one day only,
so that it cannot become a way around the approval of ordinary clips.
"""

from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import marshmallow as ma
from flask import g
from marshmallow import Schema, fields

from controller.accounts.access import SYSTEM, Action, require
from controller.api.binding import call, room
from controller.api.fields import Id, Instant, Text, many, one_of
from controller.api.here import Here, changing, looking
from controller.api.lists import as_instant
from controller.api.proof import prove
from controller.emergency import emergencies
from controller.errors import BadInput, NotFound
from controller.library import clips
from controller.models import ClipVersion, Emergency
from controller.models.emergencies import EmergencyState
from controller.territory import areas

blueprint = room("emergencies", "Khẩn cấp và dừng phát")
_TEXT_GOOD_FOR: Final = timedelta(days=1)
_OTHER_CONTENT: Final = 6
_TITLE_LENGTH: Final = 80


class RepeatField(fields.Field[emergencies.Repeat]):
    """How often: a number, or {"times", "every_s"}."""

    def __init__(self, **more: Any) -> None:
        shape = {"type": ["integer", "object"], "description": '3 or {"times", "every_s"}'}
        super().__init__(allow_none=True, metadata=shape, **more)

    def _deserialize(self, value: Any, attr: Any, data: Any, **more: Any) -> emergencies.Repeat:
        given = value if isinstance(value, dict) else {"times": value}
        whole = {name: number for name, number in given.items() if type(number) is int}
        if whole.keys() != given.keys() or not whole.keys() <= {"times", "every_s"}:
            pair = ('Hãy điền số lần, hoặc {"times", "every_s"}.', 'Give {"times", "every_s"}.')
            raise ma.ValidationError([pair])
        # Beyond reason on either side is for the domain to refuse, not for the database.
        bounded = {name: max(-1, min(number, 1_000_000)) for name, number in whole.items()}
        return emergencies.Repeat(**bounded)


class EmergencyIn(Schema):
    """A clip or a text, sounded at once; a drill says so."""

    clip_id = Id(allow_none=True)
    text = Text(2000, lines=True, allow_none=True)
    area_ids = many(Id(), 500, 1, required=True)
    repeat = RepeatField()
    drill = fields.Boolean(required=True)
    code = Text(40, allow_none=True)

    @ma.validates_schema
    def _one_of_both(self, data: dict[str, Any], **_: Any) -> None:
        if bool(data.get("clip_id")) == bool(data.get("text")):
            pair = ("Hãy chọn bản tin hoặc gõ nội dung.", "Give either clip_id or text.")
            raise ma.ValidationError([pair], "clip_id")


class ConfirmIn(Schema):
    """The code of the token's owner's second factor, if they have one."""

    code = Text(40, allow_none=True)


class EmergencyOut(Schema):
    """An emergency as it stands; `waiting`: a second person must confirm it."""

    id = fields.String()
    title = fields.String()
    clip_id = fields.String()
    state = one_of(*EmergencyState)
    drill = fields.Boolean()
    area_ids = fields.List(fields.String())
    repeat = fields.Dict(allow_none=True)
    people_needed = fields.Integer()
    created_by = fields.String(allow_none=True)
    created_at = Instant()
    confirmed_by = fields.String(allow_none=True)
    confirmed_at = Instant(allow_none=True)
    starts_at = Instant(allow_none=True)
    expires_at = Instant(allow_none=True)
    cancelled_by = fields.String(allow_none=True)
    cancelled_at = Instant(allow_none=True)


class EmergencyList(Schema):
    """Those that sound, wait, or were cancelled lately."""

    items = fields.List(fields.Nested(EmergencyOut), required=True)
    next_cursor = fields.String(allow_none=True, required=True)


class StopIn(Schema):
    """Silence, at once; with `mute_until` nothing but emergencies sounds until then."""

    area_ids = many(Id(), 500, 1, required=True)
    mute_until = Instant(allow_none=True)


class StopOut(Schema):
    """What was ordered."""

    area_ids = fields.List(fields.String())
    stopped_at = Instant()
    mute_until = Instant(allow_none=True)


@call(blueprint, "GET", "/emergencies", answer=EmergencyList)
def list_emergencies(here: Here) -> dict[str, Any]:
    """What sounds, waits for a second person, or was cancelled lately, in the token's areas."""
    found = emergencies.running(here.session, here.now)
    return {"items": [each for each in found if _visible(here, each)], "next_cursor": None}


@call(
    blueprint,
    "POST",
    "/emergencies",
    answer=EmergencyOut,
    status=201,
    body=EmergencyIn,
    own_session=True,
)
def begin_emergency(body: dict[str, Any]) -> Emergency:
    """Sound it at once; where policy wants two people, it waits for the second.

    There a token whose owner has a second factor must send its `code` along.
    """
    with looking() as here:
        for area_id in body["area_ids"]:
            require(here.session, here.actor, Action.APPROVE, area_id)
            areas.get(here.session, here.actor, area_id)
        if body.get("clip_id"):
            clips.get(here.session, here.actor, body["clip_id"])
        two = emergencies.people_needed(here.session, body["area_ids"]) > 1
    if two:
        prove(body.get("code"))
    clip_id = body.get("clip_id") or _spoken(here, body["text"], body["area_ids"][0])
    repeat = body.get("repeat") or emergencies.Repeat()
    data = emergencies.EmergencyInput(clip_id, body["area_ids"], body["drill"], repeat)
    with changing() as here:
        return emergencies.begin(here.session, here.actor, data, here.now)


@call(blueprint, "GET", "/emergencies/<id>", answer=EmergencyOut)
def show_emergency(here: Here, id: str) -> Emergency:
    """One emergency."""
    return emergencies.get(here.session, here.actor, id)


@call(
    blueprint,
    "POST",
    "/emergencies/<id>/confirm",
    answer=EmergencyOut,
    body=ConfirmIn,
    body_required=False,
    own_session=True,
)
def confirm_emergency(body: dict[str, Any], id: str) -> Emergency:
    """The second person's yes: it sounds now."""
    with looking() as here:
        emergencies.get(here.session, here.actor, id)
    prove(body.get("code"))
    with changing() as here:
        return emergencies.confirm(here.session, here.actor, id, here.now)


@call(blueprint, "POST", "/emergencies/<id>/cancel", answer=EmergencyOut)
def cancel_emergency(here: Here, id: str) -> Emergency:
    """Silence it where it sounds and take off its repeats."""
    return emergencies.cancel(here.session, here.actor, id, here.now)


@call(blueprint, "POST", "/stop", answer=StopOut, body=StopIn)
def stop(here: Here, body: dict[str, Any]) -> dict[str, Any]:
    """Silence areas at once."""
    for area_id in body["area_ids"]:
        areas.get(here.session, here.actor, area_id)
    until = as_instant(here.session, body.get("mute_until"), body["area_ids"][0])
    if until is not None and until <= here.now:
        raise BadInput(
            {
                "mute_until": (
                    "Giờ bật tiếng lại phải ở sau bây giờ.",
                    "The mute must end in the future.",
                )
            }
        )
    emergencies.stop(here.session, here.actor, body["area_ids"], here.now, until)
    return {"area_ids": body["area_ids"], "stopped_at": here.now, "mute_until": until}


def _spoken(here: Here, text: str, area_id: str) -> str:
    """The id of an approved clip that says the text."""
    at = here.services
    with looking() as look:
        language = areas.effective(look.session, area_id).languages[0]
    title = " ".join(text.split())[:_TITLE_LENGTH]
    clip, version = clips.speak(
        at.engine,
        at.store,
        g.actor,
        text,
        language,
        None,
        title,
        _OTHER_CONTENT,
        area_id,
        here.now,
    )
    with changing() as write:
        said_by = replace(SYSTEM, language=write.actor.language)
        clips.approve(write.session, said_by, clip.id, write.now, note=write.actor.name)
        write.session.get_one(ClipVersion, version.id).valid_until = write.now + _TEXT_GOOD_FOR
    return clip.id


def _visible(here: Here, emergency: Emergency) -> bool:
    try:
        emergencies.get(here.session, here.actor, emergency.id)
    except NotFound:
        return False
    return True
