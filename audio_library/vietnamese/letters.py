"""Letters by their Vietnamese names, for abbreviations that no dictionary knows."""

import re
import unicodedata

_NAMES = {
    "A": "a", "Ă": "á", "Â": "ớ", "B": "bê", "C": "xê", "D": "dê", "Đ": "đê", "E": "e",
    "Ê": "ê", "F": "ép", "G": "giê", "H": "hát", "I": "i", "J": "gi", "K": "ca", "L": "lờ",
    "M": "mờ", "N": "nờ", "O": "o", "Ô": "ô", "Ơ": "ơ", "P": "pê", "Q": "quy", "R": "rờ",
    "S": "ét", "T": "tê", "U": "u", "Ư": "ư", "V": "vê", "W": "vê kép", "X": "ích", "Y": "i",
    "Z": "dét",
}  # fmt: skip

# A written Vietnamese syllable without its tone: onset, vowels, coda.
_SYLLABLE = re.compile(
    r"(?:ngh|ng|nh|gh|gi|kh|ph|th|tr|ch|qu|[bcdđghklmnprstvx])?"
    r"[aăâeêioôơuưy]{1,3}"
    r"(?:ng|nh|ch|[cmnpt])?",
)
# What can be read at sight though it is no Vietnamese word: consonants and vowels take turns.
_SAYABLE = re.compile(
    r"(?=.{4,})(?:(?:ch|gh|kh|ng|nh|ph|qu|th|tr|[bcdghklmnprstvxy])?[aeiouy]{1,2})+"
    r"(?:ng|nh|ch|[cmnpt])?"
)
_WORD = re.compile(r"[^\W\d_]+")
_TONES = {"\u0300", "\u0301", "\u0303", "\u0309", "\u0323"}


def spell(word: str) -> str:
    """ "TDP" → "tê dê pê"."""
    return " ".join(_NAMES.get(c, c.lower()) for c in word.upper())


def spell_unspeakable(text: str) -> str:
    """Spell every word in capitals that cannot be a Vietnamese syllable."""
    return _WORD.sub(_spoken, text)


def is_syllable(word: str) -> bool:
    """Whether a word could be read as one Vietnamese syllable."""
    plain = unicodedata.normalize("NFD", word.lower())
    toneless = unicodedata.normalize("NFC", "".join(c for c in plain if c not in _TONES))
    return _SYLLABLE.fullmatch(toneless) is not None


def _spoken(match: re.Match[str]) -> str:
    word = match[0]
    if len(word) == 1:
        # A lone consonant ("tổ B", "lớp 5C") has a name; vowels are their own.
        return word if is_syllable(word) else spell(word)
    if word.isupper() and not is_syllable(word):
        # A storm is called YAGI, not by its letters; CNTT has no other way.
        return word.capitalize() if _SAYABLE.fullmatch(word.lower()) else spell(word)
    return word
