"""Pages for what went wrong: what happened, and what to do now."""

import logging

from flask import Flask, render_template, request
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import HTTPException

from controller.errors import ControllerError
from controller.words import AudioError
from web.forms import CSRFError
from web.i18n import _, sentence

_log = logging.getLogger(__name__)


def install(app: Flask) -> None:
    """Answer refusals and accidents with a page in the visitor's language."""
    app.register_error_handler(ControllerError, _refused)
    app.register_error_handler(AudioError, _sound_refused)
    app.register_error_handler(CSRFError, _stale_form)
    app.register_error_handler(OperationalError, _busy)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(500, _accident)


def _page(status: int, heading: str, text: str) -> tuple[str, int]:
    name = "errors/fragment.html" if request.headers.get("HX-Request") else "errors/page.html"
    return render_template(name, status=status, heading=heading, text=text), status


def _refused(error: ControllerError) -> tuple[str, int]:
    headings = {404: _("Không tìm thấy"), 403: _("Bạn chưa được giao việc này")}
    return _page(error.status, headings.get(error.status, _("Chưa làm được")), sentence(error))


def _sound_refused(error: AudioError) -> tuple[str, int]:
    return _page(503 if error.retryable else 422, _("Chưa làm được"), sentence(error))


def _stale_form(_error: CSRFError) -> tuple[str, int]:
    return _page(
        400,
        _("Trang này đã cũ"),
        _("Hãy quay lại, tải lại trang rồi gửi lần nữa. Chưa có gì thay đổi."),
    )


def _busy(error: OperationalError) -> tuple[str, int]:
    _log.error("the database did not answer: %s", error)
    return _page(
        503,
        _("Máy chủ đang bận"),
        _("Hãy đợi một phút rồi thử lại. Lịch đã duyệt vẫn phát đúng giờ."),
    )


def _http(error: HTTPException) -> tuple[str, int]:
    status = error.code or 500
    texts = {
        404: (_("Không tìm thấy"), _("Trang này không có. Hãy chọn một mục ở thanh bên dưới.")),
        405: (_("Chưa làm được"), _("Hãy quay lại trang trước rồi bấm nút trên trang.")),
        413: (
            _("Tệp quá lớn"),
            _("Tệp này lớn hơn mức cho phép. Hãy cắt ngắn hoặc chọn tệp khác."),
        ),
        429: (
            _("Thử quá nhiều lần"),
            _("Hãy đợi vài phút rồi thử lại. Quên mật khẩu thì báo quản trị."),
        ),
    }
    heading, text = texts.get(
        status, (_("Chưa làm được"), _("Hãy quay lại trang trước rồi thử lại."))
    )
    return _page(status, heading, text)


def _accident(_error: Exception) -> tuple[str, int]:
    return _page(
        500,
        _("Có trục trặc ở máy chủ"),
        _("Hãy thử lại sau ít phút. Lịch đã duyệt vẫn phát đúng giờ; nếu còn lỗi, báo quản trị."),
    )
