"""Clip packs: whole or refused, the same after a second import, trusted by an injected check."""

import hashlib
import json
import zipfile

import pytest

from audio_library.errors import AudioError, PackRefused, StoreCorrupt
from audio_library.ingest import ingest
from audio_library.packs import PackedClip, export_pack, import_pack, read_pack
from audio_library.store import Store
from tests.audio_library.conftest import content, held


def sign(manifest: bytes) -> bytes:
    return hashlib.sha256(b"key" + manifest).digest()


def verify(manifest: bytes, signature: bytes, signer: str) -> bool:
    return signer == "Xã Quảng Phú" and signature == sign(manifest)


@pytest.fixture(scope="module")
def home(tmp_path_factory, short_speech) -> tuple[Store, PackedClip]:
    store = Store(tmp_path_factory.mktemp("home"))
    made = ingest(short_speech, store)
    data = {"title": "Lịch tiêm", "topic": 6, "approvals": [{"by": "ct", "sig": "ab=="}]}
    return store, PackedClip(made.sha256, data=data)


@pytest.fixture
def pack(home, tmp_path):
    store, clip = home
    export_pack([clip], store, tmp_path / "a.pack", sign=sign, signer="Xã Quảng Phú")
    return tmp_path / "a.pack"


def test_a_pack_carries_sound_data_and_signatures(home, pack, store):
    done = import_pack(pack, store, verify=verify)

    (clip,) = done.added
    assert clip.data == home[1].data
    assert content(store, clip.sha256) == content(home[0], clip.sha256)
    assert clip.heard.loudness_lufs == pytest.approx(-16, abs=0.5)
    assert clip.heard.frames > 100_000
    assert len(clip.heard.peaks) > 100
    assert done.skipped == ()


def test_a_second_import_changes_nothing_and_says_what_it_skipped(home, pack, store):
    first = import_pack(pack, store, verify=verify)
    before = held(store)
    second = import_pack(pack, store, verify=verify, known={first.added[0].sha256})

    assert second.added == ()
    assert [(s.code, s.clip.title) for s in second.skipped] == [("held", "Lịch tiêm")]
    assert "Lịch tiêm" in second.skipped[0].vi
    assert held(store) == before


def test_the_same_clips_make_the_same_pack(home, pack, tmp_path):
    store, clip = home
    export_pack([clip], store, tmp_path / "b.pack", sign=sign, signer="Xã Quảng Phú")

    assert (tmp_path / "b.pack").read_bytes() == pack.read_bytes()


def test_a_pack_is_listed_without_being_taken(pack):
    listed = read_pack(pack, verify=verify)

    assert listed.signer == "Xã Quảng Phú"
    assert [clip.title for clip in listed.clips] == ["Lịch tiêm"]


def refused(path, store, **named) -> str:
    with pytest.raises(PackRefused) as refusal:
        import_pack(path, store, **named)
    assert held(store) == []
    return refusal.value.code


@pytest.mark.parametrize("share", [0, 0.01, 0.5, 0.9, 0.999])
def test_a_cut_off_pack_is_refused_whole(share, pack, store):
    whole = pack.read_bytes()
    pack.write_bytes(whole[: int(len(whole) * share)])

    assert refused(pack, store) == "pack_damaged"


def test_a_changed_sound_is_refused(pack, store):
    whole = bytearray(pack.read_bytes())
    whole[len(whole) // 2] ^= 1
    pack.write_bytes(whole)

    assert refused(pack, store) == "pack_damaged"


def test_changed_data_is_not_trusted(pack, tmp_path, store):
    changed = tmp_path / "changed.pack"
    with zipfile.ZipFile(pack) as old, zipfile.ZipFile(changed, "w") as new:
        for entry in old.infolist():
            bytes_ = old.read(entry)
            if entry.filename == "clips.json":
                bytes_ = bytes_.replace("Lịch tiêm".encode(), "Lịch giả".encode())
            new.writestr(entry, bytes_)

    assert refused(changed, store, verify=verify) == "pack_untrusted"


def test_an_unsigned_pack_is_not_trusted_where_signatures_count(home, tmp_path, store):
    export_pack([home[1]], home[0], tmp_path / "plain.pack")

    assert refused(tmp_path / "plain.pack", store, verify=verify) == "pack_untrusted"


def test_a_newer_pack_asks_for_an_update(pack, tmp_path, store):
    with zipfile.ZipFile(pack) as old:
        manifest = json.loads(old.read("clips.json")) | {"version": 99}
    with zipfile.ZipFile(tmp_path / "new.pack", "w") as new:
        new.writestr("clips.json", json.dumps(manifest))
        new.writestr("signature", b"")

    assert refused(tmp_path / "new.pack", store) == "pack_version"


def hostile(path, clips, entries) -> None:
    manifest = {"format": "loalang-clips", "version": 1, "signer": "", "about": {}, "clips": clips}
    with zipfile.ZipFile(path, "w") as made:
        made.writestr("clips.json", json.dumps(manifest))
        made.writestr("signature", b"")
        for name, data, how in entries:
            made.writestr(name, data, how)


@pytest.mark.parametrize(
    ("clips", "entries"),
    [
        ([{"sha256": "../../../../etc/cron.d/x", "bytes": 1, "data": {}}], []),
        ([{"sha256": "0" * 64, "bytes": 1, "data": {}}], []),
        ([{"sha256": "0" * 64, "bytes": 1, "data": []}], []),
        ("clips", []),
        (
            [{"sha256": hashlib.sha256(bytes(10**6)).hexdigest(), "bytes": 10**6, "data": {}}],
            [
                (
                    f"sound/{hashlib.sha256(bytes(10**6)).hexdigest()}.opus",
                    bytes(10**6),
                    zipfile.ZIP_DEFLATED,
                )
            ],
        ),
        (
            [{"sha256": hashlib.sha256(b"<html>").hexdigest(), "bytes": 6, "data": {}}],
            [
                (
                    f"sound/{hashlib.sha256(b'<html>').hexdigest()}.opus",
                    b"<html>",
                    zipfile.ZIP_STORED,
                )
            ],
        ),
    ],
)
def test_a_hostile_pack_is_refused(clips, entries, tmp_path, store):
    hostile(tmp_path / "hostile.pack", clips, entries)

    assert refused(tmp_path / "hostile.pack", store) == "pack_damaged"


def test_a_clip_that_is_not_held_cannot_be_packed(store, tmp_path):
    with pytest.raises(StoreCorrupt):
        export_pack([PackedClip("0" * 64)], store, tmp_path / "a.pack")
    assert [path.name for path in tmp_path.iterdir()] == ["store"]


def test_a_cancelled_import_takes_nothing(pack, store):
    with pytest.raises(AudioError) as refusal:
        import_pack(pack, store, cancelled=lambda: True)

    assert refusal.value.code == "cancelled"
    assert held(store) == []


def test_progress_is_told(home, pack, store, tmp_path):
    shares = []
    export_pack([home[1]], home[0], tmp_path / "b.pack", progress=shares.append)
    import_pack(pack, store, progress=shares.append)

    assert shares == [1.0, 0.8, 1.0]
