"""How a new device proves that its technician was given the node's claim code.

The code itself never travels: the proof is HMAC-SHA256 keyed with the code over the device's
public key, so it is of no use to another device.
"""

import hashlib
import hmac
import secrets

from protocol.keys import VerifyKey

_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # nothing a tired eye confuses
_NAME_DIGITS = 12  # 40 bits: enough to tell the boxes of a day apart, short enough to read out
_LENGTH = 12  # 60 bits: a proof overheard cannot be searched for its code


def new_code() -> str:
    """A fresh claim code, such as `7KQ2-MXWD-9RTA`."""
    letters = "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
    return "-".join(letters[i : i + 4] for i in range(0, _LENGTH, 4))


def tidy(code: str) -> str:
    """The code as typed by a person, without spaces, dashes and lower case."""
    return "".join(letter for letter in code.upper() if letter in _ALPHABET)


def proof(code: str, key: VerifyKey) -> str:
    """64 hex digits."""
    return hmac.new(tidy(code).encode(), b"loalang/claim\0" + key.raw, hashlib.sha256).hexdigest()


def proves(code: str, key: VerifyKey, shown: str) -> bool:
    return hmac.compare_digest(proof(code, key), shown)


def device_code(key: VerifyKey) -> str:
    """By what a person tells a new device apart: twelve digits of its key, `482 913 057 662`.

    It is no secret and proves nothing: an official compares it with the label, the console or what
    the technician reads out, and binds the device that shows it.
    """
    digest = hashlib.sha256(b"loalang/device-code\0" + key.raw).digest()
    digits = f"{int.from_bytes(digest, 'big') % 10**_NAME_DIGITS:0{_NAME_DIGITS}}"
    return " ".join(digits[i : i + 3] for i in range(0, _NAME_DIGITS, 3))
