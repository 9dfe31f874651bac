"""Nodes over HTTP."""

from datetime import timedelta

import pytest

from controller.database import transaction
from controller.models import Device, DeviceBinding
from tests.controller.api.expecting import ids, is_problem


def body(commune, **more):
    node = {"name": "Cụm nhà văn hoá", "code": "HB-02", "area_id": commune.areas["lower"]}
    return {**node, **more}


def test_a_new_node_comes_with_a_claim_code_once(alice, commune):
    more = {"lat": 20.5, "lon": 105.1, "languages": ["vi"], "volume": 80}
    made = alice.post("/nodes", json=body(commune, **more))
    assert made.status_code == 201, made.text
    assert made.json["claim_code"]
    shown = alice.get(f"/nodes/{made.json['id']}").json
    assert "claim_code" not in shown
    assert shown.items() >= body(commune, **more).items()
    assert (shown["online"], shown["last_seen_at"], shown["holds"]) == (False, None, [])
    assert {"clock", "problems"} <= shown.keys()


def test_nodes_are_listed_by_area(alice, commune, village):
    alice.post("/nodes", json=body(commune))
    assert len(ids(alice.get("/nodes"))) == 2
    assert ids(alice.get(f"/nodes?area_id={commune.areas['upper']}")) == [village]
    assert len(ids(alice.get(f"/nodes?area_id={commune.areas['commune']}"))) == 2


def test_a_node_moves_to_another_area(alice, commune, village, clock):
    clock.forward(hours=1)
    moved = alice.patch(f"/nodes/{village}", json={"area_id": commune.areas["lower"]})
    assert moved.status_code == 200, moved.text
    assert moved.json["area_id"] == commune.areas["lower"]
    assert ids(alice.get(f"/nodes?area_id={commune.areas['upper']}")) == []


def test_new_hardware_gets_a_new_code(alice, village):
    first = alice.post(f"/nodes/{village}/claim-code")
    assert first.status_code == 201
    assert alice.post(f"/nodes/{village}/claim-code").json != first.json


@pytest.mark.parametrize(
    ("wrong", "fields"),
    [
        ({"name": ""}, {"name"}),
        ({"lat": 91}, {"lat"}),
        ({"lon": "east"}, {"lon"}),
        ({"volume": 101}, {"volume"}),
        ({"volume": 50.5}, {"volume"}),
        ({"languages": "vi"}, {"languages"}),
        ({"area_id": "../x"}, {"area_id"}),
    ],
)
def test_bad_input_names_its_fields(alice, commune, wrong, fields):
    problem = is_problem(alice.post("/nodes", json=body(commune, **wrong)), 422)
    assert set(problem["errors"]) == fields


def test_a_code_is_given_once(alice, commune, village):
    answer = alice.post("/nodes", json=body(commune, code="HB-01"))
    assert answer.status_code in (409, 422)
    assert answer.content_type == "application/problem+json"


def test_charlie_finds_nothing_here(charlie, commune, village):
    is_problem(charlie.get(f"/nodes/{village}"), 404)
    is_problem(charlie.patch(f"/nodes/{village}", json={"volume": 0}), 404)
    is_problem(charlie.post(f"/nodes/{village}/claim-code"), 404)
    is_problem(charlie.post("/nodes", json=body(commune)), 404)
    is_problem(charlie.get(f"/nodes?area_id={commune.areas['upper']}"), 404)
    assert ids(charlie.get("/nodes")) == []


def test_an_editor_does_not_touch_nodes(call_as, commune, village):
    is_problem(call_as("erin").post("/nodes", json=body(commune)), 403)
    assert call_as("tom").post("/nodes", json=body(commune)).status_code == 201


def serve(services, node_id):
    """Let a device serve a node, as after a claim."""
    with transaction(services.engine) as session:
        session.add(Device(id="d1", public_key="k", first_seen_at=services.clock()))
        session.flush()
        at = services.clock() - timedelta(hours=1)
        session.add(DeviceBinding(node_id=node_id, device_id="d1", from_at=at))


def test_an_order_can_be_given_and_followed(alice, village, services):
    serve(services, village)
    made = alice.post(f"/nodes/{village}/orders", json={"verb": "log_tail", "lines": 20})
    assert made.status_code == 201, made.text
    assert made.json["state"] == "waiting"
    shown = alice.get(f"/nodes/{village}/orders/{made.json['id']}").json
    assert shown == made.json
    assert alice.get(f"/nodes/{village}/orders").json["items"] == [shown]


def test_only_who_may_operate_gives_orders(call_as, village, services):
    serve(services, village)
    body = {"verb": "restart"}
    assert call_as("vera").post(f"/nodes/{village}/orders", json=body).status_code == 403
    assert call_as("charlie").post(f"/nodes/{village}/orders", json=body).status_code == 404
    assert call_as("tom").post(f"/nodes/{village}/orders", json=body).status_code == 201


def test_amplifiers_carry_what_is_chosen_for_them(alice, commune, village):
    chosen = [{"zone": "market", "areas": [commune.areas["commune"]]}]
    changed = alice.patch(f"/nodes/{village}", json={"zones": chosen})
    assert changed.status_code == 200, changed.text
    assert changed.json["zones"] == [{**chosen[0], "told": False}]
    outside = [{"zone": "market", "areas": [commune.areas["lower"]]}]
    is_problem(alice.patch(f"/nodes/{village}", json={"zones": outside}), 422)
    assert alice.patch(f"/nodes/{village}", json={"zones": []}).json["zones"] == []


def test_the_card_and_the_notes_are_kept(alice, village):
    assert alice.get(f"/nodes/{village}/card").json == {}
    card = {"directions": "Sau đình", "key_phone": "0912 345 678"}
    assert alice.put(f"/nodes/{village}/card", json={**card, "head": ""}).json == card
    assert alice.get(f"/nodes/{village}/card").json == card
    noted = alice.post(f"/nodes/{village}/notes", json={"text": "Thay nguồn\nDây mới"})
    assert noted.status_code == 201, noted.text
    assert ids(alice.get(f"/nodes/{village}/notes")) == [noted.json["id"]]
    is_problem(alice.post(f"/nodes/{village}/notes", json={"text": " "}), 422)
