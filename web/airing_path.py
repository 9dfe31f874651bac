"""The words for one airing's path to one cluster (see `controller.outcomes.airing_path`)."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from controller.models import Playback
from controller.outcomes import airing_path
from controller.outcomes.airing_path import Step, StepCode
from controller.outcomes.playbacks import PlaybackView
from web.filters import length, number
from web.i18n import _


@dataclass(frozen=True, slots=True)
class Line:
    """A step in words; `more` is what was measured at it."""

    text: str
    step: Step
    more: str = ""


def lines(session: Session, view: PlaybackView) -> list[Line]:
    """In the order in which they happen when all goes well."""
    return [
        Line(_word(step.code), step, _measured(step.code, view.playback))
        for step in airing_path.steps(session, view)
    ]


def _word(code: StepCode) -> str:
    return {
        StepCode.APPROVED: _("được duyệt"),
        StepCode.PUBLISHED: _("lịch được gửi đi"),
        StepCode.RECEIVED: _("cụm loa nhận lịch"),
        StepCode.READY: _("cụm loa đủ bản tin"),
        StepCode.ANNOUNCED: _("cụm loa báo sắp phát"),
        StepCode.PLANNED: _("giờ hẹn"),
        StepCode.AMPLIFIER_ON: _("bật tăng âm"),
        StepCode.FIRST_FRAME: _("bắt đầu có tiếng"),
        StepCode.END: _("hết tiếng"),
        StepCode.AMPLIFIER_OFF: _("tắt tăng âm"),
        StepCode.ACKNOWLEDGED: _("máy chủ nhận và xác nhận báo cáo"),
    }[code]


def _measured(code: StepCode, row: Playback) -> str:
    if code is StepCode.FIRST_FRAME and row.start_error_ms is not None:
        return _("lệch %(ms)s ms", ms=number(row.start_error_ms, 1))
    if code is StepCode.END and row.heard_ms is not None:
        return _("micrô nghe được %(length)s", length=length(row.heard_ms))
    return ""
