"""Our own small certificate authorities: one vouches for the broker, one for the devices.

The installer makes both on the controller's machine. The first one's key stays with root; nodes
receive its certificate on their first boot and trust no other broker. The second one's key goes
to the controller's service, which signs a device's certificate when it enrols (see
controller.keys.certificates) and can therefore never pass for a broker. Everything begins in 1970,
because the clocks of nodes do, and lasts long: the keys live beside the server's, so a short life
would add no safety, only a day on which every village falls silent. What goes wrong before is
revoked.
"""

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from controller.keys.certificates import Authority, client_certificate
from controller.publishing.fence import JOINING
from deploy.files import write_atomically

BEGINS = datetime.fromtimestamp(0, UTC)
AUTHORITY_LIFE = timedelta(days=20 * 365)
SERVER_LIFE = timedelta(days=10 * 365)


@dataclass(frozen=True, slots=True)
class Identity:
    """A private key and the certificate that names its holder."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )

    @property
    def certificate_pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def pem(self) -> bytes:
        """Key and certificate in one text."""
        return self.key_pem + self.certificate_pem

    def save(self, directory: Path, name: str, *, key_mode: int = 0o600) -> None:
        """Writes `<name>.key` and then `<name>.crt`, each whole or not at all."""
        write_atomically(directory / f"{name}.key", self.key_pem, mode=key_mode)
        write_atomically(directory / f"{name}.crt", self.certificate_pem, mode=0o644)


def load(directory: Path, name: str) -> Identity | None:
    """What `save` wrote, or None where either file is missing."""
    key_file, certificate_file = directory / f"{name}.key", directory / f"{name}.crt"
    if not (key_file.exists() and certificate_file.exists()):
        return None
    key = serialization.load_pem_private_key(key_file.read_bytes(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError(f"{key_file} holds no elliptic-curve key: move it away and run again.")
    return Identity(key, x509.load_pem_x509_certificate(certificate_file.read_bytes()))


def make_authority(name: str, now: datetime) -> Identity:
    """A self-signed authority that may sign leaves and nothing below them."""
    key = ec.generate_private_key(ec.SECP256R1())
    builder = (
        _builder(name, issuer=name, key=key, now=now, life=AUTHORITY_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
    )
    return Identity(key, builder.sign(key, hashes.SHA256()))


def make_server(authority: Identity, names: list[str], now: datetime) -> Identity:
    """The broker's certificate for these DNS names and IP addresses."""
    key = ec.generate_private_key(ec.SECP256R1())
    issuer = authority.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
    builder = (
        _builder(names[0], issuer=str(issuer), key=key, now=now, life=SERVER_LIFE)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(_alternatives(names)), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key()),
            critical=False,
        )
    )
    return Identity(key, builder.sign(authority.key, hashes.SHA256()))


def make_joining(devices: Authority, now: datetime) -> Identity:
    """What a device shows before it has a certificate of its own: it may claim a place, no more."""
    key = ec.generate_private_key(ec.SECP256R1())
    return Identity(key, client_certificate(devices, JOINING, key.public_key(), now, SERVER_LIFE))


def serves(identity: Identity, names: list[str], now: datetime) -> bool:
    """Whether a server certificate names all of these and has half its life left."""
    certificate = identity.certificate
    held = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    wanted = _alternatives(names)
    left = certificate.not_valid_after_utc - now
    return all(name in list(held) for name in wanted) and left > SERVER_LIFE / 2


def _alternatives(names: list[str]) -> list[x509.GeneralName]:
    """IP addresses as such: OpenSSL does not look for them among the DNS names."""
    found: list[x509.GeneralName] = []
    for name in names:
        try:
            found.append(x509.IPAddress(ipaddress.ip_address(name)))
        except ValueError:
            found.append(x509.DNSName(name))
    return found


def _builder(
    name: str, *, issuer: str, key: ec.EllipticCurvePrivateKey, now: datetime, life: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(_common_name(name))
        .issuer_name(_common_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(BEGINS)
        .not_valid_after(now.astimezone(UTC) + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _common_name(name: str) -> x509.Name:
    # A common name has 64 characters at most; clients compare the alternative names anyway.
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
