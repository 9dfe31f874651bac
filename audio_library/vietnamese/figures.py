"""Telephone numbers, money, measures, shares and all other figures, in that order."""

import re
from collections.abc import Callable

from audio_library.vietnamese.numbers import cardinal, decimal, digits, ordinal

Match = re.Match[str]
Rule = tuple[re.Pattern[str], str | Callable[[Match], str]]

_NUMBER = r"(\d{1,3}(?:\.\d{3})+(?:,\d+)?|\d+(?:[.,]\d+)?)"
_EDGE = r"(?<![\w.,])"
_MANY = {"k": "nghìn", "tr": "triệu", "nghìn": "nghìn", "ngàn": "nghìn", "triệu": "triệu",
         "tỷ": "tỷ", "tỉ": "tỷ"}  # fmt: skip
_MANY_ = "|".join(sorted(_MANY, key=len, reverse=True))
_UNITS = {
    "km/h": "ki lô mét một giờ",
    "km/giờ": "ki lô mét một giờ",
    "mm/h": "mi li mét một giờ",
    "m3/h": "mét khối một giờ",
    "m³/h": "mét khối một giờ",
    "m3/s": "mét khối một giây",
    "m³/s": "mét khối một giây",
    "mmHg": "mi li mét thủy ngân",
    "Hz": "héc",
    "m/s": "mét một giây",
    "mm": "mi li mét",
    "cm": "xăng ti mét",
    "km2": "ki lô mét vuông",
    "km²": "ki lô mét vuông",
    "km": "ki lô mét",
    "m2": "mét vuông",
    "m²": "mét vuông",
    "m3": "mét khối",
    "m³": "mét khối",
    "m": "mét",
    "ha": "héc ta",
    "kg": "ki lô gam",
    "mg": "mi li gam",
    "gr": "gam",
    "g": "gam",
    "ml": "mi li lít",
    "lít": "lít",
    "l": "lít",
    "kWh": "ki lô oát giờ",
    "kwh": "ki lô oát giờ",
    "kW": "ki lô oát",
    "W": "oát",
    "kV": "ki lô vôn",
    "V": "vôn",
    "MB": "mê ga bai",
    "GB": "gi ga bai",
    "G": "gờ",
    "°C": "độ xê",
    "ºC": "độ xê",
    "oC": "độ xê",
    "°": "độ",
    "%": "phần trăm",
    "‰": "phần nghìn",
    "h": "giờ",
    "p": "phút",
    "s": "giây",
}
_SAYS_MONEY = re.compile(r"(?:đồng|đ|₫|k|tr)\s*$", re.IGNORECASE)
_UNIT = "|".join(sorted(map(re.escape, _UNITS), key=len, reverse=True))
_HOT = r"(?:gọi|tổng đài|đường dây nóng|hotline|điện thoại|số máy|cứu hộ|công an|cứu thương)"


_EMERGENCY = re.compile(
    r"(?<![\w.,/])11[1-5](?=\s*(?:[,;:!?).]|hoặc|và|khi|nếu|để|ngay|$))(?![.,]\d)"
)


def _telephone(match: Match) -> str:
    """Groups as written, a breath between them; one long run is split 4-3-3."""
    groups = re.findall(r"\d+", match[0].replace("+84", "0", 1))
    if len(groups) == 1 and len(groups[0]) == 10:
        groups = [groups[0][:4], groups[0][4:7], groups[0][7:]]
    return ", ".join(digits(group) for group in groups)


def _short_number(match: Match) -> str:
    return match[1] + re.sub(r"\d+", lambda number: digits(number[0]), match[2])


def _emergency_numbers(match: Match) -> str:
    """In a sentence that says whom to call, 111 to 115 are said digit by digit, wherever."""
    return _EMERGENCY.sub(lambda number: digits(number[0]), match[0])


def _millions(match: Match) -> str:
    """1tr5 is one and a half million; 2tr350 has its thousands written out."""
    thousands = int(match[2].ljust(3, "0"))
    return f"{cardinal(int(match[1]))} triệu {cardinal(thousands)} nghìn đồng"


def _grouped(match: Match) -> str:
    """1,000,000 and 5 000 as Vietnamese writes them: with points."""
    return re.sub(r"[, ]", ".", match[0])


def _half(match: Match) -> str:
    """1m5 is a metre and a half, 1m65 a metre and sixty-five."""
    part = cardinal(int(match[3])) if match[3] != "5" or match[2] != "m" else "rưỡi"
    return f"{cardinal(int(match[1]))} {_UNITS[match[2]]} {part}"


def _of_all(match: Match) -> str:
    return f"{cardinal(int(match[1]))} trên {cardinal(int(match[2]))}"


def _scale(match: Match) -> str:
    return f"{match[1]} một trên {decimal(match[2])}"


def _digits_of(match: Match) -> str:
    """An account or a number plate: its groups as written."""
    return f"{match[1]} " + ", ".join(digits(group) for group in re.findall(r"\d+", match[2]))


def _named_after_a_day(match: Match) -> str:
    return f"{match[1]} {cardinal(int(match[2]))} tháng {ordinal(int(match[3]))}"


def _money(match: Match) -> str:
    number, many, per = match.groups()
    words = decimal(number) + (f" {_MANY[many.lower()]}" if many else "") + " đồng"
    return words + (f" một {_UNITS.get(per, per)}" if per else "")


def _money_span(match: Match) -> str:
    """500.000-1.000.000 đồng; 5-10 triệu: what is many in the second is so in the first."""
    first, first_many, last, last_many = match.groups()
    start = decimal(first) + (f" {_MANY[first_many.lower()]}" if first_many else "")
    end = decimal(last) + (f" {_MANY[last_many.lower()]}" if last_many else "")
    return f"{start} đến {end}" + (" đồng" if _SAYS_MONEY.search(match[0]) else "")


def _thousands(match: Match) -> str:
    return f"{decimal(match[1])} {_MANY[match[2].lower()]} đồng"


def _span(match: Match) -> str:
    return f"{decimal(match[1])} đến {decimal(match[2])}{_unit(match[3])}"


def _measure(match: Match) -> str:
    return decimal(match[1]) + _unit(match[2])


def _unit(unit: str | None) -> str:
    return f" {_UNITS[unit]}" if unit else ""


def _years(match: Match) -> str:
    return f"{match[1]} {cardinal(int(match[2]))} đến {cardinal(int(match[3]))}"


def _share(match: Match) -> str:
    return f"{cardinal(int(match[1]))} phần {ordinal(int(match[2]))}"


def _version(match: Match) -> str:
    return " chấm ".join(cardinal(int(part)) for part in match[0].split("."))


def _plain(match: Match) -> str:
    text = match[0]
    if text.isdigit() and (len(text) > 9 or (text.startswith("0") and len(text) > 1)):
        return digits(text)  # an account or an identity number
    return decimal(text)


def _rule(shape: str, replace: Callable[[Match], str] | str, flags: int = 0) -> Rule:
    return re.compile(shape, flags), replace


# Round the clock, and what else looks like a date; so before dates.
ALWAYS: list[Rule] = [
    _rule(rf"{_HOT}[^!?\n]*", _emergency_numbers, re.IGNORECASE),
    _rule(
        r"((?:tài khoản|STK|CCCD|căn cước(?: công dân)?|CMND|mã số thuế|MST|mật khẩu|mã số|"
        r"mã hồ sơ|mã ô tê pê|số báo danh)(?:\s+số)?:?\s+)"
        r"(\d[\d .-]{4,}\d)",
        _digits_of,
        re.IGNORECASE,
    ),
    _rule(r"(?<!\w)(\d{2}[A-Z]{1,2}\d?\s?)[- ]\s?(\d{3}\.?\d{2}|\d{4})(?!\w)", _digits_of),
    _rule(
        r"((?:đường|phố|cầu|trường|chợ|công viên|quảng trường)\s+)(\d{1,2})[/-](\d{1,2})(?![\w/])",
        _named_after_a_day,
        re.IGNORECASE,
    ),
    _rule(r"(huyết áp\D{0,12}\d{2,3})/(\d{2,3})", r"\1 trên \2", re.IGNORECASE),
    _rule(r"(tỷ số|tỉ số)\s+(\d+)\s?-\s?(\d+)", r"\1 \2, \3", re.IGNORECASE),
    _rule(r"(?<![\w.,)])-(?=\d+(?:,\d+)?\s?(?:°|º|độ))", "âm "),
    _rule(r"\d{1,3}(?:,\d{3}){2,}(?![\d,])|(?<![\d.,])\d{1,3}(?: 000)+(?!\d)", _grouped),
    _rule(
        r"(?<![\d.,])\d{1,3}(?:[, ]\d{3})+(?=\s?(?:đồng|đ|₫|VNĐ|VND)(?!\w))",
        _grouped,
        re.IGNORECASE,
    ),
    # Met out of all; what of a whole ("2/3 số hộ") is a fraction.
    _rule(
        r"(?<!ngày )(?<!sáng )(?<!trưa )(?<!chiều )(?<!tối )(?<!đêm )(?<!hôm )"
        r"(?<![\w/.,])(\d{1,3})/(\d{1,3})(?=\s+(?:tiêu chí|chỉ tiêu|đại biểu|phiếu|thôn|xã|bản|"
        r"xóm|ấp|khu|tổ|chi bộ|ngày|trường|điểm|cử tri có mặt|đảng viên có mặt)(?!\w|\s+\d))",
        _of_all,
        re.IGNORECASE,
    ),
    _rule(r"((?:tỷ|tỉ) lệ(?:\s+bản đồ)?)\s+1\s?[:/]\s?(\d[\d.]*)", _scale, re.IGNORECASE),
    _rule(r"(?<=\d)(\s?[^\W\d_]{0,2})\s[x×]\s(?=\d)", r"\1 nhân "),
    _rule(r"(?<=[\d²³a-z])\s=\s(?=\d)", " bằng "),
    _rule(r"(?<![\w.,])(\d{1,3})(m|km|kg|ha)(\d{1,2})(?![\w.,]?\d|[-/\w])(?<!m[23])", _half),
    _rule(
        r"((?:cao|sâu|dâng|ngập|rộng|dài)\D{0,12})(\d)m([23])(?!\w)",
        lambda m: f"{m[1]}{cardinal(int(m[2]))} mét {cardinal(int(m[3]))}",
        re.IGNORECASE,
    ),
    _rule(r"≥\s*(?=\d)", "ít nhất "),
    _rule(r"≤\s*(?=\d)", "nhiều nhất "),
    _rule(r">\s*(?=\d)", "trên "),
    _rule(r"<\s*(?=\d)", "dưới "),
    _rule(r"±\s*(?=\d)", "cộng trừ "),
    _rule(r"(?<![\w.,])(\d{1,2})\s?tr(?:iệu)?(\d{1,3})(?!\w)", _millions, re.IGNORECASE),
    _rule(r"24\s?h?\s?/\s?24\s?(?:h|giờ)?(?!\w)", "suốt hai mươi tư giờ"),
    _rule(r"(?<![\w.,])5K(?!\w)", "năm ca"),
    _rule(r"\((0\d{1,4})\)\s?(?=\d{3})", r"\1 "),
    _rule(r"24/7(?!\w)", "suốt ngày đêm"),
    # Houses, lanes and classes are numbered with strokes too.
    _rule(
        r"((?:lớp|số nhà|nhà số|hẻm|ngõ|kiệt|ngách|phòng)\s+\d+)/(\d+)",
        r"\1 trên \2",
        re.IGNORECASE,
    ),
]

FIGURES: list[Rule] = [
    # Telephone: mobile and landline with any grouping, hotlines, emergency numbers.
    _rule(r"(?<![\w.,])(?:\+84|0)[ .-]?\d{2,3}(?:[ .-]?\d{2,4}){2,3}(?![\d/])", _telephone),
    _rule(r"(?<![\w.,])1[89]00[ .-]?\d{2,4}(?:[ .-]?\d{2,4})?(?![\d/])", _telephone),
    _rule(
        rf"({_HOT}(?:\s+số)?:?\s+)(\d{{3,4}}(?:(?:\s*,\s*|\s+(?:hoặc|và)\s+)\d{{3,4}})*)(?![\d/.])",
        _short_number,
        re.IGNORECASE,
    ),
    _rule(
        r"(?<![\w.,])1022(?=\s*(?:[,;:!?).]|hoặc|khi|nếu|để|$))(?![.,]\d)",
        lambda m: digits(m[0]),
    ),
    # Posts on roads: km 12+500.
    _rule(r"(?<!\w)[Kk]m\s?(\d+)\s?\+\s?(\d+)", r"ki lô mét \1 cộng \2"),
    _rule(r"(?<!\w)[Kk]m\s?(\d+)(?!\w)", r"ki lô mét \1"),
    # Years: "2021-2025" is a span, never a subtraction.
    _rule(
        r"(?<!\w)(giai đoạn|năm|năm học|nhiệm kỳ)\s+((?:19|20)\d\d)\s*-\s*((?:19|20)\d\d)",
        _years,
        re.IGNORECASE,
    ),
    # Money, spans first.
    _rule(
        rf"{_EDGE}{_NUMBER}\s?(?:({_MANY_})\s?)?(?:đồng|đ)?\s?-\s?"
        rf"{_NUMBER}\s?(?:({_MANY_})(?!\w)\s?(?:đồng|đ|₫)?|(?:đồng|đ|₫))(?!\w)",
        _money_span,
        re.IGNORECASE,
    ),
    _rule(
        rf"{_EDGE}{_NUMBER}\s?(nghìn|ngàn|triệu|tỷ|tỉ|tr|k)?\s?(?:đồng|đ|₫)(?!\w)(?:\s?/\s?([^\W\d_]+[23²³]?))?",
        _money,
        re.IGNORECASE,
    ),
    _rule(rf"{_EDGE}{_NUMBER}\s?(k|tr)(?!\w)", _thousands, re.IGNORECASE),
    _rule(rf"\$\s?{_NUMBER}", lambda m: f"{decimal(m[1])} đô la"),
    _rule(rf"€\s?{_NUMBER}|{_EDGE}{_NUMBER}\s?€", lambda m: f"{decimal(m[1] or m[2])} ơ rô"),
    # Spans and measures.
    _rule(r"(?<![\w.,])\d+(?:-\d+){2,}(?!\w)", lambda m: m[0].replace("-", ", ")),
    _rule(
        rf"{_EDGE}{_NUMBER}(?:\s?(?:{_UNIT}))?\s?-\s?{_NUMBER}(?:\s?({_UNIT})(?!\w))?(?![\w.]?\d)",
        _span,
    ),
    _rule(rf"{_EDGE}{_NUMBER}\s?({_UNIT})(?!\w)", _measure),
    _rule(r"(?<![\w/])(\d{1,2})/(\d{1,3})(?![\w/])", _share),
    _rule(
        r"(?<!\w)((?:lần )?thứ)\s+(\d+)(?!\w)",
        lambda m: f"{m[1]} {ordinal(int(m[2]))}",
        re.IGNORECASE,
    ),
    _rule(r"(?<![\w.])\d{1,2}(?:\.\d{1,2}){2,}(?![\w.]\d)", _version),
    # A letter that follows a figure is said after it: 5C, 3A.
    _rule(r"(?<=\d)(?=[^\W\d_])|(?<=[^\W\d_])(?=\d)", " "),
    _rule(r"(?<=\w)\s?\+\s?(?=\d)", " cộng "),
    _rule(rf"(?<![\d.,]){_NUMBER}", _plain),
    _rule(r"\d+", lambda m: digits(m[0])),
]
