"""Packs over the API: out, in, and named when left out."""

import io

import pytest

from tests.controller.api.expecting import is_problem
from tests.controller.api.test_clips import upload
from tests.support.recording import wav


@pytest.fixture
def clip(alice):
    return upload(alice, wav()).json["id"]


def test_a_pack_goes_out_and_is_known_when_it_comes_back(alice, clip):
    with alice.get(f"/packs?clips={clip}") as answer:
        pack = answer.data
    assert answer.mimetype == "application/vnd.loalang.clips"
    taken = alice.post("/packs", data={"file": (io.BytesIO(pack), "a.clips")}).json
    assert taken["added"] == []
    assert [(each["title"], each["en"]) for each in taken["skipped"]] == [
        ("Cài VNeID", "The clip “Cài VNeID” is here already.")
    ]


def test_half_a_pack_is_refused(alice, clip):
    with alice.get(f"/packs?clips={clip}") as answer:
        half = answer.data[: len(answer.data) // 2]
    is_problem(alice.post("/packs", data={"file": (io.BytesIO(half), "a.clips")}), 422)


def test_no_clips_make_no_pack(alice):
    is_problem(alice.get("/packs?clips=,"), 422)
