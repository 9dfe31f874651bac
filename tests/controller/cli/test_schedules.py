"""`loalang schedule`."""

import json

import pytest

from controller.database import transaction
from tests.controller.factories import make_clip


@pytest.fixture
def body(engine, commune):
    with transaction(engine) as session:
        clip = make_clip(session, area_id=commune.areas["commune"]).id
    return {
        "title": "Hướng dẫn VNeID",
        "items": [{"clip_id": clip}],
        "area_ids": [commune.areas["commune"]],
        "starts_at": "2026-01-01T17:00",
        "recurrence": {"rrule": "FREQ=DAILY"},
    }


def test_a_dry_run_shows_the_airings_and_saves_nothing(run, body):
    looked = run("schedule", "create", "-", "--dry-run", "--json", typed=json.dumps(body)).json
    assert (looked["id"], looked["status"]) == (None, None)
    assert looked["airings_preview"][0]["starts_at"].endswith("10:00:00+00:00")
    assert run("schedule", "list", "--json").json == []


def test_a_schedule_goes_through_its_life(run, body):
    id = run("schedule", "create", "-", "--json", typed=json.dumps(body)).json["id"]
    assert run("schedule", "approve", id, "--json").json["status"] == "approved"
    assert run("schedule", "pause", id, "--json").json["paused_at"]
    assert run("schedule", "resume", id, "--json").json["paused_at"] is None
    assert [row["id"] for row in run("schedule", "list", "--json").json] == [id]
    assert run("schedule", "show", id, "--json").json["title"] == body["title"]
    assert run("schedule", "delete", id).out == "The schedule is deleted.\n"
    assert run("schedule", "show", id).status == 1


def test_refusals_name_their_field(run, body):
    body["items"] = []
    refused = run("schedule", "create", "-", typed=json.dumps(body))
    assert (refused.status, refused.err[:6]) == (2, "items:")
    assert run("schedule", "create", "-", typed="nonsense").status == 2


def test_a_schedule_and_one_of_its_airings_are_changed(run, body, commune):
    body["starts_at"] = "2026-01-01T21:30"
    id = run("schedule", "create", "-", "--json", typed=json.dumps(body)).json["id"]
    run("schedule", "approve", id)
    first, second = run("airing", "list", "--json").json[:2]
    left = run("airing", "skip", second["id"], "--json").json
    assert left["cancelled_at"] is not None
    assert run("airing", "restore", second["id"], "--json").json["cancelled_at"] is None
    to = second["starts_at"][:10] + "T22:30"
    moved = run("airing", "move", second["id"], to, "--json").json
    assert moved["starts_at"] == second["starts_at"].replace("14:30", "15:30")
    change = json.dumps({"title": "Tên mới"})
    looked = run("schedule", "update", id, "-", "--dry-run", "--json", typed=change).json
    assert looked["airings_preview"]
    assert run("schedule", "update", id, "-", "--json", typed=change).json["status"] == "pending"
    run("schedule", "approve", id)
    assert run("schedule", "show", id, "--json").json["title"] == "Tên mới"
    words = ("--from-airing", first["id"], "--json")
    later = json.dumps({"starts_at": first["starts_at"][:10] + "T20:30"})
    new = run("schedule", "update", id, "-", *words, typed=later).json
    assert new["id"] != id
    tonight = run("airing", "tonight", commune.areas["upper"], "--json").json
    assert {each["title"] for each in tonight} <= {"Tên mới"}
