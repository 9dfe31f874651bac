"""Whole files or none."""

import pytest

from deploy.files import write_atomically


def test_a_file_is_replaced_whole(tmp_path):
    path = tmp_path / "folder" / "settings"
    write_atomically(path, b"old", mode=0o644)
    write_atomically(path, b"new", mode=0o600)
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_a_part_left_by_a_power_cut_is_overwritten(tmp_path):
    (tmp_path / "settings.part").write_bytes(b"half")
    write_atomically(tmp_path / "settings", b"whole", mode=0o644)
    assert (tmp_path / "settings").read_bytes() == b"whole"


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "settings"
    write_atomically(path, b"old", mode=0o644)
    with pytest.raises(TypeError):
        write_atomically(path, None, mode=0o644)
    assert path.read_bytes() == b"old"
