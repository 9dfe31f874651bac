"""Numbers in Vietnamese words: mốt, tư, lăm, linh and the empty hundreds where speech has them."""

_DIGITS = ("không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín")
_GROUPS = ("", " nghìn", " triệu")
_BILLION = 1_000_000_000
_LARGEST = 10**15


def cardinal(number: int) -> str:
    """21 → "hai mươi mốt"; 2005 → "hai nghìn không trăm linh năm"."""
    if number < 0:
        return f"âm {cardinal(-number)}"
    if number >= _LARGEST:
        return digits(str(number))
    if number < 1000:
        return _under_thousand(number, full=False)
    if number >= _BILLION:
        billions, rest = divmod(number, _BILLION)
        words = f"{cardinal(billions)} tỷ"
        return f"{words} {_groups(rest, full=True)}" if rest else words
    return _groups(number, full=False)


def digits(text: str) -> str:
    """Digit by digit, as telephone numbers are read."""
    return " ".join(_DIGITS[int(c)] for c in text if c.isdigit())


def decimal(text: str) -> str:
    """A figure as written in Vietnamese: dots group thousands, a comma starts the decimals.

    "1.234,5" → "một nghìn hai trăm ba mươi tư phẩy năm"; "3.5" is read "ba phẩy năm" too.
    """
    whole, _, part = text.partition(",")
    if not part and whole.count(".") == 1 and len(whole.split(".")[1]) != 3:
        whole, _, part = whole.partition(".")
    number = cardinal(int(whole.replace(".", "") or "0"))
    return f"{number} phẩy {_decimals(part)}" if part else number


def ordinal(number: int) -> str:
    """After "thứ": nhất, hai, ba, tư, năm …"""
    return {1: "nhất", 4: "tư"}.get(number, cardinal(number))


def roman(text: str) -> int:
    """The value of a Roman numeral written in capitals."""
    values = [{"I": 1, "V": 5, "X": 10, "L": 50, "C": 100}[c] for c in text]
    pairs = zip(values, [*values[1:], 0], strict=True)
    return sum(-value if value < following else value for value, following in pairs)


def _decimals(part: str) -> str:
    # "0,25" is read "hai mươi lăm"; from three places on, or after a nought, digit by digit.
    return digits(part) if len(part) > 2 or part.startswith("0") else cardinal(int(part))


def _groups(number: int, *, full: bool) -> str:
    words, rest = [], number
    parts = []
    while rest:
        rest, part = divmod(rest, 1000)
        parts.append(part)
    for power in reversed(range(len(parts))):
        if parts[power]:
            inner = full or power < len(parts) - 1
            words.append(_under_thousand(parts[power], full=inner) + _GROUPS[power])
    return " ".join(words)


def _under_thousand(number: int, *, full: bool) -> str:
    """`full` says the empty hundred aloud: … nghìn *không trăm* linh năm."""
    hundreds, rest = divmod(number, 100)
    words = []
    if hundreds or full:
        words.append(f"{_DIGITS[hundreds]} trăm")
    if rest or not words:
        words.append(_under_hundred(rest, after_hundred=bool(words)))
    return " ".join(words)


def _under_hundred(number: int, *, after_hundred: bool) -> str:
    tens, ones = divmod(number, 10)
    if tens == 0:
        return f"linh {_DIGITS[ones]}" if after_hundred else _DIGITS[ones]
    ten = "mười" if tens == 1 else f"{_DIGITS[tens]} mươi"
    if ones == 0:
        return ten
    special = {5: "lăm"} if tens == 1 else {1: "mốt", 4: "tư", 5: "lăm"}
    return f"{ten} {special.get(ones, _DIGITS[ones])}"
