"""Certificates for devices: what they show a broker that lets nobody in without one.

The authority here signs clients only; the broker's own certificate hangs on another key that the
service never sees (deploy.ca). A certificate is made over the device's Ed25519 key, which its
signed claim has proved, so nothing has to be asked for and nothing in the answer is secret.
Certificates begin in 1970, because so do the clocks of nodes that lost theirs.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from controller.errors import ControllerError
from protocol.keys import VerifyKey

BEGINS = datetime.fromtimestamp(0, UTC)
LIFE = timedelta(days=2 * 365)
RENEWED_WHEN_LEFT = LIFE / 3
# A list that outlived its date would shut out every village at once; a new one is written whenever
# something changes, and the broker holds the newest anyway.
_LIST_LIFE = timedelta(days=20 * 365)

PublicKey = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate just made. `serial` is its number in hex."""

    serial: str
    pem: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Authority:
    """The key that vouches for devices, and the certificates for joining it ever made, in order.

    The last of `joining` is in use; those before it have leaked or were replaced, and are revoked.
    """

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate
    joining: tuple[x509.Certificate, ...] = ()

    @classmethod
    def load(cls, path: Path) -> "Authority":
        """From a PEM file: key, certificate, certificates for joining. Raises ControllerError."""
        try:
            content = path.read_bytes()
            key = serialization.load_pem_private_key(content, password=None)
            certificate, *joining = x509.load_pem_x509_certificates(content)
        except (OSError, ValueError) as error:
            raise _unusable(path, str(error)) from error
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise _unusable(path, "no elliptic-curve key")
        return cls(key, certificate, tuple(joining))

    @property
    def retired(self) -> list[str]:
        """The serial numbers, in hex, of the certificates for joining that are no longer good."""
        return [f"{each.serial_number:x}" for each in self.joining[:-1]]

    def issue(self, device: VerifyKey, now: datetime) -> Issued:
        """A certificate that names the device, for its own key."""
        public = ed25519.Ed25519PublicKey.from_public_bytes(device.raw)
        return _issued(client_certificate(self, device.device_id, public, now, LIFE))

    def revocations(self, serials: Iterable[str], now: datetime) -> bytes:
        """The list (PEM) of certificates that no longer open the door."""
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.certificate.subject)
            .last_update(BEGINS)
            .next_update(now.astimezone(UTC) + _LIST_LIFE)
        )
        for serial in serials:
            revoked = x509.RevokedCertificateBuilder(int(serial, 16), now.astimezone(UTC))
            builder = builder.add_revoked_certificate(revoked.build())
        return builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def client_certificate(
    authority: Authority, name: str, public: PublicKey, now: datetime, life: timedelta
) -> x509.Certificate:
    """A certificate by which a client of the broker is known as `name`."""
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(authority.certificate.subject)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(BEGINS)
        .not_valid_after(now.astimezone(UTC) + life)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=True)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()),
            critical=False,
        )
    )
    return builder.sign(authority.key, hashes.SHA256())


def _issued(certificate: x509.Certificate) -> Issued:
    pem = certificate.public_bytes(serialization.Encoding.PEM).decode("ascii")
    return Issued(f"{certificate.serial_number:x}", pem, certificate.not_valid_after_utc)


def _unusable(path: Path, why: str) -> ControllerError:
    return ControllerError(
        "bad_authority",
        f"Tệp chứng thực thiết bị {path} không dùng được ({why}): hãy chạy lại bộ cài đặt.",
        f"The devices' authority {path} cannot be used ({why}): run the installer again.",
    )
