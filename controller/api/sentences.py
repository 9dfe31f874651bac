"""What the API says in both languages about fields and statuses; each sentence has a remedy."""

import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

Pair = tuple[str, str]

_TITLES: Final[dict[int, Pair]] = {
    400: ("Yêu cầu không đúng", "Bad request"),
    401: ("Chưa đăng nhập", "Not signed in"),
    403: ("Không được phép", "Not allowed"),
    404: ("Không tìm thấy", "Not found"),
    405: ("Cách gọi không đúng", "Method not allowed"),
    409: ("Xung đột", "Conflict"),
    413: ("Tệp quá lớn", "Too large"),
    415: ("Kiểu dữ liệu không dùng được", "Unsupported media type"),
    416: ("Đoạn yêu cầu không có", "Range not satisfiable"),
    422: ("Dữ liệu chưa đúng", "Bad input"),
    429: ("Quá nhiều yêu cầu", "Too many requests"),
    500: ("Lỗi máy chủ", "Server error"),
    503: ("Máy chủ đang bận", "Busy"),
}

_STATUSES: Final[dict[int, Pair]] = {
    400: (
        "Không đọc được yêu cầu: hãy kiểm tra nội dung JSON rồi gửi lại.",
        "The request cannot be read: check its JSON and send it again.",
    ),
    401: (
        "Cần mã truy cập: hãy gửi tiêu đề Authorization: Bearer kèm mã còn hiệu lực.",
        "A token is needed: send the header Authorization: Bearer with one that works.",
    ),
    404: (
        "Không có địa chỉ này: hãy xem /api/v1/openapi.json.",
        "There is no such address: see /api/v1/openapi.json.",
    ),
    405: (
        "Địa chỉ này không nhận cách gọi đó: hãy xem tiêu đề Allow.",
        "This address does not take that method: see the header Allow.",
    ),
    413: (
        "Nội dung gửi lên quá lớn: hãy cắt ngắn hoặc nén tệp rồi gửi lại.",
        "What was sent is too large: shorten or compress the file and send it again.",
    ),
    415: (
        "Hãy gửi nội dung dạng application/json (tệp âm thanh: multipart/form-data).",
        "Send the body as application/json (a recording: multipart/form-data).",
    ),
    416: (
        "Đoạn yêu cầu nằm ngoài tệp: hãy hỏi lại từ đầu tệp.",
        "The range lies outside the file: ask again from its start.",
    ),
    422: (
        "Dữ liệu chưa đúng: hãy sửa các mục được nêu rồi gửi lại.",
        "The input cannot be used: mend the fields named and send it again.",
    ),
    429: (
        "Quá nhiều yêu cầu: hãy đợi một phút rồi thử lại.",
        "Too many requests: wait a minute and try again.",
    ),
    500: (
        "Máy chủ gặp lỗi: hãy thử lại, nếu vẫn lỗi hãy xem nhật ký của dịch vụ.",
        "The server failed: try again, and if it stays so, look into the service's log.",
    ),
    503: (
        "Máy chủ đang bận: hãy thử lại sau ít phút.",
        "The server is busy: try again in a few minutes.",
    ),
}


def title_of(status: int, *, english: bool) -> str:
    """The short name of a status; the same for every occurrence."""
    vi, en = _TITLES.get(status) or (HTTPStatus(status).phrase,) * 2
    return en if english else vi


def sentence_of_status(status: int) -> Pair:
    """What to say about a status nobody explained better."""
    phrase = HTTPStatus(status).phrase
    plain = (f"Không thực hiện được ({phrase}).", f"It could not be done ({phrase}).")
    return _STATUSES.get(status, plain)


# What marshmallow and webargs write → ours. The first pattern that fits the whole text counts.
_FIELDS: Final[tuple[tuple[str, Callable[[re.Match[str]], Pair]], ...]] = (
    (
        r"Missing data for required field\.",
        lambda _: ("Hãy điền mục này.", "Fill in this field."),
    ),
    (
        r"Field may not be null\.",
        lambda _: ("Mục này không được để trống.", "This field may not be empty."),
    ),
    (
        r"Unknown field\.",
        lambda _: ("Không có mục nào tên này: hãy bỏ đi.", "There is no such field: leave it out."),
    ),
    (
        r"Not a valid integer\.",
        lambda _: ("Hãy điền một số nguyên.", "Give a whole number."),
    ),
    (r"Not a valid number\.|.*nan.*", lambda _: ("Hãy điền một số.", "Give a number.")),
    (r"Not a valid boolean\.", lambda _: ("Hãy điền true hoặc false.", "Give true or false.")),
    (r"Not a valid string\.", lambda _: ("Hãy điền chữ.", "Give a text.")),
    (r"Not a valid list\.", lambda _: ("Hãy gửi một danh sách.", "Give a list.")),
    (
        r"Not a valid mapping type\.|Invalid input type\.",
        lambda _: ("Hãy gửi một đối tượng JSON.", "Give a JSON object."),
    ),
    (
        r"Must be one of: (.+)\.",
        lambda m: (f"Hãy chọn một trong: {m[1]}.", f"Choose one of: {m[1]}."),
    ),
    (
        r"Must be greater than or equal to (\S+) and less than or equal to (\S+)\.",
        lambda m: (f"Hãy điền từ {m[1]} đến {m[2]}.", f"Give a value from {m[1]} to {m[2]}."),
    ),
    (
        r"Length must be between (\d+) and (\d+)\.",
        lambda m: (f"Cần từ {m[1]} đến {m[2]} ký tự hoặc mục.", f"Give {m[1]} to {m[2]} of them."),
    ),
    (
        r"Invalid JSON body\.",
        lambda _: ("Nội dung không phải JSON: hãy sửa rồi gửi lại.", "The body is not JSON."),
    ),
)


def field_sentence(text: Any) -> Pair:
    """Both languages for what is wrong with a field; our own fields already pass a pair."""
    if isinstance(text, tuple) and len(text) == 2:
        return text
    for pattern, sentence in _FIELDS:
        match = re.fullmatch(pattern, str(text), re.IGNORECASE | re.DOTALL)
        if match:
            return sentence(match)
    return (
        "Giá trị này không dùng được: hãy sửa lại.",
        "This value cannot be used: mend it.",
    )
