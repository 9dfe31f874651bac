"""Brings the service's access list to mosquitto, and has it read it anew.

    python -m deploy.broker_access --from /var/lib/loalang-service/broker --to /etc/loalang/broker \
        --user mosquitto

Run as root by loalang-broker-access.service, which a systemd path unit starts whenever the service
has written a new list. The service has no right over the broker and no way to root, so this looks
at what it hands over: lines of an access list, about our topics and nobody's else, and a list of
revoked certificates that the devices' authority signed. Anything else stays where it is.
"""

import argparse
import re
import shutil
import subprocess
import sys
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from deploy.broker import SiteBroker
from deploy.files import write_atomically

_LINES = re.compile(
    r"(|# [ -~]*|user ([0-9a-f]{32}|controller|join)"
    r"|topic (read|write|readwrite) loa/(v1|access)/[A-Za-z0-9_/+#-]+"
    r"|topic write \$CONTROL/dynamic-security/v1)"
)
_MOST_BYTES = 64 << 20


class Unfit(ValueError):
    """What the service handed over is not what it should be."""


def take_over(source: Path, broker: SiteBroker, *, user: str | None) -> list[Path]:
    """Lay down what is new and sound; the files that changed. Raises Unfit, OSError."""
    wanted = {
        broker.revoked: _checked_revocations(_read(source / "revoked.crl"), broker.devices),
        broker.access: _checked_access(_read(source / "access")),
    }
    changed = []
    for path, content in wanted.items():
        if path.exists() and path.read_bytes() == content:
            continue
        write_atomically(path, content, mode=0o640)
        if user:
            shutil.chown(path, user=user, group=user)
        changed.append(path)
    return changed


def _read(path: Path) -> bytes:
    # Never through a link: root must not be led to another file.
    if path.is_symlink() or not path.is_file() or path.stat().st_size > _MOST_BYTES:
        raise Unfit(f"{path} is no plain file of ours")
    return path.read_bytes()


def _checked_access(content: bytes) -> bytes:
    for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), 1):
        if not _LINES.fullmatch(line):
            raise Unfit(f"line {number} of the access list is not one of ours")
    return content


def _checked_revocations(content: bytes, devices: Path) -> bytes:
    authority = x509.load_pem_x509_certificate(devices.read_bytes())
    public = authority.public_key()
    revocations = x509.load_pem_x509_crl(content)
    if not isinstance(public, ec.EllipticCurvePublicKey):
        raise Unfit(f"{devices} is not the devices' authority")
    if not revocations.is_signature_valid(public):
        raise Unfit("the list of revoked certificates is not signed by the devices' authority")
    return content


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="deploy.broker_access", description=__doc__)
    source = Path("/var/lib/loalang-service/broker")
    parser.add_argument("--from", dest="source", type=Path, default=source)
    parser.add_argument("--to", type=Path, default=Path("/etc/loalang/broker"))
    parser.add_argument("--user", help="the user mosquitto runs as, and its group")
    options = parser.parse_args(arguments)
    try:
        changed = take_over(options.source, SiteBroker(options.to), user=options.user)
    except (OSError, ValueError) as error:
        print(f"The broker keeps the list it has: {error}.", file=sys.stderr)
        return 1
    if changed and Path("/run/systemd/system").is_dir():
        return subprocess.run(["systemctl", "reload", "mosquitto.service"], check=False).returncode
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
