"""What to try next at a cluster: from what it says and what befell it, the likeliest first."""

from datetime import datetime, timedelta
from typing import Any

from controller.fleet.nodes import NodeView
from web import troubles
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
    known = [*_of_power(view, restarts), *troubles.remedies(view.problems), *_of_device(view)]
    return list(dict.fromkeys([*found, *known]))


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
        found.append(str(troubles.POWER))
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
            str(troubles.CLOCK),
        ),
        (weak, _("Sóng yếu: đưa ăng-ten lên cao, đổi hướng, hoặc dùng sim mạng khác.")),
        (hot is not None and hot > _HOT_C, str(troubles.HEAT)),
        (worn is not None and worn > _WORN_PCT, str(troubles.WORN)),
        (free is not None and 0 < free < _LOW_BYTES, str(troubles.ROOM)),
        (
            status.get("outbox", 0) > _MANY_REPORTS,
            _("Nhiều báo cáo chờ gửi: mạng chậm hoặc chập chờn; chờ thêm, hoặc chép bằng USB."),
        ),
    )
    return [text for holds, text in known if holds]
