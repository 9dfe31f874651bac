"""Areas over HTTP."""

import io

import pytest

from tests.controller.api.expecting import ids, is_problem


def test_an_administrator_sees_their_commune_and_nothing_else(alice, commune):
    own = {commune.areas[name] for name in ("commune", "upper", "lower")}
    assert set(ids(alice.get("/areas"))) == own


def test_a_new_village_comes_back_as_it_was_given(alice, commune):
    body = {
        "name": "Thôn Trung",
        "kind": "thôn",
        "code": "HB-03",
        "parent_id": commune.areas["commune"],
        "languages": ["vi", "mww"],
        "policy": {"max_sessions_per_day": 2},
        "group": {
            "name": "Tổ công nghệ số Thôn Trung",
            "contact": "Bà Hoa",
            "phone": "0912 000 000",
            "members": ["Hoa", "Sùng A Páo"],
            "next_visits": [
                {"at": "2026-11-29T08:00:00+07:00", "place": "Nhà văn hoá", "topic": "VNeID"}
            ],
        },
    }
    made = alice.post("/areas", json=body)
    assert made.status_code == 201, made.text
    assert made.json.items() >= body.items()
    assert alice.get(f"/areas/{made.json['id']}").json == made.json


def test_some_fields_can_be_changed_and_emptied(alice, commune):
    upper = f"/areas/{commune.areas['upper']}"
    assert alice.patch(upper, json={"code": "T1", "timezone": "Asia/Bangkok"}).status_code == 200
    changed = alice.patch(upper, json={"timezone": None, "name": "Bản Thượng"}).json
    assert (changed["name"], changed["code"], changed["timezone"]) == ("Bản Thượng", "T1", None)


def test_a_list_comes_a_page_at_a_time(alice):
    first = alice.get("/areas?limit=2").json
    rest = alice.get("/areas", query_string={"limit": 2, "cursor": first["next_cursor"]}).json
    names = [area["name"] for area in first["items"] + rest["items"]]
    assert len(set(names)) == 3
    assert rest["next_cursor"] is None


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"name", "kind"}),
        ({"name": " ", "kind": "thôn"}, {"name"}),
        ({"name": "A\x00", "kind": "thôn"}, {"name"}),
        ({"name": "A\ud800", "kind": "thôn"}, {"name"}),
        ({"name": "A" * 201, "kind": "thôn"}, {"name"}),
        ({"name": 3, "kind": ["thôn"]}, {"name", "kind"}),
        ({"name": "A", "kind": "thôn", "timezone": "Mars/Base"}, {"timezone"}),
        ({"name": "A", "kind": "thôn", "policy": [1]}, {"policy"}),
        ({"name": "A", "kind": "thôn", "policy": {"note": "\ud800"}}, {"policy"}),
        ({"name": "A", "kind": "thôn", "colour": "red"}, {"colour"}),
        ({"name": "A", "kind": "thôn", "group": {"phone": "1"}}, {"group.name"}),
    ],
)
def test_bad_input_names_its_fields(alice, commune, body, fields):
    answer = alice.post("/areas", json={"parent_id": commune.areas["commune"], **body})
    problem = is_problem(answer, 422)
    assert set(problem["errors"]) == fields


def test_a_list_takes_only_a_sensible_limit(alice):
    for query in ("limit=0", "limit=9999", "limit=two", "cursor=nonsense"):
        problem = is_problem(alice.get(f"/areas?{query}"), 422)
        assert set(problem["errors"]) == {query.partition("=")[0]}


def test_charlie_finds_nothing_here(charlie, commune):
    upper = commune.areas["upper"]
    is_problem(charlie.get(f"/areas/{upper}"), 404)
    is_problem(charlie.patch(f"/areas/{upper}", json={"name": "Mine"}), 404)
    body = {"name": "Mine", "kind": "thôn", "parent_id": upper}
    is_problem(charlie.post("/areas", json=body), 404)
    assert ids(charlie.get("/areas")) == [commune.areas["elsewhere"]]


def test_an_id_that_cannot_exist_is_simply_not_found(alice):
    for id in ("%00", "a%20b", "..", "x" * 65, "é"):
        is_problem(alice.get(f"/areas/{id}"), 404)


def test_a_small_role_may_look_but_not_change(call_as, commune):
    erin = call_as("erin")
    assert erin.get(f"/areas/{commune.areas['upper']}").status_code == 200
    is_problem(erin.patch(f"/areas/{commune.areas['upper']}", json={"name": "X"}), 403)


def test_units_are_imported_from_a_file_with_errors_by_line(alice, commune):
    good = "mã,tên,loại\n001,Bản A,bản\n002,Bản B,bản\n".encode()
    sent = {"file": (io.BytesIO(good), "thôn.csv"), "parent_id": commune.areas["commune"]}
    answer = alice.post("/areas/import", data=sent)
    assert answer.status_code == 200, answer.text
    assert answer.json == {"created": 2, "updated": 0}
    bad = "mã,tên,loại\n003,,bản\n004,Bản D,bản\n003,Bản E,bản\n".encode()
    refused = alice.post("/areas/import", data={"file": (io.BytesIO(bad), "thôn.csv")})
    assert refused.status_code == 422
    assert list(refused.json["errors"]) == ["line 2", "line 4"]
    assert not {"003", "004"} & {each["code"] for each in alice.get("/areas").json["items"]}


def test_units_merge_and_split(alice, commune, village):
    upper, lower = commune.areas["upper"], commune.areas["lower"]
    body = {"name": "Thôn Mới", "kind": "thôn", "node_ids": [village]}
    made = alice.post(f"/areas/{upper}/split", json=body)
    assert made.status_code == 201, made.text
    assert alice.get(f"/nodes/{village}").json["area_id"] == made.json["id"]
    merged = alice.post(f"/areas/{lower}/merge", json={"area_ids": [upper]})
    assert merged.json["id"] == lower
    assert alice.get(f"/areas/{upper}").json["closed_at"] is not None
    loop = alice.post(f"/areas/{lower}/merge", json={"area_ids": [commune.areas["commune"]]})
    is_problem(loop, 422)


def test_a_village_is_told_what_plays_tonight_and_who_waits(call_as, alice, commune, clip):
    lower = commune.areas["lower"]
    for i, area in enumerate(("upper", "lower")):
        node = {"name": area, "code": f"W-{i}", "area_id": commune.areas[area], "lat": 21.0}
        assert alice.post("/nodes", json={**node, "lon": 105.0 + i * 0.001}).status_code == 201
    body = {
        "title": "Tối nay",
        "items": [{"clip_id": clip}],
        "area_ids": [commune.areas["commune"]],
        "starts_at": "2026-11-22T20:00",
    }
    made = call_as("erin").post("/schedules", json=body).json["id"]
    call_as("bob").post(f"/schedules/{made}/approve")
    found = call_as("vera").get(f"/areas/{lower}/tonight").json
    assert [each["title"] for each in found["airings"]] == ["Tối nay"]
    assert found["hours"] is None
    (wait,) = call_as("vera").get(f"/areas/{commune.areas['commune']}/waits").json["items"]
    assert wait["wait_ms"] == 2000
