"""Every refusal is a problem with a sentence, in the language of the caller."""

import pytest
from sqlalchemy.exc import OperationalError

from audio_library.errors import AudioError, StoreCorrupt
from controller.api.binding import call, room
from controller.errors import BadInput, Conflict, ControllerError, NotAllowed, NotFound
from tests.controller.api.expecting import is_problem
from tests.support.commune import NOW

REFUSALS = {
    "missing": (NotFound("clip"), 404),
    "role": (NotAllowed("role", "Chưa được.", "Not you."), 403),
    "input": (BadInput({"title": ("Thiếu.", "Missing."), "topic": ("Sai.", "Wrong.")}), 422),
    "clash": (Conflict("policy", "Trùng.", "Clash.", [{"starts_at": NOW}]), 409),
    "broken": (ControllerError("x", "Hỏng.", "Broken."), 500),
    "sound": (AudioError("no_sound"), 422),
    "full": (AudioError("disk_full"), 503),
    "lost": (StoreCorrupt("ab" * 32), 500),
    "locked": (OperationalError("select", {}, Exception("database is locked")), 503),
    "deep": (RecursionError(), 400),
}


@pytest.fixture
def app(app):
    refusing = room("refusing", "")
    refused = {name: error for name, (error, _status) in REFUSALS.items()}

    @call(refusing, "GET", "/refuse/<id>", own_session=True)
    def refuse(id):
        raise refused.get(id) or RuntimeError("unforeseen")

    app.register_blueprint(refusing)
    return app


@pytest.mark.parametrize("name", REFUSALS)
def test_every_refusal_becomes_a_problem(alice, name):
    error, status = REFUSALS[name]
    problem = is_problem(alice.get(f"/refuse/{name}"), status)
    if isinstance(error, ControllerError | AudioError):
        assert problem["detail"] == error.en


def test_vietnamese_comes_first(call_as):
    problem = is_problem(call_as("alice", "vi").get("/refuse/role"), 403)
    assert problem["detail"] == "Chưa được."
    assert problem["title"] == "Không được phép"
    french = call_as("alice", "fr")
    assert french.get("/refuse/role").json["detail"] == "Chưa được."


def test_bad_input_maps_fields_to_sentences(call_as, alice):
    assert alice.get("/refuse/input").json["errors"] == {"title": "Missing.", "topic": "Wrong."}
    vietnamese = call_as("alice", "vi").get("/refuse/input").json
    assert vietnamese["errors"] == {"title": "Thiếu.", "topic": "Sai."}


def test_a_conflict_names_each_airing(alice):
    problem = is_problem(alice.get("/refuse/clash"), 409)
    assert problem["conflicts"] == [{"starts_at": "2026-11-22T05:00:00+00:00"}]


def test_what_may_work_later_says_when(alice):
    assert alice.get("/refuse/full").headers["Retry-After"] == "30"
    assert alice.get("/refuse/locked").headers["Retry-After"] == "30"


def test_a_refused_recording_is_the_files_fault(alice):
    assert "file" in alice.get("/refuse/sound").json["errors"]


def test_an_unforeseen_error_shows_nothing_of_the_inside(app, alice):
    app.testing = False
    app.config["PROPAGATE_EXCEPTIONS"] = False
    app.logger.disabled = True
    problem = is_problem(alice.get("/refuse/unforeseen"), 500)
    assert "unforeseen" not in str(problem)


def test_broken_json_is_a_bad_request(alice):
    answer = alice.post("/areas", data="{", content_type="application/json")
    is_problem(answer, 400)


def test_json_too_deep_to_read_is_a_bad_request(alice):
    answer = alice.post("/areas", data="[" * 100_000, content_type="application/json")
    is_problem(answer, 400)


def test_a_body_that_is_not_json_is_told_what_to_send(alice):
    answer = alice.post("/areas", data={"name": "A"})
    is_problem(answer, 415)


def test_a_large_body_is_refused_unread(alice):
    answer = alice.post("/areas", json={"name": "A" * 1_100_000})
    is_problem(answer, 413)
