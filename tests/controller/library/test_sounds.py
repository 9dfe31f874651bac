"""What no row names goes after its grace time; what any row names never does."""

import os
from datetime import timedelta

import pytest

from controller.database import reading, transaction
from controller.library import sounds
from controller.models import SpokenLine, Tune
from tests.controller.factories import NOW, add_version, make_clip

OLD = (NOW - sounds.GRACE - timedelta(hours=1)).timestamp()


def aged(store, sha256):
    os.utime(store.path(sha256), (OLD, OLD))
    return sha256


@pytest.fixture
def stored(store):
    return lambda text: aged(store, store.put_bytes(text.encode()))


def test_an_orphan_goes_after_its_grace_time(engine, store, stored):
    orphan, young = stored("orphan"), store.put_bytes(b"young")
    os.utime(store.path(young), (NOW.timestamp(), NOW.timestamp()))

    assert sounds.collect(engine, store, NOW) == 1
    assert not store.has(orphan)
    assert store.has(young)


def test_whatever_a_row_names_stays(engine, cast, store, stored):
    clip, original, tune, line = map(stored, ("clip", "original", "tune", "line"))
    with transaction(engine) as session:
        made = make_clip(session, area_id=cast.areas["commune"])
        version = add_version(session, made)
        version.sha256, version.source_sha256 = clip, original
        session.merge(Tune(name="x", title="x", sha256=tune, bytes=1, duration_ms=1))
        session.add(
            SpokenLine(
                text_sha256="0" * 64, text="x", sha256=line, bytes=1, duration_ms=1, made_at=NOW
            )
        )

    sounds.collect(engine, store, NOW)

    assert all(map(store.has, (clip, original, tune, line)))


def test_every_named_hash_is_found_once(engine, cast):
    with transaction(engine) as session:
        version = add_version(session, make_clip(session, area_id=cast.areas["commune"]))
        expected = {version.sha256, version.source_sha256}
    with reading(engine) as session:
        assert expected <= sounds.named(session)


def test_what_a_killed_upload_left_is_swept(tmp_path):
    old, young = tmp_path / "upload-old", tmp_path / "upload-young"
    for path in (old, young):
        path.write_bytes(b"half")
    os.utime(old, (OLD, OLD))
    os.utime(young, (NOW.timestamp(), NOW.timestamp()))

    assert sounds.sweep(tmp_path, NOW) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["upload-young"]
