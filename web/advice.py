"""What to try next at a cluster: from what it says and what befell it, the likeliest first."""

from datetime import datetime, timedelta
from typing import Any

from controller.fleet.nodes import NodeView
from web.i18n import _, ngettext

_HOT_C = 75
_WEAK_DBM = -80
_WEAK_PCT = 25
_WORN_PCT = 80
_LOW_BYTES = 300_000_000
_MANY_REPORTS = 100
_MANY_RESTARTS = 3


def steps(view: NodeView, restarts: int, now: datetime) -> list[str]:
    """Sentences, each one thing to do. `restarts`: how often it started anew in seven days."""
    if view.device_id is None:
        return [_("Chưa có thiết bị. Lấy mã kích hoạt, ghi vào tệp trên thẻ nhớ rồi cấp điện.")]
    found = [] if view.online else [_silent(view, now)]
    return [*found, *_of_power(view, restarts), *_of_device(view)]


def _silent(view: NodeView, now: datetime) -> str:
    if view.last_seen_at is not None and now - view.last_seen_at < timedelta(hours=2):
        return _("Gọi người giữ chìa khóa: hỏi còn điện không, đèn thiết bị có sáng không.")
    return _(
        "Đến tại chỗ: xem cầu dao, ổ cắm, bộ nguồn; rồi xem sim còn tiền không, điện thoại có sóng "
        "không. Rút điện 10 giây rồi cắm lại."
    )


def _of_power(view: NodeView, restarts: int) -> list[str]:
    board: dict[str, Any] = view.status.get("board") or {}
    found = []
    if board.get("under_voltage") or board.get("power_was_low"):
        found.append(_("Nguồn yếu: thay bộ nguồn 5 V 3 A và dây nguồn ngắn, dày."))
    if restarts >= _MANY_RESTARTS:
        found.append(
            ngettext(
                "Khởi động lại %(num)d lần trong 7 ngày: tìm chỗ điện chập chờn, lắp bộ lưu điện.",
                "Khởi động lại %(num)d lần trong 7 ngày: tìm chỗ điện chập chờn, lắp bộ lưu điện.",
                restarts,
            )
        )
    return found


def _of_device(view: NodeView) -> list[str]:
    status, board = view.status, view.status.get("board") or {}
    hot = board.get("temperature_c")
    dbm, pct = board.get("signal_dbm"), board.get("signal_pct")
    weak = (dbm is not None and dbm < _WEAK_DBM) or (pct is not None and pct < _WEAK_PCT)
    worn, free = board.get("card_life_pct"), status.get("free_bytes")
    absent = [zone.zone for zone in view.zones if not zone.told] if status.get("zones") else []
    known = (
        (
            bool(absent),
            _(
                "Vùng loa %(zones)s không có trên thiết bị: sửa tên ở trang này hoặc trong tệp cài "
                "đặt của thiết bị.",
                zones=", ".join(absent),
            ),
        ),
        (
            bool(view.clock) and not (view.clock or {}).get("trusted"),
            _("Đồng hồ chưa đáng tin: chờ có mạng vài phút; nếu vẫn thế, thay pin đồng hồ."),
        ),
        (
            "not_heard" in view.problems,
            _("Máy đã phát nhưng micrô không nghe thấy: xem dây loa, công tắc tăng âm và loa."),
        ),
        (
            "microphone" in view.problems,
            _("Micrô không hoạt động: xem dây micrô và tên thẻ âm thanh của micrô."),
        ),
        (
            "other_version" in view.problems or "not_understood" in view.problems,
            _("Phần mềm máy này không đọc được lệnh của máy chủ: hãy cập nhật phần mềm."),
        ),
        (weak, _("Sóng yếu: đưa ăng-ten lên cao, đổi hướng, hoặc dùng sim mạng khác.")),
        (
            hot is not None and hot > _HOT_C,
            _("Thiết bị nóng: lau bụi, mở khe thoáng, tránh nắng chiếu thẳng vào hộp."),
        ),
        (
            worn is not None and worn > _WORN_PCT,
            _("Thẻ nhớ sắp hết tuổi thọ: chuẩn bị thẻ mới và thay trong tháng này."),
        ),
        (
            free is not None and 0 < free < _LOW_BYTES,
            _("Thẻ nhớ gần đầy: thay thẻ lớn hơn, hoặc báo biên tập viên bớt bản tin cũ."),
        ),
        (
            status.get("outbox", 0) > _MANY_REPORTS,
            _("Nhiều báo cáo chờ gửi: mạng chậm hoặc chập chờn; chờ thêm, hoặc chép bằng USB."),
        ),
    )
    return [text for holds, text in known if holds]
