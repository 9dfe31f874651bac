"""The first boot, with folders in place of the card and a real file system in place of a stick."""

import os
import subprocess

import pytest

from deploy.first_boot import Places, look_everywhere, take_over
from deploy.node_settings import NodeFileError

FILE = """\
broker_url = "mqtts://node:secret@loa.example.vn:8883"
controller_keys = ["abababababababababababababababababababababababababababababababab"]
claim_code = "7KQ2-MXWD-9RTA"
[network]
apn = "v-internet"
"""


@pytest.fixture
def places(tmp_path):
    for name in ("boot", "sticks", "settings", "connections"):
        (tmp_path / name).mkdir()
    return Places(
        boot=(tmp_path / "missing", tmp_path / "boot"),
        sticks=tmp_path / "sticks",
        mount_point=tmp_path / "mount",
        settings=tmp_path / "settings",
        connections=tmp_path / "connections",
        group=None,
    )


@pytest.fixture
def card(places):
    (places.boot[1] / "loalang.toml").write_text(FILE)
    return places.boot[1]


def test_the_card_is_taken_over(card, places):
    changed, problems = look_everywhere(places)
    assert problems == []
    assert {path.name for path in changed} == {"node.toml", "loalang-mobile.nmconnection"}
    assert "taken over" in (card / "loalang-result.txt").read_text()


def test_the_second_boot_changes_nothing(card, places):
    look_everywhere(places)
    assert look_everywhere(places) == ([], [])


def test_a_changed_file_is_taken_over_again(card, places):
    look_everywhere(places)
    (card / "loalang.toml").write_text(FILE.replace("loa.example.vn", "new.example.vn"))
    changed, _problems = look_everywhere(places)
    assert [path.name for path in changed] == ["node.toml"]
    assert "new.example.vn" in (places.settings / "node.toml").read_text()


def test_a_broken_file_leaves_the_node_as_it_was(card, places):
    look_everywhere(places)
    before = (places.settings / "node.toml").read_text()
    (card / "loalang.toml").write_text('broker_url = "mqtts://')
    changed, problems = look_everywhere(places)
    assert changed == []
    assert "cannot be read" in problems[0]
    assert (places.settings / "node.toml").read_text() == before
    assert "cannot be read" in (card / "loalang-result.txt").read_text()


def test_a_windows_editor_may_have_touched_it(card, places):
    (card / "loalang.toml").write_bytes(b"\xef\xbb\xbf" + FILE.replace("\n", "\r\n").encode())
    assert take_over(card / "loalang.toml", places)


def test_passwords_are_not_for_everybody(card, places):
    look_everywhere(places)
    assert (places.settings / "node.toml").stat().st_mode & 0o777 == 0o640
    mobile = places.connections / "loalang-mobile.nmconnection"
    assert mobile.stat().st_mode & 0o777 == 0o600


def test_nothing_to_take_over_is_no_problem(places):
    assert look_everywhere(places) == ([], [])


def test_a_missing_file_is_said_so(places):
    with pytest.raises(NodeFileError, match="cannot be read"):
        take_over(places.boot[0] / "loalang.toml", places)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts a stick")
def test_a_stick_is_read_and_given_back(places, tmp_path):
    content = tmp_path / "content"
    content.mkdir()
    (content / "loalang.toml").write_text(FILE)
    stick = places.sticks / "usb-stick-part1"
    subprocess.run(["mkfs.ext4", "-q", "-d", content, stick, "4M"], check=True)
    changed, problems = look_everywhere(places)
    assert problems == []
    assert "node.toml" in {path.name for path in changed}
    assert not places.mount_point.is_mount()


def test_a_stick_that_cannot_be_mounted_is_passed_over(card, places):
    (places.sticks / "usb-broken-part1").write_bytes(b"no file system")
    changed, problems = look_everywhere(places)
    assert problems == []
    assert changed
    assert not places.mount_point.is_mount()
