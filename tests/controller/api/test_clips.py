"""Recordings over HTTP, through the real audio library."""

import io
from datetime import timedelta

import pytest

from controller.database import transaction
from tests.controller.api.expecting import ids, is_problem
from tests.controller.factories import make_clip
from tests.support.commune import NOW
from tests.support.recording import wav

ANSWER = {
    "id",
    "version",
    "status",
    "duration_ms",
    "sha256",
    "bytes",
    "loudness_lufs",
    "true_peak_dbtp",
    "warnings",
}


@pytest.fixture(scope="session")
def recording():
    return wav()


def upload(caller, recording, name="vneid.wav", **more):
    about = {"title": "Cài VNeID", "topic": "1", "language": "vi", **more}
    form = {key: value for key, value in about.items() if value is not None}
    return caller.post("/clips", data={**form, "file": (io.BytesIO(recording), name)})


@pytest.fixture
def clip(call_as, recording):
    answer = upload(call_as("erin"), recording)
    assert answer.status_code == 201, answer.text
    return answer.json["id"]


def test_an_upload_is_levelled_stored_and_waits_for_approval(call_as, recording, services):
    answer = upload(call_as("erin"), recording)
    assert answer.status_code == 201, answer.text
    made = answer.json
    assert made.keys() == ANSWER
    assert (made["version"], made["status"]) == (1, "pending")
    assert 1800 <= made["duration_ms"] <= 2200
    assert made["true_peak_dbtp"] <= -1.0
    assert services.store.size_bytes(made["sha256"]) == made["bytes"]


def test_everything_said_about_a_clip_comes_back(alice, call_as, commune, recording):
    original = upload(alice, recording).json["id"]
    about = {
        "title": "Tải VNeID",
        "language": "mww",
        "app": "VNeID",
        "audience": "người già",
        "area_id": commune.areas["upper"],
        "translation_of": original,
        "valid_from": "2026-11-23T00:00",
        "valid_until": "2026-12-31T23:59:00+07:00",
    }
    answer = upload(alice, recording, **about)
    assert answer.status_code == 201, answer.text
    shown = alice.get(f"/clips/{answer.json['id']}").json
    assert shown.items() >= {k: v for k, v in about.items() if not k.startswith("valid")}.items()
    assert shown["valid_from"] == "2026-11-22T17:00:00+00:00"
    assert shown["valid_until"] == "2026-12-31T16:59:00+00:00"


def test_a_new_version_replaces_the_old_one(call_as, recording, clip):
    answer = upload(call_as("erin"), wav(2.5), replaces=clip)
    assert (answer.json["id"], answer.json["version"]) == (clip, 2)


def test_no_temporary_file_stays_behind(call_as, recording, services):
    upload(call_as("erin"), recording)
    upload(call_as("erin"), b"not sound")
    assert list(services.settings.temporary_dir.iterdir()) == []


def test_what_is_no_sound_is_refused_with_a_sentence_and_nothing_stored(call_as, services):
    problem = is_problem(upload(call_as("erin"), b"this is no sound" * 100), 422)
    assert set(problem["errors"]) == {"file"}
    assert services.store.hashes() == []
    assert ids(call_as("erin").get("/clips")) == []


@pytest.mark.parametrize(
    ("wrong", "fields"),
    [
        ({"title": None}, {"title"}),
        ({"title": "  "}, {"title"}),
        ({"topic": "7"}, {"topic"}),
        ({"topic": "one"}, {"topic"}),
        ({"language": None}, {"language"}),
        ({"language": "not a language"}, {"language"}),
        ({"valid_from": "tomorrow"}, {"valid_from"}),
        ({"area_id": "../.."}, {"area_id"}),
        ({"colour": "red"}, {"colour"}),
    ],
)
def test_bad_input_names_its_fields(call_as, recording, wrong, fields):
    problem = is_problem(upload(call_as("erin"), recording, **wrong), 422)
    assert set(problem["errors"]) == fields


def test_a_missing_file_is_named(call_as):
    about = {"title": "A", "topic": "1", "language": "vi"}
    problem = is_problem(call_as("erin").post("/clips", data=about), 422)
    assert set(problem["errors"]) == {"file"}
    problem = is_problem(call_as("erin").post("/clips", json=about), 422)
    assert "file" in problem["errors"]


def test_a_file_that_is_too_large_is_refused(call_as, services):
    part = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
    size = services.settings.max_upload_bytes + 200_000
    answer = call_as("erin").post(
        "/clips", data=part + b"x" * size, content_type="multipart/form-data; boundary=b"
    )
    is_problem(answer, 413)
    assert list(services.settings.temporary_dir.iterdir()) == []


def test_approval_puts_a_clip_on_air_and_withdrawal_takes_it_off(call_as, clip):
    bob = call_as("bob")
    approved = bob.post(f"/clips/{clip}/approve", json={"note": "Hay"})
    assert approved.status_code == 200, approved.text
    assert approved.json["status"] == "approved"
    assert bob.get(f"/clips/{clip}").json["on_air_version"] == 1
    assert bob.post(f"/clips/{clip}/withdraw").json["status"] == "withdrawn"
    assert bob.get(f"/clips/{clip}").json["on_air_version"] is None


def test_a_rejection_carries_its_word(call_as, clip):
    bob = call_as("bob")
    assert bob.post(f"/clips/{clip}/reject", json={"note": "Nói chậm lại"}).status_code == 200
    shown = bob.get(f"/clips/{clip}").json
    assert (shown["status"], shown["note"]) == ("rejected", "Nói chậm lại")


def test_an_editor_does_not_decide(call_as, clip):
    for verb in ("approve", "reject", "withdraw"):
        is_problem(call_as("erin").post(f"/clips/{clip}/{verb}"), 403)


def test_the_library_is_searched(call_as, recording, clip):
    erin = call_as("erin")
    other = upload(erin, recording, title="Ví điện tử", topic="2", app="Viettel Money").json["id"]
    assert set(ids(erin.get("/clips"))) == {clip, other}
    assert ids(erin.get("/clips?topic=2")) == [other]
    assert ids(erin.get("/clips", query_string={"q": "vi dien tu"})) == [other]
    assert ids(erin.get("/clips?language=mww")) == []
    call_as("bob").post(f"/clips/{clip}/approve")
    assert ids(erin.get("/clips?status=approved")) == [clip]
    is_problem(erin.get("/clips?status=lost"), 422)


def test_the_sound_is_what_a_node_will_play(call_as, clip, services):
    erin = call_as("erin")
    answer = erin.get(f"/clips/{clip}/audio")
    sha256 = erin.get(f"/clips/{clip}").json["sha256"]
    assert (answer.status_code, answer.content_type) == (200, "audio/ogg")
    assert answer.data == services.store.path(sha256).read_bytes()
    assert erin.get(f"/clips/{clip}/audio?version=1").data == answer.data
    is_problem(erin.get(f"/clips/{clip}/audio?version=2"), 404)
    is_problem(erin.get(f"/clips/{clip}/audio?format=flac"), 422)


def test_ranges_of_the_sound_can_be_asked_for(call_as, clip):
    erin = call_as("erin")
    whole = erin.get(f"/clips/{clip}/audio").data
    part = erin.get(f"/clips/{clip}/audio", headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.data) == (206, whole[10:20])
    assert part.headers["Content-Range"] == f"bytes 10-19/{len(whole)}"
    beyond = erin.get(f"/clips/{clip}/audio", headers={"Range": "bytes=9999999-"})
    is_problem(beyond, 416)
    etag = part.headers["ETag"]
    assert erin.get(f"/clips/{clip}/audio", headers={"If-None-Match": etag}).status_code == 304


def test_an_mp3_is_made_to_share(call_as, clip):
    answer = call_as("erin").get(f"/clips/{clip}/audio?format=mp3")
    assert (answer.status_code, answer.content_type) == (200, "audio/mpeg")
    assert answer.data[:3] == b"ID3" or answer.data[0] == 0xFF
    assert "filename*=UTF-8''C%C3%A0i%20VNeID.mp3" in answer.headers["Content-Disposition"]


def test_an_m4a_is_made_to_share(call_as, clip):
    answer = call_as("erin").get(f"/clips/{clip}/audio?format=m4a")
    assert (answer.status_code, answer.content_type) == (200, "audio/mp4")
    assert answer.data[4:8] == b"ftyp"
    assert "VNeID.m4a" in answer.headers["Content-Disposition"]


def test_a_text_is_spoken(call_as):
    body = {"text": "Mời bà con đến nhà văn hoá.", "language": "vi", "title": "Mời", "topic": 6}
    answer = call_as("erin").post("/speech", json=body)
    assert answer.status_code == 201, answer.text
    assert answer.json["duration_ms"] > 500


@pytest.mark.parametrize("wrong", ["text", "language", "title", "topic"])
def test_speech_needs_each_field(call_as, wrong):
    body = {"text": "A", "language": "vi", "title": "A", "topic": 6}
    problem = is_problem(
        call_as("erin").post("/speech", json={k: v for k, v in body.items() if k != wrong}), 422
    )
    assert set(problem["errors"]) == {wrong}


def test_a_voice_nobody_has_is_refused(call_as):
    body = {"text": "A", "language": "vi", "title": "A", "topic": 6, "voice": "nobody"}
    is_problem(call_as("erin").post("/speech", json=body), 422)


def test_charlie_finds_nothing_here(charlie, clip, recording, commune):
    assert ids(charlie.get("/clips")) == []
    for path in (f"/clips/{clip}", f"/clips/{clip}/audio"):
        is_problem(charlie.get(path), 404)
    for verb in ("approve", "reject", "withdraw"):
        is_problem(charlie.post(f"/clips/{clip}/{verb}"), 404)
    is_problem(upload(charlie, recording, area_id=commune.areas["upper"]), 404)
    is_problem(upload(charlie, recording, replaces=clip), 404)
    is_problem(charlie.get(f"/clips?area_id={commune.areas['upper']}"), 404)


def test_a_viewer_uploads_nothing(call_as, recording):
    is_problem(upload(call_as("vera"), recording), 403)


def test_what_soon_expires_is_listed_with_what_uses_it(services, commune, call_as):
    with transaction(services.engine) as session:
        make_clip(
            session,
            title="Sắp hết",
            area_id=commune.areas["commune"],
            valid_until=NOW + timedelta(days=3),
        )
    (found,) = call_as("erin").get("/clips/expiring").json["items"]
    assert (found["title"], found["schedules"]) == ("Sắp hết", [])
    assert call_as("erin").get("/clips/expiring?days=2").json["items"] == []
    assert call_as("charlie").get("/clips/expiring").json["items"] == []
