"""Search as people type it: without accents, without case, words in any order."""

import unicodedata

_LETTERS = str.maketrans({"đ": "d", "Đ": "d"})  # these have no decomposition


def plain(text: str) -> str:
    """Lower-case letters without accents: "Đường dây nóng" → "duong day nong"."""
    decomposed = unicodedata.normalize("NFD", text.translate(_LETTERS).casefold())
    return "".join(c for c in decomposed if not unicodedata.combining(c))


def matches(query: str, *texts: str | None) -> bool:
    """Whether every word of the query stands somewhere in the texts."""
    haystack = plain(" ".join(text for text in texts if text))
    return all(word in haystack for word in plain(query).split())
