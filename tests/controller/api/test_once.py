"""A POST with an Idempotency-Key is done once."""

import os
from pathlib import Path

import pytest

from tests.controller.api.expecting import ids, is_problem

KEY = {"Idempotency-Key": "tap-1"}


@pytest.fixture
def body(commune):
    return {"name": "Thôn Mới", "kind": "thôn", "parent_id": commune.areas["commune"]}


def answers(services):
    return list(Path(services.settings.data_dir, "answers").iterdir())


def test_a_double_tap_makes_one_area(alice, body):
    first = alice.post("/areas", json=body, headers=KEY)
    second = alice.post("/areas", json=body, headers=KEY)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json == second.json
    assert second.headers["Idempotent-Replayed"] == "true"
    assert len(ids(alice.get("/areas"))) == 4


def test_another_key_makes_another(alice, body):
    alice.post("/areas", json=body, headers=KEY)
    alice.post("/areas", json=body, headers={"Idempotency-Key": "tap-2"})
    assert len(ids(alice.get("/areas"))) == 5


def test_the_same_key_for_another_request_is_refused(alice, body):
    alice.post("/areas", json=body, headers=KEY)
    is_problem(alice.post("/areas", json={**body, "name": "Khác"}, headers=KEY), 422)


def test_a_key_belongs_to_one_user(alice, charlie, commune, body):
    alice.post("/areas", json=body, headers=KEY)
    own = {**body, "parent_id": commune.areas["elsewhere"]}
    answer = charlie.post("/areas", json=own, headers=KEY)
    assert answer.status_code == 201
    assert "Idempotent-Replayed" not in answer.headers


def test_a_refused_request_leaves_its_key_free(alice, body, services):
    answer = alice.post("/areas", json={**body, "timezone": "Mars/Base"}, headers=KEY)
    is_problem(answer, 422)
    assert answers(services) == []
    assert alice.post("/areas", json=body, headers=KEY).status_code == 201


def test_a_request_cut_off_in_the_middle_is_not_done_twice(alice, body, services):
    alice.post("/areas", json=body, headers=KEY)
    [place] = answers(services)
    place.write_bytes(b"")  # what a killed process leaves
    is_problem(alice.post("/areas", json=body, headers=KEY), 409)
    assert len(ids(alice.get("/areas"))) == 4


def test_answers_are_kept_for_a_day(alice, body, services):
    alice.post("/areas", json=body, headers=KEY)
    [place] = answers(services)
    assert place.stat().st_mode & 0o777 == 0o600
    old = place.stat().st_mtime - 25 * 3600
    os.utime(place, (old, old))
    alice.post("/areas", json=body, headers=KEY)
    assert len(ids(alice.get("/areas"))) == 5


def test_a_key_has_a_length(alice, body):
    is_problem(alice.post("/areas", json=body, headers={"Idempotency-Key": "x" * 201}), 422)
