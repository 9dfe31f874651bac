"""Written Vietnamese to spoken Vietnamese: figures, dates, hours, money, abbreviations in words.

`normalise` is what an official is shown before a text is spoken. Tried against a general
normaliser from the package index, which read "3-5 người" as a date, VNeID as "neít" and left
CNSCĐ; the trade's own words and forms are few enough to be kept, and tested, here.
"""

import re
import unicodedata

from audio_library.vietnamese.dates import DATES
from audio_library.vietnamese.figures import ALWAYS, FIGURES
from audio_library.vietnamese.letters import spell_unspeakable
from audio_library.vietnamese.names import NAMES

_SIGNS = str.maketrans(
    {
        "–": "-",
        "—": "-",
        "−": "-",
        "“": '"',
        "”": '"',
        "’": "'",
        "…": ".",
        "\u00a0": " ",
        "\u200b": "",
        "\ufeff": "",
        "\t": " ",
        "•": ",",
        "*": " ",
        "_": " ",
        "#": " ",
        "|": ",",
    }
)
_LONGEST_WORD = 300
# What comes after a stroke in "3 con/hộ" and "50k/người".
_COUNTED = (
    "(?:hộ|người|tháng|năm|ngày|lần|con|khẩu|em|cháu|suất|buổi|giờ|tuần|quý|bao|gói|thôn|xã|sào|"
    "ki lô|mét|lít|tấn|tạ|yến|héc|cây|cái|chiếc|bộ|vụ|lượt|phút|giây|"
    "chỉ|lượng|công|mẫu|tấm|buồng|nhà|bình|xe|vé|tờ|thửa|lô|thùng|chai|can|lứa|đầu người|lao động)"
)
# The same with what is written short: 15.000 con/ha, 12 nghìn/m3.
_PER = {"ha": "héc ta", "m2": "mét vuông", "m3": "mét khối", "kg": "ki lô gam", "l": "lít"}
_PER_UNIT = re.compile(rf"(?<=[^\W\d_])\s*/\s*({'|'.join(_PER)})(?!\w)")


def normalise(text: str) -> str:
    """The text as a person would read it aloud: no digits, no abbreviations, no emoji.

    Line breaks end sentences. What no rule knows is read digit by digit or letter by letter, so
    nothing is left for the voice to stumble over.
    """
    text = _clean(text)
    text = _PER_UNIT.sub(lambda match: f" một {_PER[match[1]]}", text)
    for rules in (NAMES, ALWAYS, DATES, FIGURES):
        for pattern, replace in rules:
            text = pattern.sub(replace, text)
    return _tidy(spell_unspeakable(text))


def _clean(text: str) -> str:
    text = unicodedata.normalize("NFC", text).translate(_SIGNS)
    text = re.sub(r"\s*\r?\n\s*", "\n", text.strip())
    # No word is so long; the rules would look at it again from every letter on.
    text = re.sub(rf"(\S{{{_LONGEST_WORD}}})(?=\S)", r"\1 ", text)
    # A heading or a list item has no full stop, but a person pauses there.
    text = re.sub(r"(?<![.!?:;,\n])\n", ".\n", text)
    text = re.sub(r"^[-+]\s+", "", text, flags=re.MULTILINE)
    # Emoji and other pictures, and characters that do not print.
    return "".join(c for c in text if unicodedata.category(c)[:1] != "C" or c == "\n")


def _tidy(text: str) -> str:
    text = text.replace("&", " và ").replace("%", " phần trăm ").replace("@", " a còng ")
    text = re.sub(rf"\s*/\s*(?={_COUNTED}\b)", " một ", text)
    text = re.sub(r"(?<=\w)\s*/\s*(?=\w)", ", ", text)
    text = re.sub(r"\s+-\s+|\s*[()\[\]{}]\s*", ", ", text)
    # Letters, spaces and the signs that make a voice pause are what a voice can use.
    text = re.sub(r"[^\w\s.,;:!?']|_", " ", text)
    text = re.sub(r"[ ]+([.,;:!?])", r"\1", text)
    text = re.sub(r"([.,;:!?])[.,;:!?]*\1", r"\1", text)
    text = re.sub(r",+(?=[.;:!?])|^,+ ?|,+ ?$|(?<=[.;:!?]),", "", text, flags=re.MULTILINE)
    text = re.sub(r"[ ]{2,}", " ", text)
    return re.sub(r" *\n *", "\n", text).strip()
