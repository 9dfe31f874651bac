"""Clips from one place to another: signed, whole, once, and named when left out."""

import subprocess
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import select

from audio_library.errors import PackRefused
from audio_library.store import Store
from controller.database import open_engine, reading, sqlite_url, transaction
from controller.errors import BadInput, NotAllowed, NotFound
from controller.library import clips
from controller.library.uploads import UploadInput
from controller.models import Approval, Clip
from controller.settings import Settings, load
from controller.usb import clip_packs
from tests.controller.factories import DAY, NOW


@dataclass
class Place:
    """A controller with a library of its own."""

    engine: object
    store: Store
    settings: Settings

    def clips(self):
        with reading(self.engine) as session:
            found = session.scalars(select(Clip).order_by(Clip.title)).all()
            return [(each, each.versions[-1]) for each in found]


def place(folder, template):
    folder.mkdir()
    path = folder / "loalang.db"
    path.write_bytes(Path(template.path).read_bytes())
    settings = load({"LOALANG_DATA_DIR": str(folder), "LOALANG_SITE": folder.name})
    return Place(open_engine(sqlite_url(path)), Store(settings.store_dir), settings)


@pytest.fixture
def home(tmp_path, template, cast, recordings):
    made = place(tmp_path / "home", template)
    for name, language in (("Bản tin", "vi"), ("Notice", "en")):
        original = made.clips()[0][0].id if language == "en" else None
        data = UploadInput(
            recordings[language], "gửi.wav", name, 5, language, translation_of=original,
            area_id=cast.areas["commune"], valid_until=NOW + 30 * DAY,
        )  # fmt: skip
        clips.upload(made.engine, made.store, cast.alice, data, NOW)
    yield made
    made.engine.dispose()


@pytest.fixture
def away(tmp_path, template):
    made = place(tmp_path / "away", template)
    yield made
    made.engine.dispose()


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recordings")
    for voice in ("vi", "en"):
        said = ["espeak-ng", "-v", voice, "-w", folder / voice, "Một hai ba bốn"]
        subprocess.run(said, check=True, timeout=60)
    return {"vi": folder / "vi", "en": folder / "en"}


@pytest.fixture
def pack(home, cast, tmp_path):
    path = tmp_path / "clips.pack"
    ids = [clip.id for clip, _ in home.clips()]
    clip_packs.export(home.engine, home.store, cast.alice, ids, path, home.settings, NOW)
    return path


@pytest.fixture
def take(away, cast, pack):
    def take(path=pack, actor=cast.alice):
        area = cast.areas["commune"]
        return clip_packs.take_in(away.engine, away.store, actor, path, area, away.settings, NOW)

    return take


@pytest.fixture
def friends(home, away):
    clip_packs.trust(away.settings, clip_packs.key_of(home.settings), "Xã Quảng Phú")


@pytest.mark.usefixtures("friends")
def test_clips_arrive_with_all_their_data_and_wait_for_approval(home, away, take):
    taken = take()

    assert (len(taken.added), taken.skipped) == (2, ())
    for (_, sent), (clip, version) in zip(home.clips(), away.clips(), strict=True):
        assert (version.sha256, version.bytes) == (sent.sha256, sent.bytes)
        assert version.duration_ms == sent.duration_ms
        assert version.loudness_lufs == pytest.approx(sent.loudness_lufs, abs=0.2)
        assert version.valid_until == sent.valid_until
        assert version.status == Approval.PENDING
        assert (clip.topic, version.source_name) == (5, "gửi.wav")
        away.store.open(version.sha256).close()
    original, translation = (clip for clip, _ in away.clips())
    assert translation.translation_of == original.id


@pytest.mark.usefixtures("friends")
def test_a_second_import_changes_nothing_and_names_what_it_left_out(away, take):
    take()
    again = take()

    assert again.added == ()
    assert sorted(title for title, _vi, _en in again.skipped) == ["Bản tin", "Notice"]
    assert len(away.clips()) == 2


def test_a_pack_of_a_stranger_is_refused(away, take):
    with pytest.raises(PackRefused) as refusal:
        take()

    assert refusal.value.code == "pack_untrusted"
    assert away.clips() == []
    assert away.store.hashes() == []


@pytest.mark.usefixtures("friends")
def test_a_changed_title_breaks_the_signature(away, take, pack, tmp_path):
    forged = tmp_path / "forged.pack"
    with zipfile.ZipFile(pack) as old, zipfile.ZipFile(forged, "w") as new:
        for entry in old.infolist():
            new.writestr(entry, old.read(entry).replace(b"Notice", b"Notion"))

    with pytest.raises(PackRefused):
        take(forged)
    assert away.clips() == []


@pytest.mark.usefixtures("friends")
def test_half_a_pack_is_refused(away, take, pack):
    pack.write_bytes(pack.read_bytes()[:-5000])

    with pytest.raises(PackRefused):
        take()
    assert away.clips() == []
    assert away.store.hashes() == []


@pytest.mark.usefixtures("friends")
def test_what_has_expired_is_left_out_by_name(away, cast, pack):
    late = NOW + 31 * DAY
    area = cast.areas["commune"]
    taken = clip_packs.take_in(away.engine, away.store, cast.alice, pack, area, away.settings, late)

    assert taken.added == ()
    assert {title for title, _vi, _en in taken.skipped} == {"Bản tin", "Notice"}


@pytest.mark.usefixtures("friends")
def test_who_may_not_upload_may_not_import(take, cast):
    with pytest.raises(NotAllowed):
        take(actor=cast.vera)


def test_a_clip_of_another_commune_is_not_packed(home, cast, tmp_path):
    ids, target = [home.clips()[0][0].id], tmp_path / "x.pack"
    with pytest.raises(NotFound):
        clip_packs.export(home.engine, home.store, cast.charlie, ids, target, home.settings, NOW)
    assert not target.exists()


def test_a_pack_is_looked_into_before_it_is_taken(home, away, pack):
    packed, known = clip_packs.look(pack, away.settings)

    assert [clip.title for clip in packed.clips] == ["Bản tin", "Notice"]
    assert not known
    assert clip_packs.look(pack, home.settings)[1]


def test_what_is_no_key_is_not_trusted(away):
    with pytest.raises(BadInput):
        clip_packs.trust(away.settings, "abc", "Ai đó")


def test_a_withdrawn_recording_that_is_held_is_still_named_once(home, away, take, friends, cast):
    take()
    with transaction(away.engine) as session:
        clips.withdraw(session, cast.bob, away.clips()[0][0].id, NOW)

    assert len(take().skipped) == 2
