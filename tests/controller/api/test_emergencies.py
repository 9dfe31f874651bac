"""Emergencies and stops over HTTP."""

from datetime import timedelta

import pytest

from controller.accounts import second_factor, totp
from controller.accounts.access import SYSTEM
from controller.database import transaction
from controller.models import SecondFactor
from tests.controller.api.expecting import ids, is_problem


@pytest.fixture
def order(clip, commune):
    return {"clip_id": clip, "area_ids": [commune.areas["upper"]], "drill": True, "repeat": 2}


@pytest.fixture
def two_people(alice, commune):
    policy = {"approval": {"emergency_people": 2}}
    answer = alice.patch(f"/areas/{commune.areas['commune']}", json={"policy": policy})
    assert answer.status_code == 200, answer.text


def test_an_emergency_sounds_at_once(call_as, order, commune):
    answer = call_as("bob").post("/emergencies", json=order)
    assert answer.status_code == 201, answer.text
    made = answer.json
    assert (made["state"], made["drill"], made["people_needed"]) == ("active", True, 1)
    assert made["starts_at"].startswith("2026-11-22T05:00:00.8")
    assert made["repeat"]["times"] == 2
    soundings = call_as("vera").get("/airings").json["items"]
    assert [airing["origin"] for airing in soundings] == ["emergency"] * 2
    assert ids(call_as("vera").get("/emergencies")) == [made["id"]]


def test_the_repeat_may_say_how_far_apart(call_as, order):
    order["repeat"] = {"times": 3, "every_s": 60}
    answer = call_as("bob").post("/emergencies", json=order)
    assert answer.json["repeat"] == {"times": 3, "every_s": 60}


def test_a_second_person_confirms_where_policy_says_so(call_as, order, two_people):
    bob, alice = call_as("bob"), call_as("alice")
    made = bob.post("/emergencies", json=order).json
    assert made["state"] == "waiting"
    is_problem(bob.post(f"/emergencies/{made['id']}/confirm"), 403)
    assert alice.post(f"/emergencies/{made['id']}/confirm").json["state"] == "active"
    is_problem(alice.post(f"/emergencies/{made['id']}/confirm"), 409)


def test_an_emergency_is_called_off(call_as, order):
    bob = call_as("bob")
    made = bob.post("/emergencies", json=order).json
    assert bob.post(f"/emergencies/{made['id']}/cancel").json["state"] == "cancelled"
    assert bob.get(f"/emergencies/{made['id']}").json["state"] == "cancelled"


def test_a_text_is_spoken_and_good_for_a_day(call_as, order):
    bob = call_as("bob")
    order |= {"clip_id": None, "text": "Nước lũ đang lên, mời bà con đến nhà văn hoá."}
    answer = bob.post("/emergencies", json=order)
    assert answer.status_code == 201, answer.text
    assert answer.json["title"].startswith("Nước lũ đang lên")
    clip = bob.get(f"/clips/{answer.json['clip_id']}").json
    assert (clip["status"], clip["valid_until"]) == ("approved", "2026-11-23T05:00:00+00:00")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"text": "Cả hai"}, "clip_id"),
        ({"clip_id": None}, "clip_id"),
        ({"area_ids": []}, "area_ids"),
        ({"drill": None}, "drill"),
        ({"repeat": "often"}, "repeat"),
        ({"repeat": 0}, "repeat"),
        ({"repeat": 10**20}, "repeat"),
        ({"repeat": {"times": 2, "each": 3}}, "repeat"),
        ({"repeat": {"times": 2, "every_s": 10**20}}, None),
    ],
)
def test_bad_input_names_its_fields(call_as, order, wrong, field):
    answer = call_as("bob").post("/emergencies", json={**order, **wrong})
    if field is None:
        assert answer.status_code < 500
    else:
        assert field in is_problem(answer, 422)["errors"]


def test_a_stop_silences_and_mutes(call_as, commune):
    body = {"area_ids": [commune.areas["upper"]], "mute_until": "2026-11-22T14:00"}
    answer = call_as("erin").post("/stop", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.json["stopped_at"] == "2026-11-22T05:00:00+00:00"
    assert answer.json["mute_until"] == "2026-11-22T14:00:00+07:00"
    body["mute_until"] = "2026-11-22T11:00"
    assert "mute_until" in is_problem(call_as("erin").post("/stop", json=body), 422)["errors"]
    assert "area_ids" in is_problem(call_as("erin").post("/stop", json={}), 422)["errors"]


def test_small_roles_raise_no_alarm(call_as, order):
    is_problem(call_as("erin").post("/emergencies", json=order), 403)
    is_problem(call_as("vera").post("/stop", json={"area_ids": order["area_ids"]}), 403)


def test_charlie_finds_nothing_here(call_as, charlie, order, commune):
    made = call_as("bob").post("/emergencies", json=order).json["id"]
    assert ids(charlie.get("/emergencies")) == []
    is_problem(charlie.get(f"/emergencies/{made}"), 404)
    for verb in ("confirm", "cancel"):
        is_problem(charlie.post(f"/emergencies/{made}/{verb}"), 404)
    is_problem(charlie.post("/emergencies", json=order), 404)
    own = {**order, "area_ids": [commune.areas["elsewhere"]]}
    is_problem(charlie.post("/emergencies", json=own), 404)
    is_problem(charlie.post("/stop", json={"area_ids": order["area_ids"]}), 404)


@pytest.fixture
def phone(services, commune, clock):
    """Bob has a second factor; `phone()` is the code it shows next."""
    box, user_id = services.settings.factor_box, commune.users["bob"]
    secret = totp.new_secret()
    with transaction(services.engine) as session:
        row = SecondFactor(user_id=user_id, last_step=0, recovery=[], confirmed_at=clock.now)
        row.secret = box.lock(secret, user_id)
        session.add(row)

    def show():
        clock.now += timedelta(seconds=totp.STEP_S)
        return totp.code(secret, totp.step_of(clock.now))

    return show


def wants_code(answer):
    assert "code" in is_problem(answer, 422)["errors"]


def test_where_two_must_agree_a_token_alone_neither_begins_nor_confirms(
    call_as, order, two_people, phone
):
    bob, alice = call_as("bob"), call_as("alice")
    wants_code(bob.post("/emergencies", json=order))
    wants_code(bob.post("/emergencies", json=order | {"code": "000000"}))
    code = phone()
    made = bob.post("/emergencies", json=order | {"code": code})
    assert made.status_code == 201, made.text
    wants_code(bob.post("/emergencies", json=order | {"code": code}))  # counts once
    other = alice.post("/emergencies", json=order).json  # she has no second factor
    wants_code(bob.post(f"/emergencies/{other['id']}/confirm"))
    answer = bob.post(f"/emergencies/{other['id']}/confirm", json={"code": phone()})
    assert answer.json["state"] == "active"
    # What makes silence needs none.
    assert bob.post(f"/emergencies/{other['id']}/cancel").json["state"] == "cancelled"


def test_where_one_is_enough_a_token_acts_by_itself(call_as, order, phone):
    assert call_as("bob").post("/emergencies", json=order).status_code == 201


def test_codes_are_not_guessed_through_the_api(call_as, order, two_people, phone):
    bob = call_as("bob")
    for number in range(5):
        wants_code(bob.post("/emergencies", json=order | {"code": f"00000{number}"}))
    is_problem(bob.post("/emergencies", json=order | {"code": phone()}), 429)


def test_who_must_have_a_second_factor_and_has_none_is_sent_to_the_pages(
    call_as, order, two_people, services, clock
):
    with transaction(services.engine) as session:
        second_factor.require_it(session, SYSTEM, True, clock.now)
    is_problem(call_as("bob").post("/emergencies", json=order), 403)
