"""Who a token belongs to."""

from controller.accounts import tokens
from controller.accounts.access import SYSTEM
from controller.database import transaction
from controller.models import Role, User, UserArea
from tests.support.commune import NOW


def test_a_user_sees_themselves(call_as, commune):
    me = call_as("erin").get("/users/me").json
    assert me == {
        "id": commune.users["erin"],
        "username": "erin",
        "name": "Erin",
        "role": "editor",
        "area_id": commune.areas["commune"],
        "area_ids": [commune.areas["commune"]],
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


def test_a_person_serves_several_areas(services, commune, call_as):
    with transaction(services.engine) as session:
        user = session.get(User, commune.users["alice"])
        user.also.append(UserArea(area_id=commune.areas["elsewhere"]))
    alice, erin = call_as("alice"), commune.users["erin"]
    body = {"area_id": commune.areas["elsewhere"]}
    added = alice.post(f"/users/{erin}/areas", json=body).json
    assert added["area_ids"] == [commune.areas["commune"], commune.areas["elsewhere"]]
    assert call_as("erin").get("/users/me").json["area_ids"] == added["area_ids"]
    assert erin in {user["id"] for user in alice.get("/users").json["items"]}
    path = f"/users/{erin}/areas/{commune.areas['elsewhere']}"
    assert alice.delete(path).json["area_ids"] == [commune.areas["commune"]]
    assert call_as("bob").post(f"/users/{erin}/areas", json=body).status_code == 403
