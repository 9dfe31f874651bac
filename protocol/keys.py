"""Ed25519 keys: who signs, and under which name.

A key's id is the start of the SHA-256 of its 32 raw public bytes: 16 hex digits name a key in an
envelope (`kid`), 32 name a device (`device_id`).
"""

import hashlib
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey


@dataclass(frozen=True, slots=True)
class VerifyKey:
    """A public key: 32 raw bytes."""

    raw: bytes

    def __post_init__(self) -> None:
        if len(self.raw) != 32:
            raise ValueError("an Ed25519 public key has 32 bytes; give it as 64 hex digits")

    @classmethod
    def from_hex(cls, text: str) -> "VerifyKey":
        """Raises ValueError when `text` is not 64 hex digits."""
        return cls(bytes.fromhex(text.strip()))

    @property
    def hex(self) -> str:
        return self.raw.hex()

    @property
    def kid(self) -> str:
        return hashlib.sha256(self.raw).hexdigest()[:16]

    @property
    def device_id(self) -> str:
        return hashlib.sha256(self.raw).hexdigest()[:32]

    def verifies(self, signature: bytes, message: bytes) -> bool:
        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key: 32 raw bytes, never printed. Raises ValueError for another number of them."""

    raw: bytes
    # Unpacked once: that costs more than the signature itself.
    _private: Ed25519PrivateKey = field(init=False, repr=False, compare=False)
    verify_key: VerifyKey = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        private = Ed25519PrivateKey.from_private_bytes(self.raw)
        object.__setattr__(self, "_private", private)
        shown = VerifyKey(private.public_key().public_bytes_raw())
        object.__setattr__(self, "verify_key", shown)

    @classmethod
    def generate(cls) -> "SigningKey":
        return cls(Ed25519PrivateKey.generate().private_bytes_raw())

    @classmethod
    def from_hex(cls, text: str) -> "SigningKey":
        return cls(bytes.fromhex(text.strip()))

    def sign(self, message: bytes) -> bytes:
        return self._private.sign(message)

    def __repr__(self) -> str:
        return f"SigningKey(kid={self.verify_key.kid})"
