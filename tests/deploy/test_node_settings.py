"""From a technician's loalang.toml to the files it becomes."""

import configparser
import tomllib
from pathlib import Path

import pytest

from deploy import ca
from deploy.node_settings import NodeFileError, plan_of
from device import settings as device_settings

KEY = "ab" * 32
FILE = {
    "broker_url": "mqtts://node:secret@loa.example.vn:8883",
    "controller_keys": [KEY],
    "claim_code": "7KQ2-MXWD-9RTA",
}


def plan(authority_file="/etc/loalang/ca.crt", **more):
    return plan_of(FILE | more, authority_file=Path(authority_file))


def keyfile(text):
    parser = configparser.RawConfigParser()
    parser.optionxform = str
    parser.read_string(text)
    return parser


def test_the_node_itself_accepts_the_settings(tmp_path, now):
    authority = ca.make_authority("Loa Làng thử", now).certificate_pem.decode()
    files = plan(tmp_path / "ca.crt", ca=authority).settings
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    read = device_settings.load(tmp_path / "node.toml", {})
    assert read.broker_url == FILE["broker_url"]
    assert read.controller_keys == (KEY,)
    assert read.ca_file == str(tmp_path / "ca.crt")
    assert (read.amplifier_pin, read.button_pin) == (17, 27)


def test_a_setting_of_the_technician_beats_the_default():
    written = tomllib.loads(plan(amplifier_pin=22, sink="null").settings["node.toml"])
    assert (written["amplifier_pin"], written["sink"]) == (22, "null")


def test_quotes_and_letters_survive():
    url = 'mqtts://node:"\\đ@loa.example.vn'
    assert tomllib.loads(plan(broker_url=url).settings["node.toml"])["broker_url"] == url


def test_a_cable_needs_no_connection_file():
    assert plan().connections == {}


def test_wifi_becomes_a_connection_of_networkmanager():
    text = plan(network={"wifi_ssid": "UBND xã", "wifi_password": "mật khẩu"}).connections
    read = keyfile(text["loalang-wifi.nmconnection"])
    assert read["wifi"]["ssid"] == "UBND xã"
    assert read["wifi-security"]["psk"] == "mật khẩu"


def test_mobile_yields_to_a_cable():
    text = plan(network={"apn": "v-internet"}).connections["loalang-mobile.nmconnection"]
    assert keyfile(text)["gsm"]["apn"] == "v-internet"
    assert keyfile(text)["ipv4"]["route-metric"] == "700"


def test_a_line_break_cannot_smuggle_in_a_section():
    text = plan(network={"wifi_ssid": "x\n[gsm]\napn=evil"}).connections
    assert not keyfile(text["loalang-wifi.nmconnection"]).has_section("gsm")


def test_the_same_file_gives_the_same_text():
    assert plan(network={"apn": "a"}) == plan(network={"apn": "a"})


def test_all_mistakes_are_named_at_once():
    content = {
        "broker_url": "http://loa",
        "ca": "none",
        "network": {"ssid": "x", "wifi_password": "short"},
    }
    with pytest.raises(NodeFileError) as caught:
        plan_of(content, authority_file=Path("/x"))
    for part in ("controller_keys", "mqtts://", "ca is no", "ssid", "8 letters"):
        assert part in str(caught.value)


@pytest.mark.parametrize("value", [{"a": 1}, [1, 2]])
def test_a_section_that_nobody_reads_is_refused(value):
    with pytest.raises(NodeFileError, match="cannot be a section"):
        plan(amplifier=value)
