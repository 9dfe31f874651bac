"""What was heard where, and the Group's notes, over HTTP."""

from datetime import timedelta

import pytest

from controller.database import transaction
from controller.models import Playback
from protocol.outcomes import Outcome
from tests.controller.api.expecting import is_problem
from tests.controller.factories import NOW, make_node


@pytest.fixture
def aired(call_as, clip, commune):
    """The id of an airing in the upper village whose start has passed."""
    body = {
        "title": "Bản tin",
        "items": [{"clip_id": clip}],
        "area_ids": [commune.areas["upper"]],
        "class": "normal",
        "starts_at": "2026-11-22T05:00:30Z",
    }
    made = call_as("bob").post("/schedules", json=body)
    assert made.status_code == 201, made.text
    call_as("bob").post(f"/schedules/{made.json['id']}/approve")
    return call_as("vera").get("/airings").json["items"][0]["id"]


@pytest.fixture
def note(aired, commune):
    return {"airing_id": aired, "area_id": commune.areas["upper"], "asked": 3, "installed": 2}


def test_a_note_before_the_airing_is_refused(call_as, note):
    is_problem(call_as("erin").post("/feedback", json=note), 422)


def test_what_the_group_saw_is_kept(call_as, note, clock):
    clock.forward(minutes=5)
    answer = call_as("erin").post("/feedback", json=note)
    assert answer.status_code == 201, answer.text
    assert (answer.json["asked"], answer.json["installed"]) == (3, 2)
    assert call_as("vera").get("/feedback").json["items"] == [answer.json]
    later = "/feedback?from=2026-11-23T00:00:00"
    assert call_as("vera").get(later).json["items"] == []


def test_what_was_played_is_counted_by_place_topic_and_language(
    call_as, services, aired, commune, clock
):
    clock.forward(hours=1)
    with transaction(services.engine) as session:
        node = make_node(session, commune.areas["upper"])
        start = NOW + timedelta(seconds=30)
        session.add(
            Playback(
                planned_day=start.date(),
                airing_id=aired,
                node_id=node.id,
                planned_at=start,
                outcome=Outcome.PLAYED,
                played_ms=90_000,
                ended_at=start + timedelta(seconds=90),
            )
        )
    [row] = call_as("vera").get("/coverage").json["items"]
    assert (row["area_name"], row["language"]) == ("Thôn Thượng", "vi")
    assert (row["planned"], row["played"], row["heard"], row["minutes"]) == (1, 1, None, 1.5)


def test_a_note_needs_an_airing_and_a_place(call_as):
    problem = is_problem(call_as("erin").post("/feedback", json={}), 422)
    assert set(problem["errors"]) == {"airing_id", "area_id"}


def test_charlie_can_note_nothing_here(call_as, note):
    is_problem(call_as("charlie").post("/feedback", json=note), 404)


def test_coverage_without_any_playing_is_empty(call_as, aired):
    assert call_as("vera").get("/coverage").json == {"items": [], "next_cursor": None}


def test_charlie_sees_no_coverage_of_another_commune(call_as, commune):
    path = f"/coverage?area_id={commune.areas['commune']}"
    is_problem(call_as("charlie").get(path), 404)


def test_days_in_the_wrong_order_are_refused(call_as):
    path = "/coverage?from=2026-11-22T00:00:00Z&to=2026-11-21T00:00:00Z"
    assert "from" in is_problem(call_as("vera").get(path), 422)["errors"]
