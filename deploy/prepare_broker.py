"""Writes what mosquitto needs on a controller: certificates, passwords, access list, fragment.

Run by install-controller.sh as root, and again whenever the server's name changes. What exists and
still serves stays: the authority and the passwords are in every node of the commune.

    python -m deploy.prepare_broker --name loa.example.vn --user mosquitto
"""

import argparse
import secrets
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from controller.keys.certificates import Authority
from deploy import ca
from deploy.broker import ACCESS, DOOR, SiteBroker, password_file, site_configuration
from deploy.files import write_atomically

USERS = ("controller",)
FRAGMENT = Path("/etc/mosquitto/conf.d/loalang.conf")


def prepare(
    broker: SiteBroker, names: list[str], fragment: Path, *, user: str | None, now: datetime
) -> list[Path]:
    """Makes what is missing or outlived; returns the files that mosquitto must read anew."""
    broker.directory.mkdir(parents=True, exist_ok=True)
    renewed = _certificates(broker, names, now)
    passwords = {user: _password(broker.directory / f"{user}.password") for user in USERS}
    wanted = {fragment: site_configuration(broker)}
    if not broker.access.exists():
        wanted[broker.access] = ACCESS  # from now on the service writes it
    if not broker.passwords.exists():
        wanted[broker.passwords] = password_file(passwords, secrets.token_bytes(12))
    if broker.plugin and not broker.door.exists():
        broker.state.mkdir(parents=True, exist_ok=True)
        wanted[broker.door] = DOOR
    changed = [path for path, text in wanted.items() if _write(path, text)]
    if user and broker.door.exists():
        shutil.chown(broker.door, user=user, group=user)
    for path in (broker.directory, broker.key, broker.passwords, broker.access, broker.revoked):
        # mosquitto has dropped root by the time it opens its files, and wants to own the lists.
        path.chmod(0o750 if path.is_dir() else 0o640)
        if user:
            shutil.chown(path, user="root" if path.is_dir() else user, group=user)
    return renewed + changed


def _certificates(broker: SiteBroker, names: list[str], now: datetime) -> list[Path]:
    authority = ca.load(broker.directory, "ca")
    if authority is None:
        authority = ca.make_authority(f"Loa Làng {names[0]}", now)
        authority.save(broker.directory, "ca")
    _devices_authority(broker, names, now)
    server = ca.load(broker.directory, "server")
    if server is not None and ca.serves(server, names, now):
        return []
    ca.make_server(authority, names, now).save(broker.directory, "server", key_mode=0o640)
    return [broker.certificate, broker.key]


def _devices_authority(broker: SiteBroker, names: list[str], now: datetime) -> None:
    """`devices.pem` for the service, `devices.crt` for mosquitto, `join.pem` for every new node."""
    bundle, joining = broker.directory / "devices.pem", broker.directory / "join.pem"
    if not bundle.exists():
        made = ca.make_authority(f"Loa Làng {names[0]} devices", now)
        write_atomically(bundle, made.pem, mode=0o600)
    authority = _remembering(bundle, joining, Authority.load(bundle), now)
    if not broker.devices.exists():
        certificate = authority.certificate.public_bytes(serialization.Encoding.PEM)
        write_atomically(broker.devices, certificate, mode=0o644)
    if not broker.revoked.exists():
        write_atomically(broker.revoked, authority.revocations([], now), mode=0o640)


def _remembering(bundle: Path, joining: Path, authority: Authority, now: datetime) -> Authority:
    """`join.pem`, made where there is none, and its certificate as the last one of the bundle.

    Whoever deletes `join.pem` thereby has the one before revoked: the bundle remembers it.
    """
    pem = joining.read_bytes() if joining.exists() else ca.make_joining(authority, now).pem
    certificate = x509.load_pem_x509_certificate(pem)
    if certificate not in authority.joining[-1:]:
        text = certificate.public_bytes(serialization.Encoding.PEM)
        # First the bundle: cut off in between, one that was never handed out is revoked.
        write_atomically(bundle, bundle.read_bytes() + text, mode=0o600)
    if not joining.exists():
        write_atomically(joining, pem, mode=0o600)
    return Authority.load(bundle)


def find_plugin(libraries: Path = Path("/usr/lib")) -> Path | None:
    """mosquitto's dynamic security, which comes with Debian's package."""
    name = "mosquitto_dynamic_security.so"
    return next(iter(sorted([*libraries.glob(name), *libraries.glob(f"*/{name}")])), None)


def _password(path: Path) -> str:
    if not path.exists():
        write_atomically(path, (secrets.token_urlsafe(24) + "\n").encode(), mode=0o600)
    return path.read_text(encoding="utf-8").strip()


def _write(path: Path, text: str) -> bool:
    """Whether the file had to change."""
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    write_atomically(path, text.encode(), mode=0o640 if path.name == "passwords" else 0o644)
    return True


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="deploy.prepare_broker", description=__doc__)
    parser.add_argument("--name", action="append", required=True, help="DNS name or IP address")
    parser.add_argument("--directory", type=Path, default=Path("/etc/loalang/broker"))
    parser.add_argument("--fragment", type=Path, default=FRAGMENT)
    parser.add_argument("--user", help="the user mosquitto runs as, and its group")
    parser.add_argument("--tls-port", type=int, default=8883)
    parser.add_argument("--state", type=Path, default=Path("/var/lib/mosquitto"))
    options = parser.parse_args(arguments)
    broker = SiteBroker(
        options.directory, tls_port=options.tls_port, state=options.state, plugin=find_plugin()
    )
    now = datetime.now(UTC)
    try:
        changed = prepare(broker, options.name, options.fragment, user=options.user, now=now)
    except (OSError, ValueError, LookupError) as error:
        print(f"The broker could not be prepared: {error}", file=sys.stderr)
        return 1
    print("\n".join(str(path) for path in changed))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
