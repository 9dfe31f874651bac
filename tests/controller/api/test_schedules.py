"""Schedules over HTTP: a look ahead, saving, decisions."""

import pytest
from sqlalchemy import func, select

from controller.database import reading
from controller.models import Schedule
from tests.controller.api.expecting import ids, is_problem


@pytest.fixture
def body(alice, clip, commune):
    return {
        "title": "Hướng dẫn VNeID",
        "items": [{"clip_id": clip, "times": 2, "gap_s": 3}],
        "area_ids": [commune.areas["commune"]],
        "class": "normal",
        "starts_at": "2026-11-23T17:00",
    }


@pytest.fixture
def schedule(call_as, body):
    answer = call_as("erin").post("/schedules", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json["id"]


def saved(services):
    with reading(services.engine) as session:
        return session.scalar(select(func.count()).select_from(Schedule))


def test_a_schedule_waits_for_approval_and_shows_its_airings(call_as, body, village):
    answer = call_as("erin").post("/schedules", json=body)
    assert answer.status_code == 201, answer.text
    made = answer.json
    assert made.keys() == {"id", "status", "airings_preview", "conflicts", "outros"}
    assert made["status"] == "pending"
    [airing] = made["airings_preview"]
    assert airing["starts_at"] == "2026-11-23T10:00:00+00:00"
    assert airing["ends_at"] > airing["starts_at"]


def test_a_time_with_an_offset_means_that_instant(call_as, body):
    body["starts_at"] = "2026-11-23T12:00:00+02:00"
    [airing] = call_as("erin").post("/schedules", json=body).json["airings_preview"]
    assert airing["starts_at"] == "2026-11-23T10:00:00+00:00"


def test_a_weekly_rule_previews_its_dates_and_saves_nothing(call_as, body, services):
    body["recurrence"] = {"rrule": "FREQ=WEEKLY;BYDAY=MO,TH"}
    answer = call_as("erin").post("/schedules?dry_run=true", json=body)
    assert answer.status_code == 200, answer.text
    draft = answer.json
    assert (draft["id"], draft["status"]) == (None, None)
    days = [airing["starts_at"][:10] for airing in draft["airings_preview"][:3]]
    assert days == ["2026-11-23", "2026-11-26", "2026-11-30"]
    assert len(draft["airings_preview"]) <= 1000
    assert saved(services) == 0


def test_approval_pause_resume_and_deletion(call_as, schedule):
    bob, erin = call_as("bob"), call_as("erin")
    assert bob.post(f"/schedules/{schedule}/approve").json["status"] == "approved"
    assert erin.post(f"/schedules/{schedule}/pause").json["paused_at"]
    assert erin.post(f"/schedules/{schedule}/resume").json["paused_at"] is None
    assert erin.delete(f"/schedules/{schedule}").status_code == 204
    is_problem(erin.get(f"/schedules/{schedule}"), 404)
    assert ids(erin.get("/schedules")) == []


def test_a_rejection_carries_its_word(call_as, schedule):
    answer = call_as("bob").post(f"/schedules/{schedule}/reject", json={"note": "Đổi giờ"})
    assert (answer.json["status"], answer.json["note"]) == ("rejected", "Đổi giờ")


def test_an_editor_does_not_decide(call_as, schedule):
    is_problem(call_as("erin").post(f"/schedules/{schedule}/approve"), 403)
    is_problem(call_as("erin").post(f"/schedules/{schedule}/reject"), 403)


def test_a_schedule_is_shown_as_it_was_entered(call_as, schedule, body):
    shown = call_as("vera").get(f"/schedules/{schedule}").json
    assert shown["items"] == body["items"]
    assert shown["area_ids"] == body["area_ids"]
    assert (shown["class"], shown["timezone"]) == ("normal", "Asia/Ho_Chi_Minh")
    assert shown["starts_at"] == "2026-11-23T17:00:00"


def test_schedules_are_listed_by_status(call_as, schedule):
    vera = call_as("vera")
    assert ids(vera.get("/schedules")) == [schedule]
    assert ids(vera.get("/schedules?status=pending")) == [schedule]
    assert ids(vera.get("/schedules?status=approved")) == []


def test_policy_forbids_and_names_each_airing(alice, call_as, commune, body):
    hours = {"permit": [{"days": [1, 2, 3, 4, 5, 6, 7], "from": "05:30", "to": "06:30"}]}
    commune_path = f"/areas/{commune.areas['commune']}"
    assert alice.patch(commune_path, json={"policy": hours}).status_code == 200
    problem = is_problem(call_as("erin").post("/schedules", json=body), 409)
    assert [conflict["kind"] for conflict in problem["conflicts"]] == ["policy"]
    draft = call_as("erin").post("/schedules?dry_run=true", json=body)
    assert draft.status_code == 200
    assert draft.json["conflicts"]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"title": ""}, "title"),
        ({"items": []}, "items"),
        ({"items": [{"clip_id": "x y"}]}, "items.0.clip_id"),
        ({"items": [{"clip_id": "a", "times": 0}]}, "items.0.times"),
        ({"items": [{"clip_id": "a", "gap_s": -1}]}, "items.0.gap_s"),
        ({"area_ids": []}, "area_ids"),
        ({"class": "loud"}, "class"),
        ({"starts_at": "17:00"}, "starts_at"),
        ({"starts_at": "2026-11-20T17:00"}, "starts_at"),
        ({"starts_at": "9999-11-20T17:00"}, "starts_at"),
        ({"recurrence": "weekly"}, "recurrence"),
        ({"late_s": -1}, "late_s"),
        ({"tune": "no such tune"}, "tune"),
    ],
)
def test_bad_input_names_its_fields(call_as, body, wrong, field):
    problem = is_problem(call_as("erin").post("/schedules", json={**body, **wrong}), 422)
    assert field in problem["errors"]


@pytest.mark.parametrize(
    "recurrence",
    [
        {"rrule": "FREQ=NEVER"},
        {"rrule": 7},
        {"rrule": "FREQ=SECONDLY"},
        {"lunar": {"days": [31]}},
        {"lunar": []},
        {"solar": {}},
        {},
    ],
)
def test_a_rule_nobody_can_follow_is_refused(call_as, body, recurrence):
    answer = call_as("erin").post("/schedules", json={**body, "recurrence": recurrence})
    if recurrence:
        assert "recurrence" in is_problem(answer, 422)["errors"]
    else:
        assert answer.status_code in (201, 422)


def test_charlie_finds_nothing_here(charlie, schedule, body):
    is_problem(charlie.get(f"/schedules/{schedule}"), 404)
    is_problem(charlie.delete(f"/schedules/{schedule}"), 404)
    for verb in ("approve", "reject", "pause", "resume"):
        is_problem(charlie.post(f"/schedules/{schedule}/{verb}"), 404)
    is_problem(charlie.post("/schedules", json=body), 404)
    assert ids(charlie.get("/schedules")) == []


def test_a_viewer_schedules_nothing(call_as, body):
    is_problem(call_as("vera").post("/schedules", json=body), 403)


def test_a_change_is_looked_at_then_waits_while_the_old_one_airs(call_as, body, village):
    made = call_as("erin").post("/schedules", json=body).json["id"]
    call_as("bob").post(f"/schedules/{made}/approve")
    path = f"/schedules/{made}"
    before = starts(call_as("bob"), made)
    tomorrow = {"starts_at": "2026-11-24T09:00"}
    looked = call_as("erin").patch(f"{path}?dry_run=true", json=tomorrow)
    assert looked.status_code == 200, looked.text
    assert looked.json["airings_preview"][0]["starts_at"].startswith("2026-11-24T02:00")
    assert call_as("erin").get(path).json["status"] == "approved"
    changed = call_as("erin").patch(path, json=tomorrow).json
    assert (changed["id"], changed["status"]) == (made, "pending")
    shown = call_as("erin").get(path).json
    assert shown["status"] == "pending"
    assert shown["proposal"]["starts_at"] == "2026-11-24T09:00:00"
    assert starts(call_as("bob"), made) == before
    assert made in {s["id"] for s in call_as("bob").get("/schedules?status=pending").json["items"]}
    call_as("bob").post(f"{path}/approve")
    assert starts(call_as("bob"), made)[0].startswith("2026-11-24T02:00")
    assert call_as("bob").get(path).json["proposal"] is None


def test_one_airing_and_all_after_it_change_once_approved(call_as, body, village):
    daily = {**body, "recurrence": {"rrule": "FREQ=DAILY"}}
    made = call_as("erin").post("/schedules", json=daily).json["id"]
    call_as("bob").post(f"/schedules/{made}/approve")
    airing = call_as("bob").get("/airings").json["items"][2]
    whole = starts(call_as("bob"), made)
    path = f"/schedules/{made}?from_airing_id={airing['id']}"
    late = {"starts_at": airing["starts_at"][:10] + "T15:30"}
    answer = call_as("erin").patch(path, json=late)
    assert answer.status_code == 200, answer.text
    new = answer.json["id"]
    assert new != made
    assert starts(call_as("bob"), made) == whole, "the old one airs until the new one may"
    call_as("bob").post(f"/schedules/{new}/approve")
    assert starts(call_as("bob"), made) == whole[:2]
    assert starts(call_as("bob"), new)[0] == f"{airing['starts_at'][:10]}T08:30:00+00:00"


def test_one_airing_is_moved_left_out_and_put_back(call_as, body, village):
    daily = {**body, "recurrence": {"rrule": "FREQ=DAILY"}}
    made = call_as("erin").post("/schedules", json=daily).json["id"]
    call_as("bob").post(f"/schedules/{made}/approve")
    airing = call_as("bob").get("/airings").json["items"][0]
    path = f"/airings/{airing['id']}"
    day = airing["starts_at"][:10]
    moved = call_as("bob").post(f"{path}/move", json={"starts_at": f"{day}T20:15"})
    assert moved.status_code == 200, moved.text
    assert (moved.json["id"], moved.json["starts_at"]) == (airing["id"], f"{day}T13:15:00+00:00")
    assert call_as("bob").post(f"{path}/skip").json["cancelled_at"] is not None
    assert call_as("bob").get(path).json["cancelled_at"] is not None
    assert airing["id"] not in ids(call_as("bob").get("/airings"))
    assert call_as("bob").post(f"{path}/skip").status_code == 409
    assert call_as("bob").post(f"{path}/restore").json["starts_at"] == airing["starts_at"]
    assert call_as("erin").post(f"{path}/skip").status_code == 403


def starts(caller, schedule_id):
    items = caller.get("/airings?limit=200").json["items"]
    return [each["starts_at"] for each in items if each["schedule_id"] == schedule_id]
