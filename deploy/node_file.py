"""Writes one node's `loalang.toml`: what a technician copies onto its card or a USB stick.

Run as root on the controller, which alone has what a node joins by:

    python -m deploy.node_file --host loa.example.vn --claim-code 7KQ2-MXWD-9RTA >loalang.toml
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from controller.errors import ControllerError
from controller.keys.signing import public_keys
from controller.settings import load

NETWORK_HINTS = """
# How the node reaches the internet; a cable needs nothing here.
#[network]
#wifi_ssid = "name of the Wi-Fi"
#wifi_password = "its password"
#apn = "v-internet"             # of the SIM card in a 4G modem
"""


@dataclass(frozen=True, slots=True)
class NodeFile:
    """What a node must be told before it can hear its controller."""

    host: str
    port: int
    joining: str  # PEM, key and certificate: opens the topics of enrolment, no other
    site: str
    controller_keys: Sequence[str]  # 64 hex digits each
    claim_code: str
    authority: str  # PEM

    def text(self) -> str:
        """The whole file."""
        url = f"mqtts://{self.host}:{self.port}"
        values = {
            "broker_url": url,
            "site": self.site,
            "controller_keys": list(self.controller_keys),
            "claim_code": self.claim_code,
        }
        lines = [f"{name} = {json.dumps(value)}" for name, value in values.items()]
        return (
            "# One node's settings: put it on the card's boot partition, or on a USB stick,\n"
            "# under the name loalang.toml. It holds a key: keep it to yourself.\n"
            + "\n".join(lines)
            + f'\nca = """\n{self.authority.strip()}\n"""\n'
            + f'join = """\n{self.joining.strip()}\n"""\n'
            + NETWORK_HINTS
        )


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="deploy.node_file", description=__doc__)
    parser.add_argument("--host", required=True, help="how the node reaches this controller")
    parser.add_argument(
        "--claim-code",
        default="",
        help="as the node's page shows it; without one an official binds the node by its digits",
    )
    parser.add_argument("--port", type=int, default=8883)
    parser.add_argument("--config", type=Path, default=Path("/etc/loalang/controller.toml"))
    parser.add_argument("--broker", type=Path, default=Path("/etc/loalang/broker"))
    options = parser.parse_args(arguments)
    try:
        settings = load(os.environ, options.config)
        if not settings.signing_key_file.exists():
            raise FileNotFoundError(
                f"{settings.signing_key_file} is not there yet; start loalang-controller first"
            )
        file = NodeFile(
            host=options.host,
            port=options.port,
            joining=(options.broker / "join.pem").read_text(),
            site=settings.site,
            controller_keys=public_keys(settings.signing_key_file),
            claim_code=options.claim_code,
            authority=(options.broker / "ca.crt").read_text(),
        )
    except (OSError, ControllerError) as error:
        print(f"The node's file could not be written: {error}", file=sys.stderr)
        return 1
    print(file.text(), end="")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
