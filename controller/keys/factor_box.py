"""What locks away the secrets of second factors: a key in a file of its own, outside the database.

Whoever reads the database, or a copy of it, can make no codes. The key is made when the first
secret is locked away and belongs into the backup beside the others. Each secret is bound to its
user, so that rows cannot be swapped.
"""

import base64
import binascii
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from controller.keys.signing import load_or_create

_NONCE_BYTES: Final = 12
_PLAIN_LENGTH: Final = 32  # base32 of 20 bytes, as secrets stood before; locked away they are 64


@dataclass(frozen=True, slots=True)
class FactorBox:
    """`lock` and `open` with the key in the file at `path`."""

    path: Path

    def lock(self, secret: str, user_id: str) -> str:
        """A TOTP secret (base32 of 20 bytes) → 64 characters that say nothing without the key."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        locked = self._cipher().encrypt(nonce, base64.b32decode(secret), user_id.encode())
        return base64.b64encode(nonce + locked).decode()

    def open(self, kept: str, user_id: str) -> str | None:
        """The secret; None when the key is another one, or the row is another user's."""
        if not is_locked(kept):
            return kept
        try:
            raw = base64.b64decode(kept, validate=True)
            nonce, locked = raw[:_NONCE_BYTES], raw[_NONCE_BYTES:]
            return base64.b32encode(
                self._cipher().decrypt(nonce, locked, user_id.encode())
            ).decode()
        except (InvalidTag, binascii.Error, ValueError):
            return None

    def _cipher(self) -> AESGCM:
        return AESGCM(load_or_create(self.path).raw)


def is_locked(kept: str) -> bool:
    """Whether a secret in the database is locked away; earlier versions kept it as it is."""
    return len(kept) != _PLAIN_LENGTH
