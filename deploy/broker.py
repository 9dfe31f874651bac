"""mosquitto's configuration as text: settings in, files' contents out, nothing touched.

The demo's broker listens on loopback, asks nobody's name and keeps its state in a folder of its
own. A controller's broker adds a TLS listener for the nodes that lets nobody in without a
certificate, whose name is then the user of the access list: a device by its own, a device that is
to be enrolled by the one for joining. The list is written by the service (`publishing/fence.py`);
until it has started once, nobody but itself may do anything. Every message is signed besides, so
all this is the outer fence and not the wall.
"""

import base64
import hashlib
from dataclasses import dataclass
from pathlib import Path

# High-entropy passwords gain nothing from stretching, and a thousand nodes that reconnect
# after a power cut would pay for it one after the other in a single thread.
PASSWORD_ITERATIONS = 1000

# Figures measured for 300-600 nodes; the defaults drop queued messages silently and save the
# retained ones only every half hour.
LIMITS = """\
set_tcp_nodelay true
autosave_interval 60
max_queued_messages 2000
max_queued_bytes 8000000
max_inflight_messages 20
max_packet_size 1048576
persistent_client_expiration 14d
max_keepalive 600
connection_messages true
"""

# What the plugin is given: nobody is known to it, so it leaves every decision to the access list.
DOOR = """\
{
\t"defaultACLAccess":\t{
\t\t"publishClientSend":\tfalse,
\t\t"publishClientReceive":\tfalse,
\t\t"subscribe":\tfalse,
\t\t"unsubscribe":\ttrue
\t},
\t"clients":\t[],
\t"groups":\t[],
\t"roles":\t[]
}
"""

# Before the service has written its own.
ACCESS = """\
user controller
topic readwrite loa/v1/#
"""


@dataclass(frozen=True, slots=True)
class DemoBroker:
    """A broker for one machine: no names, no TLS, loopback only."""

    port: int
    directory: Path
    # Started by root, mosquitto becomes another user, who could not write into `directory`.
    run_as: str | None = None


@dataclass(frozen=True, slots=True)
class SiteBroker:
    """The broker of a commune or a province, as a fragment in Debian's mosquitto/conf.d.

    Debian's own file already says where state, log and pid file are.
    """

    directory: Path
    tls_port: int = 8883
    loopback_port: int = 1883
    state: Path = Path("/var/lib/mosquitto")
    # mosquitto's plugin for dynamic security, which ends connections; None where there is none.
    plugin: Path | None = None

    @property
    def authority(self) -> Path:
        return self.directory / "ca.crt"

    @property
    def certificate(self) -> Path:
        return self.directory / "server.crt"

    @property
    def key(self) -> Path:
        return self.directory / "server.key"

    @property
    def devices(self) -> Path:
        """The authority that vouches for devices, without its key."""
        return self.directory / "devices.crt"

    @property
    def revoked(self) -> Path:
        return self.directory / "revoked.crl"

    @property
    def passwords(self) -> Path:
        return self.directory / "passwords"

    @property
    def access(self) -> Path:
        return self.directory / "access"

    @property
    def door(self) -> Path:
        """The plugin's own file, in which it never keeps anybody."""
        return self.state / "loalang-door.json"


def demo_configuration(broker: DemoBroker) -> str:
    """The whole file for `mosquitto -c`."""
    who = f"user {broker.run_as}\n" if broker.run_as else ""
    return (
        f"listener {broker.port} 127.0.0.1\n"
        "allow_anonymous true\n"
        f"{who}"
        "persistence true\n"
        f"persistence_location {broker.directory}/\n"
        "log_dest stderr\n"
        f"{LIMITS}"
    )


def site_configuration(broker: SiteBroker) -> str:
    """The fragment for /etc/mosquitto/conf.d: certificates outside, passwords inside."""
    return (
        "# Written by Loa Làng's installer; changes here are overwritten.\n"
        "allow_anonymous false\n"
        f"password_file {broker.passwords}\n"
        f"acl_file {broker.access}\n"
        f"{LIMITS}"
        f"{_door(broker)}"
        "\n# Nodes, from anywhere: the name in the certificate is the user of the access list.\n"
        f"listener {broker.tls_port}\n"
        f"certfile {broker.certificate}\n"
        f"keyfile {broker.key}\n"
        "tls_version tlsv1.2\n"
        f"cafile {broker.devices}\n"
        f"crlfile {broker.revoked}\n"
        "require_certificate true\n"
        "use_identity_as_username true\n"
        "\n# The controller, on this machine.\n"
        f"listener {broker.loopback_port} 127.0.0.1\n"
    )


def _door(broker: SiteBroker) -> str:
    if broker.plugin is None:
        return ""
    return (
        "\n# Ends the connection of a device that was shut out; knows no users, permits nothing.\n"
        f"plugin {broker.plugin}\n"
        f"plugin_opt_config_file {broker.door}\n"
    )


def password_file(passwords: dict[str, str], salt: bytes) -> str:
    """mosquitto's password file (PBKDF2-SHA512, `$7$`) for these users.

    `salt` is 12 random bytes; each user's own is derived from it.
    """
    return "".join(
        f"{user}:{_hashed(password, hashlib.sha256(salt + user.encode()).digest()[:12])}\n"
        for user, password in sorted(passwords.items())
    )


def _hashed(password: str, salt: bytes) -> str:
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, PASSWORD_ITERATIONS)
    encoded = (base64.b64encode(part).decode("ascii") for part in (salt, digest))
    return f"$7${PASSWORD_ITERATIONS}${'$'.join(encoded)}"
