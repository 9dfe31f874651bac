"""A stick as a friend leaves it, and as somebody else does."""

import hashlib
import os

import pytest

from protocol.envelope import MAX_BYTES
from protocol.pack import ROOT, Pack

TOPIC = "loa/v1/main/device/d1/dn/config"
SCHEDULE = "loa/v1/main/area/a1/dn/schedule"


@pytest.fixture
def pack(tmp_path):
    return Pack(tmp_path)


def test_what_is_said_comes_back_with_the_config_first(pack):
    pack.say_down(SCHEDULE, b"head")
    pack.say_down(TOPIC, b"old")
    pack.say_down(TOPIC, b"new\nlines")
    assert pack.said_down() == [(TOPIC, b"new\nlines"), (SCHEDULE, b"head")]


def test_reports_of_several_devices_stand_beside_each_other(pack):
    up = "loa/v1/main/device/{}/up/report"
    for device in ("d1", "d2"):
        pack.say_up(device, "reports-1", up.format(device), device.encode())
    assert pack.speakers() == ["d1", "d2"]
    pack.forget_up("d1")
    assert list(pack.said_up()) == [(up.format("d2"), b"d2")]


def blob(pack, content=b"sound"):
    sha256 = hashlib.sha256(content).hexdigest()
    pack.put_blob(sha256, iter([content]))
    return sha256


def test_a_blob_is_copied_when_it_is_what_its_name_says(pack, tmp_path):
    sha256 = blob(pack)
    assert pack.holds(sha256, 5)
    assert pack.copy_blob(sha256, 5, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == b"sound"


@pytest.mark.parametrize("content", [b"sounX", b"soun", b"sound and more"])
def test_a_blob_that_is_something_else_leaves_nothing(pack, tmp_path, content):
    sha256 = blob(pack)
    (pack.root / "blob" / sha256).write_bytes(content)
    assert not pack.copy_blob(sha256, 5, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def test_no_link_leads_out_of_the_stick(pack, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text(f"{TOPIC}\nsecret")
    (pack.root / "dn").mkdir(parents=True)
    (pack.root / "dn" / "a.msg").symlink_to(secret)
    (pack.root / "blob").mkdir()
    sha256 = hashlib.sha256(secret.read_bytes()).hexdigest()
    (pack.root / "blob" / sha256).symlink_to(secret)
    assert pack.said_down() == []
    assert not pack.holds(sha256, secret.stat().st_size)
    with pytest.raises(OSError, match="symbolic"):
        pack.copy_blob(sha256, secret.stat().st_size, tmp_path / "copy")
    (pack.root / "up").symlink_to(tmp_path)
    assert list(pack.said_up()) == []


def test_a_pipe_makes_nobody_wait(pack):
    (pack.root / "dn").mkdir(parents=True)
    os.mkfifo(pack.root / "dn" / "a.msg")
    assert pack.said_down() == []


def test_rubbish_is_passed_over(pack):
    pack.say_down(TOPIC, b"good")
    for name, content in (
        ("empty", b""),
        ("no-topic", b"\xff\xfe\nbody"),
        ("foreign", b"some/other/topic\nbody"),
        ("huge", TOPIC.encode() + b"\n" + bytes(MAX_BYTES + 1)),
    ):
        (pack.root / "dn" / f"{name}.msg").write_bytes(content)
    (pack.root / "dn" / "folder.msg").mkdir()
    assert pack.said_down() == [(TOPIC, b"good")]


def test_a_stick_without_a_pack_is_none(tmp_path):
    assert not Pack(tmp_path).there
    (tmp_path / ROOT).symlink_to("/")
    assert not Pack(tmp_path).there
