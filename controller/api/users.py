"""Who the token belongs to."""

from marshmallow import Schema, fields

from controller import people
from controller.api.binding import call, room
from controller.api.fields import one_of
from controller.api.here import Here
from controller.errors import NotFound
from controller.models import Role

blueprint = room("users", "Người dùng")


class MeOut(Schema):
    """The user, with role and area as this token narrows them."""

    id = fields.String()
    username = fields.String()
    name = fields.String()
    role = one_of(*Role)
    area_id = fields.String(allow_none=True)
    language = fields.String()


@call(blueprint, "GET", "/users/me", answer=MeOut)
def show_me(here: Here) -> dict[str, object]:
    """The user who calls."""
    if here.actor.user_id is None:
        raise NotFound("user")
    user = people.get(here.session, here.actor, here.actor.user_id)
    return {
        "id": user.id,
        "username": user.username,
        "name": user.name,
        "role": here.actor.role.value,
        "area_id": here.actor.area_id,
        "language": user.language,
    }
