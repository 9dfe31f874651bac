"""Preparing a controller's broker, and preparing it again."""

import pytest

from controller.keys.certificates import Authority
from deploy import ca
from deploy.broker import SiteBroker
from deploy.prepare_broker import find_plugin, main, prepare


@pytest.fixture
def broker(tmp_path):
    return SiteBroker(tmp_path / "broker", state=tmp_path / "state")


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


def test_a_join_pem_that_was_deleted_is_made_anew_and_the_one_before_is_not_good(
    broker, tmp_path, now
):
    bundle, joining = broker.directory / "devices.pem", broker.directory / "join.pem"
    prepare(broker, ["a.vn"], tmp_path / "loalang.conf", user=None, now=now)
    before = joining.read_bytes()
    (leaked,) = Authority.load(bundle).joining
    assert Authority.load(bundle).retired == []
    joining.unlink()
    prepare(broker, ["a.vn"], tmp_path / "loalang.conf", user=None, now=now)
    assert joining.read_bytes() != before
    assert Authority.load(bundle).retired == [f"{leaked.serial_number:x}"]


def test_a_join_pem_of_an_earlier_version_is_remembered(broker, tmp_path, now):
    prepare(broker, ["a.vn"], tmp_path / "loalang.conf", user=None, now=now)
    bundle = broker.directory / "devices.pem"
    content = bundle.read_bytes()
    (known,) = Authority.load(bundle).joining
    bundle.write_bytes(content[: content.rindex(b"-----BEGIN")])  # as it was then
    prepare(broker, ["a.vn"], tmp_path / "loalang.conf", user=None, now=now)
    assert Authority.load(bundle).joining == (known,)


def test_the_plugin_is_found_where_debian_puts_it(tmp_path):
    assert find_plugin(tmp_path) is None
    plugin = tmp_path / "aarch64-linux-gnu" / "mosquitto_dynamic_security.so"
    plugin.parent.mkdir()
    plugin.touch()
    assert find_plugin(tmp_path) == plugin


def test_the_command_names_what_mosquitto_must_read_anew(tmp_path, capsys):
    options = ["--name", "a.vn", "--directory", str(tmp_path / "b")]
    options += ["--state", str(tmp_path / "state"), "--fragment"]
    assert main([*options, str(tmp_path / "loalang.conf")]) == 0
    assert str(tmp_path / "loalang.conf") in capsys.readouterr().out


def test_the_command_says_what_it_could_not_do(tmp_path, capsys):
    (tmp_path / "file").write_text("in the way")
    options = ["--name", "a.vn", "--directory", str(tmp_path / "file"), "--fragment", "x"]
    assert main(options) == 1
    assert "could not be prepared" in capsys.readouterr().err
