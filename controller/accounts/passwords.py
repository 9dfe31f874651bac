"""Passwords: argon2id, and what is too easy to guess. No database here."""

import unicodedata
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from controller.errors import BadInput

MIN_LENGTH: Final = 12
MAX_LENGTH: Final = 200

# RFC 9106's second choice with half its memory: 32 threads on a box of 1 GB may sign in at once.
_HASHER: Final = PasswordHasher(time_cost=3, memory_cost=32 * 1024, parallelism=1)

# What people type when twelve characters are asked for.
_USUAL: Final = (
    "matkhau",
    "password",
    "123456789",
    "987654321",
    "qwertyuiop",
    "abcdefghijkl",
    "loalang",
    "truyenthanh",
    "administrator",
)


def hashed(password: str) -> str:
    """The argon2id hash, with its own salt and parameters."""
    return _HASHER.hash(_normal(password))


def matches(password_hash: str, password: str) -> bool:
    """Whether the password is the one; takes the same time either way."""
    try:
        return _HASHER.verify(password_hash, _normal(password))
    except (VerificationError, InvalidHashError):
        return False


def outdated(password_hash: str) -> bool:
    """Whether the hash was made with other parameters than today's."""
    return _HASHER.check_needs_rehash(password_hash)


def require_strong(password: str, username: str) -> None:
    """Raise BadInput for a password that is short, long, or easy to guess."""
    plain = _normal(password).casefold()
    if not MIN_LENGTH <= len(plain) <= MAX_LENGTH:
        raise _refused(
            f"Mật khẩu cần từ {MIN_LENGTH} đến {MAX_LENGTH} ký tự: hãy ghép vài từ dễ nhớ.",
            f"A password has {MIN_LENGTH} to {MAX_LENGTH} characters: join a few words you "
            "remember.",
        )
    letters = left = _letters(plain)
    for usual in (*_USUAL, _letters(username.casefold())):
        left = left.replace(usual, "") if len(usual) > 2 else left
    if len(set(plain)) < 5 or len(left) < len(letters) / 2:
        raise _refused(
            "Mật khẩu này dễ đoán: hãy ghép vài từ không liên quan đến tên của bạn.",
            "This password is easy to guess: join a few words that have nothing to do with "
            "your name.",
        )


def _normal(password: str) -> str:
    # Phones and PCs type the same Vietnamese letter as one code point or as several.
    return unicodedata.normalize("NFKC", password)


def _letters(text: str) -> str:
    return "".join(character for character in text if character.isalnum())


def _refused(vi: str, en: str) -> BadInput:
    return BadInput({"password": (vi, en)})
