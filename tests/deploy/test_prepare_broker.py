"""Preparing a controller's broker, and preparing it again."""

import pytest

from deploy import ca
from deploy.broker import SiteBroker
from deploy.prepare_broker import main, prepare


@pytest.fixture
def broker(tmp_path):
    return SiteBroker(tmp_path / "broker")


def contents(directory):
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def test_a_second_run_changes_nothing(broker, tmp_path, now):
    prepare(broker, ["a.vn"], tmp_path / "loalang.conf", user=None, now=now)
    before = contents(broker.directory)
    assert prepare(broker, ["a.vn"], tmp_path / "loalang.conf", user=None, now=now) == []
    assert contents(broker.directory) == before


def test_a_new_name_keeps_the_authority_that_nodes_trust(broker, tmp_path, now):
    prepare(broker, ["a.vn"], tmp_path / "loalang.conf", user=None, now=now)
    authority = ca.load(broker.directory, "ca")
    changed = prepare(broker, ["b.vn"], tmp_path / "loalang.conf", user=None, now=now)
    assert broker.certificate in changed
    assert ca.load(broker.directory, "ca").certificate == authority.certificate
    assert ca.serves(ca.load(broker.directory, "server"), ["b.vn"], now)


def test_no_secret_is_readable_by_everybody(broker, tmp_path, now):
    prepare(broker, ["a.vn"], tmp_path / "loalang.conf", user=None, now=now)
    for name in (
        "ca.key",
        "server.key",
        "passwords",
        "devices.pem",
        "join.pem",
        "controller.password",
    ):
        assert not (broker.directory / name).stat().st_mode & 0o007, name


def test_the_command_names_what_mosquitto_must_read_anew(tmp_path, capsys):
    options = ["--name", "a.vn", "--directory", str(tmp_path / "b"), "--fragment"]
    assert main([*options, str(tmp_path / "loalang.conf")]) == 0
    assert str(tmp_path / "loalang.conf") in capsys.readouterr().out


def test_the_command_says_what_it_could_not_do(tmp_path, capsys):
    (tmp_path / "file").write_text("in the way")
    options = ["--name", "a.vn", "--directory", str(tmp_path / "file"), "--fragment", "x"]
    assert main(options) == 1
    assert "could not be prepared" in capsys.readouterr().err
