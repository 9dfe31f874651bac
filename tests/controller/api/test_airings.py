"""Airings over HTTP."""

import pytest

from tests.controller.api.expecting import ids, is_problem


@pytest.fixture
def airing(call_as, clip, commune, village):
    """An approved airing at 17:00 tomorrow in the upper village, with one node."""
    body = {
        "title": "Hướng dẫn VNeID",
        "items": [{"clip_id": clip}],
        "area_ids": [commune.areas["upper"]],
        "class": "priority",
        "starts_at": "2026-11-23T17:00",
    }
    schedule = call_as("erin").post("/schedules", json=body).json["id"]
    assert call_as("bob").post(f"/schedules/{schedule}/approve").status_code == 200
    [airing] = call_as("vera").get("/airings").json["items"]
    return airing


def test_an_airing_says_what_where_and_how_ready(airing, commune):
    assert airing["starts_at"] == "2026-11-23T10:00:00+00:00"
    assert airing["areas"] == [commune.areas["upper"]]
    assert airing["class"] == "priority"
    assert airing["readiness"] == {"ready": 0, "total": 1}
    assert airing["schedule_id"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"from": "2026-11-23T17:00"}, True),
        ({"from": "2026-11-23T17:01"}, False),
        ({"to": "2026-11-23T17:01"}, True),
        ({"to": "2026-11-23T17:00"}, False),
        ({"from": "2026-11-23T10:00:00Z", "to": "2026-11-23T10:00:01+00:00"}, True),
    ],
)
def test_airings_are_asked_for_by_time(call_as, airing, query, found):
    assert ids(call_as("vera").get("/airings", query_string=query)) == [airing["id"]] * found


def test_a_plus_that_was_not_escaped_is_understood(call_as, airing):
    answer = call_as("vera").get("/airings?from=2026-11-23T17:00:00+07:00")
    assert ids(answer) == [airing["id"]]


def test_airings_are_asked_for_by_place(call_as, airing, commune, village):
    vera = call_as("vera")
    assert ids(vera.get(f"/airings?area_id={commune.areas['upper']}")) == [airing["id"]]
    assert ids(vera.get(f"/airings?area_id={commune.areas['lower']}")) == []
    assert ids(vera.get(f"/airings?node_id={village}")) == [airing["id"]]


def test_bad_times_are_named(call_as):
    problem = is_problem(call_as("vera").get("/airings?from=yesterday"), 422)
    assert set(problem["errors"]) == {"from"}


def test_charlie_finds_nothing_here(charlie, airing, commune, village):
    assert ids(charlie.get("/airings")) == []
    is_problem(charlie.get(f"/airings?area_id={commune.areas['upper']}"), 404)
    is_problem(charlie.get(f"/airings?node_id={village}"), 404)
