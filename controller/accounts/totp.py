"""Six digits from a shared secret and the time: RFC 6238 over RFC 4226 (HMAC-SHA-1, 30 s).

No database here; `controller.accounts.second_factor` keeps secrets and refuses a code used before.
"""

import base64
import binascii
import hmac
import secrets
from datetime import datetime
from typing import Final
from urllib.parse import quote

STEP_S: Final = 30
DIGITS: Final = 6
# A phone's clock may be half a minute off, and typing takes time.
_STEPS_AROUND: Final = 1
_SECRET_BYTES: Final = 20


def new_secret() -> str:
    """160 random bits in base32, as authenticator apps take them."""
    return base64.b32encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def code(secret: str, step: int) -> str:
    """The code of one time step (RFC 4226, section 5.3)."""
    digest = hmac.digest(base64.b32decode(secret), step.to_bytes(8, "big"), "sha1")
    offset = digest[-1] & 0x0F
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**DIGITS:0{DIGITS}}"


def step_of(now: datetime) -> int:
    """The time step an instant lies in."""
    return int(now.timestamp()) // STEP_S


def matching_step(secret: str, given: str, now: datetime, after: int) -> int | None:
    """The step whose code was given, newer than `after` so that none counts twice; else None."""
    current = step_of(now)
    try:
        codes = {s: code(secret, s) for s in range(current - _STEPS_AROUND, current + 2)}
    except (binascii.Error, ValueError):
        return None
    found = [s for s, each in codes.items() if hmac.compare_digest(each.encode(), given.encode())]
    return next((step for step in found if step > after), None)


def address(secret: str, username: str, issuer: str) -> str:
    """What the QR code says (the key URI that authenticator apps read)."""
    label = f"{quote(issuer)}:{quote(username)}"
    return f"otpauth://totp/{label}?secret={secret}&issuer={quote(issuer)}"
