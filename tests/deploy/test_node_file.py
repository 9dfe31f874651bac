"""From the controller's folders to a file that a node takes over."""

import tomllib
from pathlib import Path

import pytest

from controller.keys.signing import load_or_create
from deploy import node_file
from deploy.broker import SiteBroker
from deploy.node_settings import plan_of
from deploy.prepare_broker import prepare
from device import settings as device_settings


@pytest.fixture
def controller(tmp_path, now):
    """The folders of an installed controller; answers with the command's arguments."""
    broker = SiteBroker(tmp_path / "broker")
    prepare(broker, ["loa.example.vn"], tmp_path / "loalang.conf", user=None, now=now)
    config = tmp_path / "controller.toml"
    config.write_text(f'data_dir = "{tmp_path}"\nsite = "an-phu"\n')
    options = ["--host", "loa.example.vn", "--claim-code", "7KQ2-MXWD-9RTA"]
    return [*options, "--config", str(config), "--broker", str(broker.directory)]


def test_a_node_takes_over_what_the_controller_wrote(controller, tmp_path, capsys):
    key = load_or_create(tmp_path / "keys" / "controller.key")
    assert node_file.main(controller) == 0
    content = tomllib.loads(capsys.readouterr().out)
    for name, text in plan_of(content, authority_file=tmp_path / "ca.crt").settings.items():
        (tmp_path / name).write_text(text)
    settings = device_settings.load(tmp_path / "node.toml", {})
    assert settings.broker.hostname == "loa.example.vn"
    assert Path(settings.join_file).read_text() == (tmp_path / "broker" / "join.pem").read_text()
    assert list(settings.keys) == [key.verify_key.kid]
    assert settings.site == "an-phu"
    assert Path(settings.ca_file).read_text() == (tmp_path / "broker" / "ca.crt").read_text()


def test_a_controller_that_never_ran_has_no_key_to_give(controller, capsys):
    assert node_file.main(controller) == 1
    assert "start loalang-controller first" in capsys.readouterr().err


def test_a_missing_certificate_for_joining_is_one_sentence(controller, tmp_path, capsys):
    load_or_create(tmp_path / "keys" / "controller.key")
    (tmp_path / "broker" / "join.pem").unlink()
    assert node_file.main(controller) == 1
    assert "could not be written" in capsys.readouterr().err
