"""Who a token belongs to."""

from controller import tokens
from controller.access import SYSTEM
from controller.database import transaction
from controller.models import Role
from tests.support.commune import NOW


def test_a_user_sees_themselves(call_as, commune):
    me = call_as("erin").get("/users/me").json
    assert me == {
        "id": commune.users["erin"],
        "username": "erin",
        "name": "Erin",
        "role": "editor",
        "area_id": commune.areas["commune"],
        "language": "vi",
    }


def test_a_narrow_token_shows_what_it_may(services, commune, call_as):
    with transaction(services.engine) as session:
        _row, secret = tokens.create(
            session,
            SYSTEM,
            commune.users["alice"],
            "narrow",
            NOW,
            role=Role.VIEWER,
            area_id=commune.areas["upper"],
        )
    me = call_as(None).get("/users/me", headers={"Authorization": f"Bearer {secret}"}).json
    assert (me["role"], me["area_id"]) == ("viewer", commune.areas["upper"])
