"""Languages of speech: short tags (vi, hmn, tyz, en); Vietnamese is what plays when one lacks."""

import re
from collections.abc import Iterable

from controller.errors import BadInput

FALLBACK = "vi"
# How a sentence names them, in Vietnamese and English; a tag that is not here is written as it is.
_NAMES = {
    "vi": ("Việt", "Vietnamese"),
    "en": ("Anh", "English"),
    "tyz": ("Tày", "Tày"),
    "nut": ("Nùng", "Nùng"),
    "hmn": ("Mông", "Hmong"),
    "mtq": ("Mường", "Mường"),
    "tai": ("Thái", "Thái"),
    "ium": ("Dao", "Dao"),
    "km": ("Khmer", "Khmer"),
    "jra": ("Gia Rai", "Jarai"),
    "rad": ("Ê Đê", "Rade"),
    "bdq": ("Ba Na", "Bahnar"),
    "cjm": ("Chăm", "Cham"),
}
_TAG = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")


def checked_language(tag: object, field: str) -> str:
    """A language tag as it is. Raises BadInput."""
    if not isinstance(tag, str) or not _TAG.fullmatch(tag):
        raise BadInput(
            {
                field: (
                    f"Không hiểu ngôn ngữ «{tag}»: hãy ghi mã như vi, hmn, tyz.",
                    f"The language '{tag}' is not understood: write a tag such as vi, hmn, tyz.",
                )
            }
        )
    return tag


def checked_languages(tags: Iterable[object], field: str) -> list[str]:
    """Tags in order, each once. Raises BadInput, also for none."""
    checked = list(dict.fromkeys(checked_language(tag, field) for tag in tags))
    return checked or [checked_language("", field)]


def names(tag: str) -> tuple[str, str]:
    """The language's name inside a sentence: in Vietnamese (after «tiếng») and in English."""
    return _NAMES.get(tag, (f"«{tag}»", f"'{tag}'"))
