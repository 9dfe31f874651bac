"""Where news of silent clusters and failed airings goes: a technician's own e-mail or webhook."""

from typing import Any

from marshmallow import Schema, fields

from controller.api.binding import call, room
from controller.api.fields import Id, Instant, Text
from controller.api.here import Here, looking
from controller.models import AlertTarget
from controller.upkeep import alerts

blueprint = room("alerts", "Cảnh báo")


class AlertIn(Schema):
    """A new target; without an area it hears of the caller's own."""

    name = Text(100, required=True)
    address = Text(
        500,
        required=True,
        metadata={"description": "as Apprise takes it: mailtos://user:password@host, jsons://…"},
    )
    area_id = Id(allow_none=True)


class AlertOut(Schema):
    """A target; its address is shown without secrets."""

    id = fields.String()
    name = fields.String()
    address = fields.Function(lambda row: alerts.shown(row.address), metadata={"type": "string"})
    area_id = fields.String(allow_none=True)
    added_at = Instant()
    sent_at = Instant(allow_none=True)
    failed = fields.Function(
        lambda row: bool(row.error),
        metadata={"type": "boolean", "description": "the last message did not go out"},
    )


class AlertList(Schema):
    """By name: all of an administrator's areas, or the caller's own."""

    items = fields.List(fields.Nested(AlertOut))


class TrialOut(Schema):
    """What became of a trial."""

    sent = fields.Boolean()


@call(blueprint, "GET", "/alerts", answer=AlertList)
def list_alerts(here: Here) -> dict[str, Any]:
    """Where news goes."""
    return {"items": alerts.listed(here.session, here.actor)}


@call(blueprint, "POST", "/alerts", answer=AlertOut, status=201, body=AlertIn)
def add_alert(here: Here, body: dict[str, Any]) -> AlertTarget:
    """Have news sent to another address."""
    area_id = body.get("area_id") or here.actor.area_id
    name, address = body["name"], body["address"]
    return alerts.add(here.session, here.actor, area_id, name, address, here.now)


@call(blueprint, "DELETE", "/alerts/<id>")
def remove_alert(here: Here, id: str) -> None:
    """No more messages there."""
    alerts.remove(here.session, here.actor, id, here.now)


@call(blueprint, "POST", "/alerts/<id>/test", answer=TrialOut, own_session=True)
def try_alert(id: str) -> dict[str, bool]:
    """Send a trial there."""
    with looking() as at:
        address, language = alerts.get(at.session, at.actor, id).address, at.actor.language
    return {"sent": alerts.try_out(address, language)}
