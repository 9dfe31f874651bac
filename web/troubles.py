"""What a cluster says is wrong with it: each code in words, and what to do about it.

A code that a later device sends is shown as it is, without advice.
"""

from collections.abc import Iterable

from flask import Flask
from flask_babel import LazyString
from flask_babel import lazy_gettext as _

UPDATE = _("Phần mềm máy này không đọc được lệnh của máy chủ: hãy cập nhật phần mềm.")
CLOCK = _("Đồng hồ chưa đáng tin: chờ có mạng vài phút; nếu vẫn thế, thay pin đồng hồ.")
POWER = _("Nguồn yếu: thay bộ nguồn 5 V 3 A và dây nguồn ngắn, dày.")
HEAT = _("Thiết bị nóng: lau bụi, mở khe thoáng, tránh nắng chiếu thẳng vào hộp.")
WORN = _("Thẻ nhớ sắp hết tuổi thọ: chuẩn bị thẻ mới và thay trong tháng này.")
ROOM = _("Thẻ nhớ gần đầy: thay thẻ lớn hơn, hoặc báo biên tập viên bớt bản tin cũ.")

# What is wrong, and what to do.
TROUBLES: dict[str, tuple[LazyString, LazyString]] = {
    "clock_untrusted": (_("Đồng hồ chưa đáng tin"), CLOCK),
    "sound_device": (
        _("Thẻ âm thanh không mở được"),
        _("Không thấy thẻ âm thanh: cắm lại thẻ và dây, rồi bấm «Khởi động lại» ở trang này."),
    ),
    "amplifier_fault": (
        _("Tăng âm không bật được hoặc báo lỗi"),
        _("Xem nguồn, cầu chì và rơ-le của tăng âm, rồi phát thử 5 giây."),
    ),
    "amplifier_busy": (
        _("Tăng âm đang được dùng tại chỗ"),
        _("Thôn đang dùng micro hoặc đài FM: xong thì trả công tắc tăng âm về vị trí tự động."),
    ),
    "tamper": (
        _("Cửa hộp thiết bị đang mở"),
        _("Gọi người giữ chìa khóa hỏi ai đang mở hộp; nếu không ai mở, đến xem ngay."),
    ),
    "storage_fault": (
        _("Thẻ nhớ ghi hoặc đọc bị lỗi"),
        _("Thẻ nhớ lỗi: khởi động lại; nếu vẫn thế, thay thẻ nhớ mới."),
    ),
    "storage_full": (_("Thẻ nhớ đã đầy"), ROOM),
    "storage_low": (_("Thẻ nhớ gần đầy"), ROOM),
    "not_understood": (_("Máy không đọc được lệnh mới"), UPDATE),
    "clip_unusable": (
        _("Có bản tin máy không phát được"),
        _(
            "Tệp bản tin hỏng trên máy: khởi động lại để máy tải lại; nếu vẫn thế, thay bằng bản "
            "mới trong kho."
        ),
    ),
    "counters_lost": (
        _("Máy mất số đếm lệnh nên đang chờ máy chủ"),
        _("Chờ có mạng vài phút để máy nhận lại số đếm; nếu vẫn thế, khởi động lại."),
    ),
    "muted_here": (
        _("Cụm loa đang tắt tiếng"),
        _("Muốn phát lại ngay: mở «Tắt tiếng đến…», để trống giờ rồi gửi lệnh."),
    ),
    "unbound": (
        _("Thiết bị chưa nhận cụm loa của mình"),
        _("Chờ có mạng vài phút; nếu vẫn thế, bấm «Thay thiết bị» để lấy mã kích hoạt mới."),
    ),
    "not_heard": (
        _("Máy phát nhưng loa không vang"),
        _("Máy đã phát nhưng micrô không nghe thấy: xem dây loa, công tắc tăng âm và loa."),
    ),
    "microphone": (
        _("Micrô không hoạt động"),
        _("Micrô không hoạt động: xem dây micrô và tên thẻ âm thanh của micrô."),
    ),
    "under_voltage": (_("Nguồn điện yếu"), POWER),
    "too_hot": (_("Thiết bị quá nóng"), HEAT),
    "card_worn": (_("Thẻ nhớ sắp hết tuổi thọ"), WORN),
    "other_version": (_("Phần mềm quá cũ so với máy chủ"), UPDATE),
}


def word(code: str) -> str:
    """What is wrong, in plain words."""
    return str(TROUBLES[code][0]) if code in TROUBLES else code


def words(codes: str) -> str:
    """The same for several, as a cluster's story keeps them: parted by spaces."""
    return ", ".join(map(word, codes.split()))


def remedies(codes: Iterable[str]) -> list[str]:
    """What to do about them."""
    return [str(TROUBLES[code][1]) for code in codes if code in TROUBLES]


def install(app: Flask) -> None:
    """Give templates these words."""
    app.jinja_env.filters.update(trouble=word, troubles=words)
