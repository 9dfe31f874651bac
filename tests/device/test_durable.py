"""Two copies and whole files: a torn write costs nothing but itself."""

import os

import pytest

from device.durable import TwoCopies, write_whole


def test_what_was_saved_is_loaded(tmp_path):
    TwoCopies(tmp_path / "c").save({"seq": 7})
    assert TwoCopies(tmp_path / "c").load() == {"seq": 7}


def test_nothing_there_is_none(tmp_path):
    assert TwoCopies(tmp_path / "c").load() is None


@pytest.mark.parametrize("torn", ["a", "b"])
def test_a_torn_copy_leaves_the_other(tmp_path, torn):
    file = TwoCopies(tmp_path / "c")
    for seq in (1, 2, 3):
        file.save({"seq": seq})
    path = tmp_path / f"c.{torn}"
    path.write_bytes(os.urandom(path.stat().st_size))
    again = TwoCopies(tmp_path / "c")
    assert again.load()["seq"] in (2, 3)
    assert again.damaged == 1


def test_every_prefix_of_a_write_leaves_old_or_new(tmp_path):
    file = TwoCopies(tmp_path / "c")
    file.save({"seq": 1})
    file.save({"seq": 2})
    older = tmp_path / "c.b"
    before = older.read_bytes()
    file.save({"seq": 3, "more": "x" * 5000})
    after = older.read_bytes()
    for cut in range(0, len(after), 97):
        older.write_bytes(after[:cut] + before[cut:])
        assert TwoCopies(tmp_path / "c").load()["seq"] in (2, 3)


def test_a_longer_content_before_does_not_show_through(tmp_path):
    file = TwoCopies(tmp_path / "c")
    for text in ("x" * 9000, "y" * 9000, "z", "w"):
        file.save({"text": text})
    assert TwoCopies(tmp_path / "c").load() == {"text": "w"}


def test_a_whole_file_is_replaced_and_leaves_no_trace(tmp_path):
    write_whole(tmp_path / "f", b"old")
    write_whole(tmp_path / "f", b"new")
    assert (tmp_path / "f").read_bytes() == b"new"
    assert [path.name for path in tmp_path.iterdir()] == ["f"]


def test_a_write_that_fails_keeps_the_old_file(tmp_path):
    write_whole(tmp_path / "f", b"old")
    (tmp_path / "f.tmp").mkdir()
    with pytest.raises(OSError):
        write_whole(tmp_path / "f", b"new")
    assert (tmp_path / "f").read_bytes() == b"old"
