"""How this device is known to a broker that asks for certificates, and how it gets its own.

A fresh device shows the certificate for joining, with which it may claim a place and hear the
answer: a certificate of its own, over its own key, signed by the controller like everything said
to nodes. From then on it shows that one. When it is refused again and again (it ran out while the
device lay in a cupboard), the one for joining is tried now and then, and the claim made anew.
"""

import hashlib
import logging
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from device.durable import write_whole
from device.trust import Gate
from protocol.codec import from_json
from protocol.envelope import MessageType
from protocol.errors import Malformed
from protocol.keys import SigningKey
from protocol.messages import Certificate

log = logging.getLogger(__name__)

_REFUSALS = 6  # so many attempts in a row that came to nothing, then one by joining


@dataclass(frozen=True, slots=True)
class Identity:
    """What to show the broker: `file` is empty for a broker that wants no certificate.

    `knows_the_date` False: a clock that may say 2040 must not keep us from being told the time.
    """

    client_id: str
    file: str = ""
    joining: bool = False
    knows_the_date: bool = True


class Passport:
    """`choose` before each attempt to connect, `accepted` when one succeeded."""

    def __init__(self, data: Path, key: SigningKey, gate: Gate, join_file: str) -> None:
        self._key = key
        self._gate = gate
        self._join_file = join_file
        self._stored = data / "documents" / "certificate"
        self._pem = data / "tls.pem"
        self._attempts = 0
        self._held = False

    def restore(self) -> None:
        """Take the certificate of an earlier run back into use."""
        if self._stored.exists():
            opened = self._gate.reopen(
                self._stored.read_bytes(), MessageType.CERTIFICATE, "certificate"
            )
            self._held = opened is not None and self._lay_out(opened.body)

    def take(self, raw: bytes) -> bool:
        """A certificate that arrived; True when it is news."""
        opened = self._gate.open(
            raw,
            MessageType.CERTIFICATE,
            "certificate",
            to=f"device:{self._gate.device_id}",
            retained=True,
        )
        if opened is None or (opened.repeated and self._held):
            return False
        try:
            self._held = self._lay_out(opened.body)
            write_whole(self._stored, raw)
        except OSError as error:
            log.error("the certificate cannot be stored: %s", error)
        return self._held

    def choose(self) -> Identity:
        """How to present ourselves in the next attempt."""
        self._attempts += 1
        dated = self._gate.clock.trusted
        if not self._join_file:
            return Identity(self._gate.device_id, knows_the_date=dated)
        if not self._held or self._attempts % _REFUSALS == 0:
            return Identity(self._gate.device_id, self._join_file, True, dated)
        return Identity(self._own_client_id(), str(self._pem), knows_the_date=dated)

    def accepted(self) -> None:
        self._attempts = 0

    def _own_client_id(self) -> str:
        # A broker ends a session when another comes under its id; this one nobody can guess.
        secret = hashlib.sha256(b"loalang/client-id\0" + self._key.raw).hexdigest()
        return f"n{secret[:22]}"

    def _lay_out(self, body: dict[str, object]) -> bool:
        """Key and certificate in one file, as TLS wants them; False when there is none."""
        try:
            pem = from_json(Certificate, body).pem
        except Malformed:
            return False
        if not pem:
            return False
        private = Ed25519PrivateKey.from_private_bytes(self._key.raw).private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        write_whole(self._pem, private + pem.encode(), mode=0o600)
        return True
