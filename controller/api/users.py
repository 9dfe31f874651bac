"""Who the token belongs to."""

from typing import Any

from marshmallow import Schema, fields

from controller.accounts import people, user_areas
from controller.api.binding import call, room
from controller.api.fields import Id, Instant, one_of
from controller.api.here import Here
from controller.api.lists import ListQuery, page_of
from controller.errors import NotFound
from controller.models import Role, User
from controller.paging import Page

blueprint = room("users", "Người dùng")


class MeOut(Schema):
    """The user, with role and area as this token narrows them."""

    id = fields.String()
    username = fields.String()
    name = fields.String()
    role = one_of(*Role)
    area_id = fields.String(allow_none=True)
    area_ids = fields.List(fields.String(), metadata={"description": "all they serve"})
    language = fields.String()


class UserOut(Schema):
    """A person; `area_ids` empty: everywhere."""

    id = fields.String()
    username = fields.String()
    name = fields.String()
    role = one_of(*Role)
    area_id = fields.String(allow_none=True)
    area_ids = fields.List(fields.String())
    language = fields.String()
    locked_at = Instant(allow_none=True)


class UserAreaIn(Schema):
    """An area they are to serve too."""

    area_id = Id(required=True)


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
        "area_ids": here.actor.area_ids,
        "language": user.language,
    }


@call(blueprint, "GET", "/users", answer=page_of(UserOut), query=ListQuery)
def list_users(here: Here, query: dict[str, Any]) -> Page[User]:
    """People within the areas the token administers, by username."""
    return people.page(here.session, here.actor, **query)


@call(blueprint, "POST", "/users/<id>/areas", answer=UserOut, body=UserAreaIn)
def add_user_area(here: Here, body: dict[str, Any], id: str) -> User:
    """Let a person serve one more area, with the role they have."""
    return user_areas.add(here.session, here.actor, id, body["area_id"], here.now)


@call(blueprint, "DELETE", "/users/<id>/areas/<area_id>", answer=UserOut)
def remove_user_area(here: Here, id: str, area_id: str) -> User:
    """A person no longer serves an area; one must remain."""
    return user_areas.remove(here.session, here.actor, id, area_id, here.now)
