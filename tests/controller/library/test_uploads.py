"""From a file or a text to a clip, through the real library."""

import subprocess

import pytest

from audio_library.errors import AudioError
from controller.area_changes import area_edits
from controller.database import reading, transaction
from controller.errors import BadInput, NotAllowed, NotFound
from controller.library import clips
from controller.library.clips import UploadInput
from controller.models import Approval, Clip
from tests.controller.factories import DAY, NOW, make_clip


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    """Some seconds of speech as an official's phone would send it."""
    folder = tmp_path_factory.mktemp("recording")
    text = "Xin mời bà con ra nhà văn hoá thôn để được hướng dẫn cài đặt ứng dụng."
    wave, sent = folder / "speech.wav", folder / "gửi.mp3"
    subprocess.run(["espeak-ng", "-v", "vi", "-w", wave, text], check=True, timeout=60)
    command = ["ffmpeg", "-loglevel", "error", "-i", wave, sent]
    subprocess.run(command, check=True, timeout=60, stdin=subprocess.DEVNULL)
    return sent


def data(path, **more):
    values = {"title": "Cài VNeID", "topic": 1, "language": "vi", **more}
    return UploadInput(path=path, filename=path.name, **values)


def count_clips(engine):
    with reading(engine) as session:
        return session.query(Clip).count()


def test_a_recording_becomes_a_pending_clip(engine, cast, store, recording):
    heard = []
    clip, version = clips.upload(engine, store, cast.erin, data(recording), NOW, heard.append)
    assert clip.area_id == cast.areas["commune"]  # the editor's own
    assert (version.version, version.status) == (1, Approval.PENDING)
    assert version.created_by == cast.erin.user_id
    assert 2_000 < version.duration_ms < 20_000
    assert store.has(version.sha256) and store.size_bytes(version.sha256) == version.bytes
    assert version.source_name == "gửi.mp3"
    assert heard and heard == sorted(heard)


def test_a_new_version_belongs_to_the_same_clip(engine, cast, store, recording):
    clip, _ = clips.upload(engine, store, cast.erin, data(recording), NOW)
    again, version = clips.upload(
        engine, store, cast.erin, data(recording, replaces=clip.id), NOW + DAY
    )
    assert (again.id, version.version) == (clip.id, 2)


def test_where_policy_wants_no_approval_the_clip_airs(engine, cast, store, recording):
    with transaction(engine) as session:
        policy = {"approval": {"clip": False}}
        area_edits.update(session, cast.alice, cast.areas["commune"], {"policy": policy}, NOW)
    _, version = clips.upload(engine, store, cast.erin, data(recording), NOW)
    assert version.status is Approval.APPROVED


def test_a_broken_file_leaves_nothing_behind(engine, cast, store, tmp_path):
    broken = tmp_path / "hỏng.mp3"
    broken.write_bytes(b"this is no sound at all" * 100)
    before = count_clips(engine)
    with pytest.raises(AudioError) as refused:
        clips.upload(engine, store, cast.erin, data(broken), NOW)
    assert refused.value.vi and refused.value.en
    assert count_clips(engine) == before
    assert store.hashes() == []


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"title": "  "}, "title"),
        ({"topic": 7}, "topic"),
        ({"language": "Việt"}, "language"),
        ({"valid_until": "2026-11-20"}, "valid_until"),
        ({"valid_from": "2027-01-02", "valid_until": "2027-01-01"}, "valid_until"),
        ({"valid_from": "mai"}, "valid_from"),
        ({"translation_of": "nowhere"}, "translation_of"),
    ],
)
def test_what_cannot_be_is_refused_before_the_work(engine, cast, store, tmp_path, values, field):
    # The file does not even exist: nothing looked at it.
    with pytest.raises(BadInput) as refused:
        clips.upload(engine, store, cast.erin, data(tmp_path / "no.mp3", **values), NOW)
    assert field in refused.value.errors


def test_who_may_not_upload_is_refused_before_the_work(engine, cast, store, tmp_path):
    missing = tmp_path / "no.mp3"
    with pytest.raises(NotAllowed):
        clips.upload(engine, store, cast.vera, data(missing), NOW)
    with pytest.raises(NotFound):
        values = data(missing, area_id=cast.areas["upper"])
        clips.upload(engine, store, cast.charlie, values, NOW)


def test_an_outsider_replaces_nothing(engine, cast, store, tmp_path):
    with transaction(engine) as session:
        clip = make_clip(session, area_id=cast.areas["commune"])
    with pytest.raises(NotFound):
        clips.upload(engine, store, cast.charlie, data(tmp_path / "no.mp3", replaces=clip.id), NOW)


def test_an_outsider_puts_no_words_into_another_commune_s_programme(engine, cast, store, tmp_path):
    """A translation sounds wherever its original does."""
    with transaction(engine) as session:
        clip = make_clip(session, area_id=cast.areas["commune"])
    for original in (clip.id, "no-such"):
        words = data(tmp_path / "no.mp3", language="hmn", translation_of=original)
        with pytest.raises(BadInput) as refused:
            clips.upload(engine, store, cast.charlie, words, NOW)
        assert "translation_of" in refused.value.errors


def test_a_local_date_of_expiry_is_in_the_areas_zone(engine, cast, store, recording):
    values = data(recording, valid_until="2026-12-01T00:00")
    _, version = clips.upload(engine, store, cast.erin, values, NOW)
    assert version.valid_until.isoformat() == "2026-11-30T17:00:00+00:00"


def test_typed_text_becomes_a_clip_that_carries_it(engine, cast, store):
    text = "Ngày mai thôn ta tiêm phòng dại cho chó mèo."
    clip, version = clips.speak(
        engine, store, cast.erin, text, "vi", None, "Tiêm phòng", 6, None, NOW
    )
    assert (clip.topic, version.text, version.status) == (6, text, Approval.PENDING)
    assert store.has(version.sha256)
