"""Outcomes and reasons in people's words, short enough for a cell of a sheet."""

from typing import Final

from protocol.outcomes import Outcome, Reason

OUTCOMES: Final[dict[str, tuple[str, str]]] = {
    Outcome.PLAYED: ("đã phát xong", "played"),
    Outcome.PARTIAL: ("phát chưa hết", "partly played"),
    Outcome.INTERRUPTED: ("bị gián đoạn", "interrupted"),
    Outcome.MISSED: ("không phát được", "failed to play"),
    Outcome.SKIPPED: ("bỏ qua", "skipped"),
    Outcome.STOPPED: ("đã dừng", "stopped"),
}
ON_AIR: Final = ("đang phát", "on air")
REASONS: Final[dict[str, tuple[str, str]]] = {
    Reason.NONE: ("", ""),
    Reason.CLIP_MISSING: ("chưa tải đủ bản tin", "clip not yet fetched"),
    Reason.CLOCK_UNTRUSTED: ("đồng hồ chưa tin được", "clock not trusted"),
    Reason.POWERED_OFF: ("mất điện hoặc máy dừng", "power cut or switched off"),
    Reason.TOO_LATE: ("sẵn sàng quá muộn", "ready too late"),
    Reason.LATE_START: ("bắt đầu muộn", "started late"),
    Reason.PREEMPTED: ("nhường bản tin ưu tiên", "gave way to a higher class"),
    Reason.POLICY: ("ngoài khung giờ được phát", "outside permitted hours"),
    Reason.MUTED: ("đang tắt tiếng", "muted"),
    Reason.DEVICE_ERROR: ("lỗi thiết bị", "device fault"),
    Reason.AMPLIFIER_FAULT: ("lỗi tăng âm", "amplifier fault"),
    Reason.AMPLIFIER_BUSY: ("tăng âm đang dùng tại chỗ", "amplifier in local use"),
    Reason.OFFLINE_UNKNOWN: ("mất kết nối, chưa rõ", "disconnected, not known"),
    Reason.UNKNOWN_KIND: ("phần mềm quá cũ", "software too old"),
    Reason.STORE_LOST: ("bộ nhớ bị thay", "storage lost"),
    Reason.WITHDRAWN: ("bản tin đã thu hồi", "clip withdrawn"),
    Reason.CANCELLED: ("lệnh phát đã hủy", "order cancelled"),
    Reason.OPERATOR: ("có người dừng", "stopped by somebody"),
    Reason.NOT_UNDERSTOOD: ("máy chủ quá cũ để hiểu", "server too old to understand"),
}


_HEARING: Final[dict[bool | None, tuple[str, str]]] = {
    None: ("không có micrô", "no microphone"),
    True: ("nghe được", "heard"),
    False: ("loa không vang", "not heard"),
}


def outcome_word(outcome: str | None, language: str) -> str:
    """What became of an airing; None while it is on the air."""
    return _in(OUTCOMES.get(outcome, (outcome, outcome)) if outcome else ON_AIR, language)


def reason_word(reason: str, language: str) -> str:
    """Why; a reason this version does not know stays as it came."""
    return _in(REASONS.get(reason, (reason, reason)), language)


def hearing_word(heard: bool | None, language: str) -> str:
    """Whether the microphone at the horns heard it; None where there is none."""
    return _in(_HEARING[heard], language)


def _in(words: tuple[str, str], language: str) -> str:
    vi, en = words
    return en if language == "en" else vi
