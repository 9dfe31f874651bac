"""The signing key: made once, readable by nobody else, never silently replaced."""

import shutil
import stat

import pytest

from controller.errors import ControllerError
from controller.keys import signing


def test_the_first_start_makes_a_key_only_its_owner_can_read(tmp_path):
    path = tmp_path / "keys" / "controller.key"
    key = signing.load_or_create(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert signing.load_or_create(path) == key
    assert [file.name for file in path.parent.iterdir()] == ["controller.key"]


def test_a_key_others_can_read_is_refused_with_the_remedy(tmp_path):
    path = tmp_path / "controller.key"
    signing.load_or_create(path)
    path.chmod(0o644)
    with pytest.raises(ControllerError, match="chmod 600"):
        signing.load_or_create(path)


@pytest.mark.parametrize("text", ["", "not hex", "ab" * 31])
def test_a_damaged_key_is_not_replaced(tmp_path, text):
    path = tmp_path / "controller.key"
    path.write_text(text, encoding="ascii")
    path.chmod(0o600)
    with pytest.raises(ControllerError):
        signing.load_or_create(path)
    assert path.read_text(encoding="ascii") == text


def test_a_rotation_that_was_cut_off_and_run_again_leaves_each_key_once(tmp_path):
    path = tmp_path / "controller.key"
    ring = signing.Keyring(path)
    first = ring.current.raw
    ring.rotate()
    shutil.copy(path, tmp_path / "controller.retired-001.key")  # the power failed after the link
    ring.finish()
    assert [key.raw for key in signing.Keyring(path).vouching].count(first) == 1
