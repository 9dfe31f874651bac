"""Uploads in place of a stick: whatever comes, nothing breaks and nothing is read without end."""

import io
import random
import zipfile

import pytest

from controller.usb.stick_files import DAMAGED, NOT_OURS, TOO_LARGE, StickFiles

WORD = b"loa/v1/main/device/abc/up/report\nenvelope"


def archive(method, content=WORD, name="loalang-pack/up/abc/r.msg"):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as file:
        file.writestr(name, content)
    return made.getvalue()


def files(*named, most_bytes=10**6):
    return StickFiles([(name, io.BytesIO(raw)) for name, raw in named], most_bytes)


def test_words_are_found_in_an_archive_and_beside_it():
    found = files(("a.zip", archive(zipfile.ZIP_DEFLATED)), ("r.msg", WORD), ("x.txt", b"hello"))
    assert list(found.said_up()) == [("loa/v1/main/device/abc/up/report", b"envelope")] * 2
    assert found.problems == {"x.txt": NOT_OURS}
    assert found.speakers() == ["abc"]


def test_what_was_said_to_nodes_is_passed_over():
    down = archive(zipfile.ZIP_STORED, name="loalang-pack/dn/a.msg")
    assert list(files(("a.zip", down)).said_up()) == []


def test_an_archive_that_swells_is_not_read_to_its_end():
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as file:
        for number in range(30):
            file.writestr(f"up/{number}.msg", WORD + bytes(200_000))
    found = files(("bomb.zip", bomb.getvalue()), most_bytes=1_000_000)
    assert len(list(found.said_up())) < 6
    assert set(found.problems.values()) == {TOO_LARGE}


@pytest.mark.parametrize(
    "method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
)
def test_a_damaged_archive_is_told_and_breaks_nothing(method):
    chance, whole = random.Random(7), archive(method)
    told = set()
    for _ in range(150):
        raw = bytearray(whole)
        for _ in range(chance.randint(1, 9)):
            raw[chance.randrange(2, len(raw))] = chance.randrange(256)
        found = files(("a.zip", bytes(raw)))
        list(found.said_up())
        told |= set(found.problems.values())
    assert DAMAGED in told
