"""Settings: from file and environment, every mistake at once, secrets never shown."""

from dataclasses import fields
from pathlib import Path

import pytest

from device.agent import main
from device.errors import ConfigError
from device.settings import Settings, load

KEY = "ab" * 32


def environment(**values):
    return {
        "LOALANG_CONTROLLER_KEYS": KEY,
        **{f"LOALANG_{name.upper()}": value for name, value in values.items()},
    }


def test_a_file_is_read_and_the_environment_wins(tmp_path):
    file = tmp_path / "node.toml"
    file.write_text(f'site = "xa"\namplifier_pin = 17\ncontroller_keys = ["{KEY}"]\n')
    settings = load(file, {"LOALANG_AMPLIFIER_PIN": "22"})
    assert (settings.site, settings.amplifier_pin) == ("xa", 22)
    assert next(iter(settings.keys.values())).hex == KEY


def test_false_in_a_file_is_false(tmp_path):
    file = tmp_path / "node.toml"
    file.write_text(f'amplifier_active_high = false\ncontroller_keys = ["{KEY}"]\n')
    assert load(file, {}).amplifier_active_high is False


def test_every_mistake_is_named_at_once():
    wrong = environment(
        broker_url="http://x", sink="tape:1", clock="mine", amplifier_pin="99", quota_mb="1"
    )
    wrong["LOALANG_CONTROLLER_KEYS"] = "short"
    with pytest.raises(ConfigError) as caught:
        load(None, wrong)
    named = {problem.partition(":")[0] for problem in caught.value.problems}
    expected = {"broker_url", "sink", "clock", "amplifier_pin", "quota_mb", "controller_keys"}
    assert named == expected


def test_an_unknown_setting_is_a_mistake(tmp_path):
    file = tmp_path / "node.toml"
    file.write_text(f'volumn = 3\ncontroller_keys = ["{KEY}"]\n')
    with pytest.raises(ConfigError, match="volumn"):
        load(file, {})


def test_a_secret_may_lie_in_a_file(tmp_path):
    file = tmp_path / "code"
    file.write_text("7KQ2-MXWD-9RTA\n")
    settings = load(None, environment(claim_code_file=str(file)))
    assert settings.claim_code == "7KQ2-MXWD-9RTA"


def test_where_evidence_goes():
    settings = Settings(sink="file:/tmp/x")
    assert str(settings.amplifier_log_path) == "/tmp/x/amplifier.jsonl"
    assert Settings(sink="null").amplifier_log_path is None
    assert str(Settings(sink="null", amplifier_log="/a/b").amplifier_log_path) == "/a/b"


def test_the_ports_of_the_two_schemes():
    assert Settings(broker_url="mqtt://h").broker_port == 1883
    assert Settings(broker_url="mqtts://h").broker_port == 8883
    assert Settings(broker_url="mqtts://h:99").broker_port == 99


def test_check_config_masks_what_is_secret(tmp_path, capsys):
    file = tmp_path / "node.toml"
    file.write_text(
        f'broker_url = "mqtts://node:hush@h"\nclaim_code = "7KQ2"\nclock = "trusted"\n'
        f'controller_keys = ["{KEY}"]\ndata_dir = "{tmp_path}"\n'
    )
    assert main(["check-config", "--config", str(file)]) == 0
    said = capsys.readouterr()
    assert "hush" not in said.out and "7KQ2" not in said.out
    assert "WARNING" in said.err


def test_wrong_settings_end_with_status_two(tmp_path, capsys):
    file = tmp_path / "node.toml"
    file.write_text("sink = 3\n")
    assert main(["--config", str(file)]) == 2
    assert "sink" in capsys.readouterr().err


def test_the_doctor_knows_a_node_that_never_ran(tmp_path, capsys):
    file = tmp_path / "node.toml"
    file.write_text(f'controller_keys = ["{KEY}"]\ndata_dir = "{tmp_path / "none"}"\n')
    assert main(["doctor", "--config", str(file)]) == 1
    assert "never run" in capsys.readouterr().out


def test_every_setting_is_in_the_readme():
    readme = (Path(__file__).parents[2] / "device" / "README.md").read_text(encoding="utf-8")
    missing = [field.name for field in fields(Settings) if f"`{field.name}`" not in readme]
    assert missing == []


def test_amplifiers_and_inputs_are_read():
    further = {"amplifier_zones": "market:22:low school:23", "busy_input": "6:high"}
    settings = load(None, environment(amplifier_pin="17", tamper_input="5", **further))
    assert [(zone.name, zone.pin) for zone in settings.zones] == [
        ("main", 17),
        ("market", 22),
        ("school", 23),
    ]
    assert {name: contact.pin for name, contact in settings.inputs.items()} == {
        "tamper": 5,
        "busy": 6,
    }


def test_a_pin_or_a_name_used_twice_is_a_mistake():
    twice = {"amplifier_zones": "market:17 market:22", "fault_input": "99"}
    with pytest.raises(ConfigError) as caught:
        load(None, environment(amplifier_pin="17", **twice))
    assert "pin 17 is used twice" in caught.value.problems
    assert "amplifier_zones: market is used twice" in caught.value.problems
    assert any(problem.startswith("fault_input:") for problem in caught.value.problems)
