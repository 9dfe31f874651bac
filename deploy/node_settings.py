"""What a `loalang.toml` means: pure, from the parsed file to the texts of the files it becomes.

broker_url = "mqtts://loa.example.vn:8883"
controller_keys = ["64 hex digits"]
claim_code = "7KQ2-MXWD-9RTA"     # or none: then an official binds the node by its digits
ca = "-----BEGIN CERTIFICATE----- …"
join = "-----BEGIN PRIVATE KEY----- …"
amplifier_pin = 17                # any setting of the node may stand here
[network]
wifi_ssid = "UBND xa"             # one of Wi-Fi and mobile, both, or neither (cable)
wifi_password = "…"
apn = "v-internet"
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_DNS, uuid5

from cryptography import x509
from cryptography.hazmat.primitives import serialization

DEFAULTS: dict[str, Any] = {"amplifier_pin": 17, "button_pin": 27, "sink": "alsa:default"}
REQUIRED = ("broker_url", "controller_keys")
NETWORK = frozenset(
    {"wifi_ssid", "wifi_password", "wifi_country", "apn", "apn_user", "apn_password", "sim_pin"}
)


class NodeFileError(ValueError):
    """The file cannot be used; one sentence with every mistake and its remedy."""


@dataclass(frozen=True, slots=True)
class Plan:
    """File name → text: the node's own settings, and NetworkManager's connections."""

    settings: dict[str, str]
    connections: dict[str, str]


def plan_of(content: Mapping[str, Any], *, authority_file: Path) -> Plan:
    """Raises NodeFileError naming all mistakes at once."""
    network = content.get("network", {})
    mistakes = _mistakes(content, network)
    if mistakes:
        raise NodeFileError(" ".join(mistakes))
    apart = {"network", "ca", "join"}
    node = {name: value for name, value in content.items() if name not in apart}
    settings = {}
    if "ca" in content:
        settings["ca.crt"] = content["ca"].strip() + "\n"
        node["ca_file"] = str(authority_file)
    if "join" in content:
        settings["join.pem"] = content["join"].strip() + "\n"
        node["join_file"] = str(authority_file.with_name("join.pem"))
    settings["node.toml"] = _node_toml(DEFAULTS | node)
    return Plan(settings, _connections(network))


def _mistakes(content: Mapping[str, Any], network: Any) -> list[str]:
    found = [f"{name} is missing." for name in REQUIRED if not content.get(name)]
    url = str(content.get("broker_url", ""))
    if url and not url.startswith(("mqtt://", "mqtts://")):
        found.append("broker_url must begin mqtts:// (or mqtt:// inside a closed network).")
    if "ca" in content and not _is_certificate(content["ca"]):
        found.append("ca is no certificate: copy the controller's ca.crt whole, in three quotes.")
    if "join" in content and not _is_key_with_certificate(content["join"]):
        found.append("join is no key with its certificate: copy it whole, in three quotes.")
    if not isinstance(network, dict):
        return [*found, "network must be a section of its own: [network]."]
    found += [f"[network] has no {name}." for name in network.keys() - NETWORK]
    if "wifi_password" in network and len(str(network["wifi_password"])) < 8:
        found.append("wifi_password has 8 letters at least.")
    unwritable = [name for name, value in content.items() if not _is_plain(value)]
    found += [f"{name} cannot be a section here." for name in unwritable if name != "network"]
    return found


def _is_certificate(text: Any) -> bool:
    try:
        x509.load_pem_x509_certificate(str(text).strip().encode())
    except ValueError:
        return False
    return True


def _is_key_with_certificate(text: Any) -> bool:
    try:
        serialization.load_pem_private_key(str(text).strip().encode(), password=None)
    except (ValueError, TypeError):
        return False
    return _is_certificate(str(text)[str(text).find("-----BEGIN CERTIFICATE") :])


def _is_plain(value: Any) -> bool:
    if isinstance(value, list):
        return all(isinstance(item, str) for item in value)
    return isinstance(value, str | int | float | bool)


def _node_toml(values: Mapping[str, Any]) -> str:
    """TOML writes strings, numbers, truth and lists of these exactly as JSON does."""
    lines = [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in values.items()]
    return "# Written from loalang.toml at boot; change that file.\n" + "\n".join(lines) + "\n"


def _connections(network: Mapping[str, Any]) -> dict[str, str]:
    found = {}
    if network.get("wifi_ssid"):
        found["loalang-wifi.nmconnection"] = _wifi(network)
    if network.get("apn"):
        found["loalang-mobile.nmconnection"] = _mobile(network)
    return found


def _wifi(network: Mapping[str, Any]) -> str:
    sections = {
        "connection": _connection("wifi", priority=20),
        "wifi": {"mode": "infrastructure", "ssid": network["wifi_ssid"]},
        "ipv4": {"method": "auto"},
        "ipv6": {"method": "auto"},
    }
    if network.get("wifi_password"):
        sections["wifi-security"] = {"key-mgmt": "wpa-psk", "psk": network["wifi_password"]}
    return _keyfile(sections)


def _mobile(network: Mapping[str, Any]) -> str:
    gsm = {"apn": network["apn"]}
    for key, name in (("username", "apn_user"), ("password", "apn_password"), ("pin", "sim_pin")):
        if network.get(name):
            gsm[key] = network[name]
    return _keyfile(
        {
            "connection": _connection("gsm", priority=10),
            "gsm": gsm,
            "ipv4": {"method": "auto", "route-metric": 700},  # a cable or Wi-Fi goes first
            "ipv6": {"method": "auto", "route-metric": 700},
        }
    )


def _connection(kind: str, *, priority: int) -> dict[str, Any]:
    name = f"loalang-{'mobile' if kind == 'gsm' else kind}"
    return {
        "id": name,
        # The same file must always give the same text, or each boot would rewrite it.
        "uuid": uuid5(NAMESPACE_DNS, name),
        "type": kind,
        "autoconnect": "true",
        "autoconnect-priority": priority,
        "autoconnect-retries": 0,  # for ever
    }


def _keyfile(sections: Mapping[str, Mapping[str, Any]]) -> str:
    """NetworkManager's format; its values know backslash escapes and no line breaks."""
    lines = []
    for section, values in sections.items():
        lines.append(f"[{section}]")
        lines += [f"{key}={_escaped(str(value))}" for key, value in values.items()]
        lines.append("")
    return "\n".join(lines)


def _escaped(text: str) -> str:
    plain = text.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
    return "\\s" + plain[1:] if plain.startswith(" ") else plain
