"""The words for codes: outcomes and their reasons, content areas, roles, states. One place each.

The wording is the project's glossary; a reason is a sentence that says what to do next.
"""

from flask import Flask
from flask_babel import LazyString
from flask_babel import lazy_gettext as _

from controller.outcomes.outcome_words import reason_word
from web.i18n import language

Words = dict[str, LazyString]

TOPICS: dict[int, LazyString] = {
    1: _("Dịch vụ công trực tuyến"),
    2: _("Thanh toán không dùng tiền mặt"),
    3: _("Mua bán trên sàn thương mại điện tử"),
    4: _("Nền tảng số Việt Nam"),
    5: _("An toàn thông tin mạng cơ bản"),
    6: _("Nội dung khác theo chỉ đạo của địa phương"),
}

OUTCOMES: Words = {
    "": _("Đang phát"),
    "played": _("Đã phát xong"),
    "partial": _("Phát chưa hết"),
    "interrupted": _("Bị gián đoạn"),
    "missed": _("Không phát được"),
    "skipped": _("Bỏ qua"),
    "stopped": _("Đã dừng"),
}

# What the badge of an outcome looks like: colour and shape, beside the word.
OUTCOME_LOOKS: dict[str, str] = {
    "": "live",
    "played": "good",
    "partial": "warn",
    "interrupted": "warn",
    "missed": "bad",
    "skipped": "calm",
    "stopped": "calm",
}

REASONS: Words = {
    "clip_missing": _(
        "Cụm loa chưa tải đủ bản tin trước giờ phát. Hãy xem sóng 4G hoặc chép bằng USB."
    ),
    "clock_untrusted": _(
        "Đồng hồ của cụm loa chưa đáng tin nên máy không tự phát. Hãy kiểm tra mạng và pin đồng hồ."
    ),
    "powered_off": _(
        "Cụm loa tắt vào giờ phát (mất điện hoặc máy dừng). Hãy hỏi trưởng thôn về nguồn điện."
    ),
    "too_late": _("Cụm loa sẵn sàng quá muộn so với giờ phát nên không phát nữa."),
    "late_start": _("Cụm loa bắt đầu muộn nên chỉ phát phần còn lại."),
    "preempted": _("Nhường cho bản tin ưu tiên hơn."),
    "policy": _("Nằm ngoài khung giờ được phát của địa bàn."),
    "muted": _("Cụm loa đang được tắt tiếng."),
    "device_error": _("Thiết bị gặp lỗi khi phát. Hãy báo kỹ thuật viên."),
    "amplifier_fault": _(
        "Tăng âm không bật được. Hãy báo kỹ thuật viên kiểm tra tăng âm và rơ-le."
    ),
    "amplifier_busy": _(
        "Tăng âm đang được thôn dùng (micro hoặc đài FM), nên không phát chen vào."
    ),
    "offline_unknown": _(
        "Chưa nhận được báo cáo của cụm loa. Khi có mạng trở lại, cụm loa sẽ tự báo kết quả thật."
    ),
    "unknown_kind": _("Phần mềm của cụm loa quá cũ để phát nội dung này. Hãy cập nhật phần mềm."),
    "store_lost": _("Bộ nhớ của cụm loa đã bị thay hoặc hỏng nên không rõ đã phát chưa."),
    "withdrawn": _("Bản tin đã bị thu hồi trước giờ phát."),
    "cancelled": _("Lệnh phát khẩn cấp đã được hủy."),
    "operator": _("Có người dừng phát."),
    "not_understood": _(
        "Phần mềm của máy chủ quá cũ để hiểu báo cáo này của cụm loa. Hãy cập nhật máy chủ."
    ),
}

STATUSES: Words = {
    "pending": _("Chờ duyệt"),
    "approved": _("Đã duyệt"),
    "rejected": _("Trả lại"),
    "withdrawn": _("Đã thu hồi"),
    "paused": _("Tạm dừng"),
}

STATUS_LOOKS: dict[str, str] = {
    "pending": "warn",
    "approved": "good",
    "rejected": "calm",
    "withdrawn": "calm",
    "paused": "calm",
}

CLASSES: Words = {
    "normal": _("Bản tin thông thường"),
    "priority": _("Bản tin ưu tiên"),
    "emergency": _("Bản tin khẩn cấp"),
}

ROLES: Words = {
    "viewer": _("Người xem"),
    "village_head": _("Trưởng thôn"),
    "editor": _("Biên tập viên"),
    "approver": _("Người duyệt"),
    "technician": _("Kỹ thuật viên"),
    "administrator": _("Quản trị"),
}

# The languages clips come in; a tag that is not here is shown as it is.
LANGUAGES: Words = {
    "vi": _("Tiếng Việt"),
    "en": _("Tiếng Anh"),
    "tyz": _("Tiếng Tày"),
    "nut": _("Tiếng Nùng"),
    "hmn": _("Tiếng Mông"),
    "mtq": _("Tiếng Mường"),
    "tai": _("Tiếng Thái"),
    "ium": _("Tiếng Dao"),
    "km": _("Tiếng Khmer"),
    "jra": _("Tiếng Gia Rai"),
    "rad": _("Tiếng Ê Đê"),
    "bdq": _("Tiếng Ba Na"),
    "cjm": _("Tiếng Chăm"),
}

# What befell a cluster, and the look of the line.
EVENTS: Words = {
    "came": _("Kết nối lại"),
    "went": _("Mất kết nối"),
    "restarted": _("Khởi động lại"),
    "clock_lost": _("Đồng hồ hết đáng tin"),
    "clock_found": _("Đồng hồ đáng tin trở lại"),
    "trouble": _("Báo lỗi"),
    "well": _("Hết lỗi"),
}
EVENT_LOOKS: dict[str, str] = {
    "came": "good",
    "went": "bad",
    "restarted": "warn",
    "clock_lost": "warn",
    "clock_found": "good",
    "trouble": "bad",
    "well": "good",
}
BOOTS: Words = {
    "power": _("mất điện"),
    "reboot": _("được ra lệnh"),
    "watchdog": _("máy treo, tự khởi động"),
    "crash": _("chương trình dừng đột ngột"),
    "restart": _("chương trình khởi động lại"),
    "first": _("lần chạy đầu"),
}
ORDERS: Words = {
    "stop": _("Dừng phát"),
    "play": _("Phát thử"),
    "mute": _("Tắt tiếng"),
    "volume": _("Âm lượng"),
    "restart": _("Khởi động lại"),
    "resync": _("Đồng bộ lại"),
    "log_tail": _("Lấy nhật ký thiết bị"),
    "self_test": _("Tự kiểm tra"),
}
ORDER_STATES: Words = {
    "waiting": _("Đang chờ trả lời"),
    "done": _("Đã làm"),
    "failed": _("Không làm được"),
    "unanswered": _("Không trả lời"),
}
ORDER_LOOKS: dict[str, str] = {
    "waiting": "warn",
    "done": "good",
    "failed": "bad",
    "unanswered": "calm",
}

# What the audit log says; an action that is not here is shown as it is.
ACTIONS: Words = {
    "area.create": _("thêm địa bàn"),
    "area.update": _("sửa địa bàn"),
    "area.stop": _("dừng phát hoặc tắt tiếng"),
    "area.mute": _("tắt hoặc bật tiếng"),
    "clip.upload": _("tải bản tin lên"),
    "clip.approve": _("duyệt bản tin"),
    "clip.reject": _("trả lại bản tin"),
    "clip.withdraw": _("thu hồi bản tin"),
    "emergency.begin": _("ra lệnh phát khẩn cấp"),
    "emergency.confirm": _("xác nhận phát khẩn cấp"),
    "emergency.cancel": _("hủy lệnh phát khẩn cấp"),
    "feedback.give": _("ghi phản ánh của bà con"),
    "node.create": _("thêm cụm loa"),
    "node.update": _("sửa cụm loa"),
    "node.retire": _("ngừng dùng cụm loa"),
    "node.card": _("sửa thông tin tại chỗ của cụm loa"),
    "node.note": _("ghi sổ sửa chữa"),
    "node.fault": _("báo hỏng"),
    "node.zones": _("chọn lịch cho vùng loa"),
    "backup.make": _("sao lưu"),
    "backup.take": _("tải bản sao lưu về"),
    "alert.add": _("thêm nơi nhận cảnh báo"),
    "alert.remove": _("bỏ nơi nhận cảnh báo"),
    "node.claim_code": _("lấy mã kích hoạt"),
    "node.order": _("ra lệnh cho cụm loa"),
    "schedule.create": _("tạo lịch phát"),
    "schedule.update": _("sửa lịch phát"),
    "schedule.approve": _("duyệt lịch phát"),
    "schedule.reject": _("trả lại lịch phát"),
    "schedule.pause": _("tạm dừng lịch phát"),
    "schedule.resume": _("cho lịch phát tiếp"),
    "schedule.delete": _("xóa lịch phát"),
    "schedule.move": _("chuyển giờ một lượt phát"),
    "schedule.leave_out": _("bỏ một lượt phát"),
    "token.create": _("tạo mã truy cập API"),
    "user.create": _("tạo tài khoản"),
    "user.update": _("sửa tài khoản"),
    "user.area_add": _("giao thêm địa bàn"),
    "user.area_remove": _("bớt địa bàn"),
    "user.lock": _("khóa tài khoản"),
    "user.unlock": _("mở khóa tài khoản"),
    "user.link": _("tạo liên kết đặt mật khẩu"),
    "user.password": _("đặt mật khẩu"),
    "user.factor_on": _("bật xác thực hai bước"),
    "user.factor_off": _("tắt xác thực hai bước"),
    "user.recovery": _("đăng nhập bằng mã dự phòng"),
    "user.session_end": _("đăng xuất một máy"),
    "setting.earshot": _("đổi tầm nghe của loa"),
    "setting.factor": _("đổi quy định xác thực hai bước"),
    "token.revoke": _("thu hồi mã truy cập API"),
}


def topic(number: int) -> str:
    """The content area's name."""
    return str(TOPICS[number])


def outcome(code: str | None) -> str:
    """How an airing ended on a node; empty while it is on the air."""
    return str(OUTCOMES[code or ""])


def reason(code: str) -> str:
    """Why, in plain words; a code a newer node sends is shown as it is."""
    return str(REASONS.get(code, code)) if code else ""


def speech(tag: str) -> str:
    """The name of a spoken language."""
    return str(LANGUAGES.get(tag, tag))


def install(app: Flask) -> None:
    """Give templates these words."""
    app.jinja_env.filters.update(topic=topic, outcome=outcome, reason=reason, speech=speech)
    app.jinja_env.filters["reason_short"] = lambda code: reason_word(code, language())
    app.jinja_env.filters["outcome_look"] = lambda code: OUTCOME_LOOKS[code or ""]
    app.jinja_env.filters["status"] = lambda code: str(STATUSES[code])
    app.jinja_env.filters["status_look"] = STATUS_LOOKS.__getitem__
    app.jinja_env.filters["bulletin"] = lambda code: str(CLASSES[code])
    app.jinja_env.filters["action"] = lambda code: str(ACTIONS.get(code, code))
    app.jinja_env.filters["role"] = lambda code: str(ROLES[code])
    app.jinja_env.filters["event"] = lambda code: str(EVENTS[code])
    app.jinja_env.filters["event_look"] = EVENT_LOOKS.__getitem__
    app.jinja_env.filters["boot"] = lambda code: str(BOOTS.get(code, code))
    app.jinja_env.filters["order"] = lambda code: str(ORDERS.get(code, code))
    app.jinja_env.filters["order_state"] = lambda code: str(ORDER_STATES[code])
    app.jinja_env.filters["order_look"] = ORDER_LOOKS.__getitem__
    app.jinja_env.globals["TOPICS"] = TOPICS
    app.jinja_env.globals["LANGUAGES"] = LANGUAGES
    app.jinja_env.globals["OUTCOMES"] = OUTCOMES
