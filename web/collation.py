"""Vietnamese alphabetical order: letters first (d before đ, o before ô before ơ), then tones.

Syllables are compared one after the other, as dictionaries do (TCVN order: level, huyền, hỏi, ngã,
sắc, nặng). Numbers inside names count as numbers: thôn 2 before thôn 10.
"""

import re
import unicodedata
from typing import Final

_LETTERS: Final = "aăâbcdđeêfghijklmnoôơpqrstuưvwxyz"
_RANK: Final = {letter: f"{rank:02}" for rank, letter in enumerate(_LETTERS)}
_TONES: Final = {"\u0300": 1, "\u0309": 2, "\u0303": 3, "\u0301": 4, "\u0323": 5}
_PIECES: Final = re.compile(r"\d+|[^\W\d_]+")
Key = tuple[tuple[str, str], ...]


def key(text: str) -> Key:
    """For `sorted`: one pair of letters and tones per word or number."""
    pieces = _PIECES.findall(unicodedata.normalize("NFC", text).casefold())
    return tuple(_piece(piece) for piece in pieces)


def _piece(piece: str) -> tuple[str, str]:
    if piece.isdecimal():
        return f"  {int(piece):012}", ""  # before every letter
    letters, tones = "", ""
    for character in piece:
        letter, tone = _split(character)
        letters += _RANK.get(letter, letter)
        tones += str(tone)
    return letters, tones


def _split(character: str) -> tuple[str, int]:
    """The letter without its tone, and the tone: ệ is ê with the sixth."""
    tone, rest = 0, ""
    for mark in unicodedata.normalize("NFD", character):
        if mark in _TONES:
            tone = _TONES[mark]
        else:
            rest += mark
    return unicodedata.normalize("NFC", rest), tone
