"""Dates and hours as they are said: "ngày hai mươi tư tháng tư", "mười bảy giờ ba mươi phút"."""

import re
from collections.abc import Callable

from audio_library.vietnamese.numbers import cardinal, ordinal, roman

Match = re.Match[str]
Rule = tuple[re.Pattern[str], str | Callable[[Match], str]]

_D, _M, _Y = r"(0?[1-9]|[12]\d|3[01])", r"(0?[1-9]|1[0-2])", r"((?:1\d|20)\d\d)"
_S = r"\s?[/.-]\s?"
_TO = r"\s*(?:-|đến|tới)\s*"
_DAY = r"(?:(ngày|mùng|mồng)\s+)?"
_EDGE, _END = r"(?<![\d/.,-])", r"(?![\w/]|[.,-]\d)"
_H = r"([01]?\d|2[0-4])\s?(?:h|g|giờ|:)"
# What is counted, not dated: "2/3 số hộ".
_COUNTED = (
    r"(?!\s*(?:số|tổng số|tổng dân|dân|hộ|người|diện|sản|lít|cốc|thìa|muỗng|quân|đại|viên|gói|"
    r"liều|quả|trái|chén|bát|ly|giá|mức|kinh phí|học sinh|cử tri|đảng viên|hội viên|trẻ|sào|mẫu|"
    r"thời gian|quãng|lượng|cân))"
)


# Those whose day is no larger than their month: Labour Day, children's, National Day …
_FEASTS = {(1, 1), (1, 5), (1, 6), (2, 9), (3, 2), (7, 5)}


def month(number: int) -> str:
    """tháng tư, but tháng mười bốn does not exist; the fourth month alone is special."""
    return "tháng tư" if number == 4 else f"tháng {cardinal(number)}"


def day(number: int, said: str | None = None) -> str:
    """The first ten days are "mùng"."""
    if number > 10:
        return f"ngày {cardinal(number)}"
    return f"{said if said and said.lower() != 'ngày' else 'ngày mùng'} {cardinal(number)}"


def _date(match: Match) -> str:
    said, d, m, y = match.groups()
    year = f" năm {cardinal(int(y))}" if y else ""
    return f"{day(int(d), said)} {month(int(m))}{year}"


def _iso(match: Match) -> str:
    return f"{day(int(match[3]))} {month(int(match[2]))} năm {cardinal(int(match[1]))}"


def _days(match: Match) -> str:
    """1-5/5/2025 or 30/4-3/5."""
    _, first, first_month, last, last_month, y = match.groups()
    start = day(int(first)) + (f" {month(int(first_month))}" if first_month else "")
    year = f" năm {cardinal(int(y))}" if y else ""
    return f"{start} đến {day(int(last))} {month(int(last_month))}{year}"


def _dashed(match: Match) -> str:
    """ "Ngày 30-4", "lễ 2-9": a span counts upwards, and the feasts are known."""
    said, d, m = match[1], int(match[2]), int(match[3])
    if d > m or (d, m) in _FEASTS:
        words = day(d, said if said.lower().strip() in ("mùng", "mồng") else None)
        kept = "" if said.lower().strip() in ("ngày", "mùng", "mồng") else f"{said} "
        return f"{kept}{words} {month(m)}"
    return match[0]


def _backwards(match: Match) -> str:
    """20-11: a span counts upwards."""
    d, m = int(match[1]), int(match[2])
    return f"{day(d)} {month(m)}" if d > m else match[0]


def _month_year(match: Match) -> str:
    return f"{month(int(match[1]))} năm {cardinal(int(match[2]))}"


def _clock(hour: str, minute: str | None) -> str:
    minutes = f" {cardinal(int(minute))} phút" if minute and int(minute) else ""
    return f"{cardinal(int(hour))} giờ{minutes}"


def _hour(match: Match) -> str:
    return _clock(match[1], match[2])


def _hours(match: Match) -> str:
    return f"{_clock(match[1], match[2])} đến {_clock(match[3], match[4])}"


def _weekday(match: Match) -> str:
    return f"thứ {ordinal(int(match[1]))}"


def _weekdays(match: Match) -> str:
    return f"thứ {ordinal(int(match[1]))} đến thứ {ordinal(int(match[2]))}"


def _roman(match: Match) -> str:
    value = roman(match[2])
    return f"{match[1]} {ordinal(value) if match[1].lower().endswith('thứ') else cardinal(value)}"


def _roman_alone(match: Match) -> str:
    return cardinal(roman(match[0]))


def _rule(shape: str, replace: Callable[[Match], str] | str) -> Rule:
    return re.compile(shape, re.IGNORECASE), replace


DATES: list[Rule] = [
    _rule(rf"{_EDGE}{_Y}-{_M}-{_D}{_END}", _iso),
    # Spans first: their halves look like dates of their own.
    _rule(
        rf"{_EDGE}{_DAY}{_D}(?:/{_M})?{_TO}(?:ngày\s+)?{_D}/{_M}(?:/{_Y})?{_END}{_COUNTED}",
        _days,
    ),
    _rule(rf"{_EDGE}{_DAY}{_D}{_S}{_M}{_S}{_Y}{_END}", _date),
    _rule(rf"(?<!\w)(?:tháng\s+){_M}\s?[/.-]\s?{_Y}{_END}", _month_year),
    _rule(rf"{_EDGE}(?:(ngày|mùng|mồng)\s+)?{_D}/{_M}(){_END}{_COUNTED}", _date),
    _rule(rf"{_EDGE}{_M}/{_Y}{_END}", lambda m: _month_year(m)),
    _rule(
        rf"(?<!\w)(ngày|mùng|mồng|lễ|dịp|mừng|quốc khánh|(?<=\d )và)\s+{_D}-{_M}{_END}(?!\s*tháng)",
        _dashed,
    ),
    _rule(
        r"(?<![\w.,/-])(1[3-9]|2\d|3[01])-(0?[1-9]|1[0-2])(?![\w/%-]|[.,]\d|\s?[a-zđ]{1,2}\b)",
        _backwards,
    ),
    _rule(rf"(?<!\w)(ngày|mùng|mồng)\s+{_D}\s+tháng\s+{_M}()(?!\d)", _date),
    _rule(rf"(?<!\w)tháng\s+{_M}(?!\d)", lambda m: month(int(m[1]))),
    _rule(r"(?<!\w)(mùng|mồng)\s+(\d{1,2})(?!\d)", lambda m: f"{m[1]} {cardinal(int(m[2]))}"),
    _rule(rf"(quý\s+[IVX]+|quý\s+\d|học kỳ\s+[IVX]+)\s?/\s?{_Y}", r"\1 năm \2"),
    # Hours: spans, then single ones; 17:30 and 17h30 and 17 giờ 30.
    _rule(rf"{_EDGE}{_H}\s?([0-5]\d)?(?:\s?phút)?{_TO}{_H}\s?([0-5]\d)?(?:\s?phút)?(?!\w)", _hours),
    _rule(r"(?<![\d/.,-])([01]?\d|2[0-4]):([0-5]\d)(?::[0-5]\d)?(?!\d)", _hour),
    _rule(rf"{_EDGE}([01]?\d|2[0-4])\s?(?:h|g|giờ)\s?([0-5]\d)(?:\s?(?:phút|p|'))?(?!\w)", _hour),
    _rule(rf"{_EDGE}([01]?\d|2[0-4])\s?(?:h|giờ)()(?!\w)", _hour),
    # A lone "16g" is sixteen grams, unless something happens then.
    _rule(
        r"((?:lúc|từ|đến|tới|trước|sau|khoảng|hồi|bắt đầu|kết thúc)\s+)([01]?\d|2[0-4])g(?!\w)",
        lambda m: m[1] + _clock(m[2], None),
    ),
    # Days of the week.
    (re.compile(r"(?<!\w)T([2-7])\s*(?:-|đến)\s*T([2-7])(?!\w)"), _weekdays),
    (re.compile(r"(?<!\w)T([2-7])(?!\w)"), _weekday),
    (re.compile(r"(?<!\w)CN(?!\w)"), "chủ nhật"),
    _rule(r"(?<!\w)thứ\s+([2-7])\s*-\s*(?:thứ\s+)?([2-7])(?!\w)", _weekdays),
    _rule(
        r"(?<!\w)((?:lần )?thứ|khóa|khoá|kỳ|quý|thế kỷ|chương|phần|mục|loại|cấp|đại hội|học kỳ|"
        r"báo động|khu vực|vùng|hạng|bậc|mức|nhóm|đợt|điều|tập|bài|kỳ họp|thập niên)"
        r"\s+([IVXLC]+)(?!\w)",
        _roman,
    ),
    # A list of them: "khu vực một, II và III"; not the words of a line all in capitals.
    (
        re.compile(r"(?<=[a-zà-ỹ,] )(?:[VX]*I{2,3}|X*I[VX]|[VX]+[IVX]+)(?![\w.]|\s+[A-ZĐ]{2})"),
        _roman_alone,
    ),
    # Headings: "II. Yêu cầu".
    (re.compile(r"^[IVX]{1,4}(?=\.\s)|(?<=[.;:] )[IVX]{1,4}(?=\.\s)", re.MULTILINE), _roman_alone),
]
