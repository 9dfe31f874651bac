"""`loalang pack`: out of one place, into another."""

import pytest

from tests.support.recording import wav


@pytest.fixture
def made(run, tmp_path):
    file = tmp_path / "a.wav"
    file.write_bytes(wav())
    words = ("--title", "Cài VNeID", "--topic", 1, "--language", "vi")
    return run("clip", "upload", file, *words, "--json").json


def test_a_pack_is_written_shown_and_not_taken_twice(run, tmp_path, made):
    pack = tmp_path / "usb.pack"
    assert run("pack", "export", pack, made["id"], "--json").json["clips"] == 1
    assert [clip["title"] for clip in run("pack", "show", pack, "--json").json] == ["Cài VNeID"]
    [again] = run("pack", "import", pack, "--json").json
    assert again == {"title": "Cài VNeID", "result": "The clip “Cài VNeID” is here already."}


def test_packs_of_friends_are_taken(run):
    [own] = run("pack", "key", "--json").json
    assert len(own["key"]) == 64
    friend = own["key"][::-1]
    assert run("pack", "trust", friend, "--name", "Xã bên").status == 0
    assert {"key": friend, "name": "Xã bên"} in run("pack", "key", "--json").json


def test_a_broken_pack_fails_with_a_sentence(run, tmp_path):
    (tmp_path / "x.pack").write_bytes(b"not a pack")
    refused = run("pack", "import", tmp_path / "x.pack")
    assert (refused.status, len(refused.err.splitlines())) == (1, 1)
