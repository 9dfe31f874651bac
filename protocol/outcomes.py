"""The one list of outcomes and reasons: how an airing on a node ended, and why.

Every airing × node ends in exactly one `Outcome`; a `Reason` says why it is not plain `played`.
"""

from enum import StrEnum


class Outcome(StrEnum):
    """How one airing ended on one node."""

    PLAYED = "played"
    PARTIAL = "partial"
    INTERRUPTED = "interrupted"
    MISSED = "missed"
    SKIPPED = "skipped"
    STOPPED = "stopped"


class Reason(StrEnum):
    """Why an airing did not simply play; empty for `played`."""

    NONE = ""
    CLIP_MISSING = "clip_missing"
    CLOCK_UNTRUSTED = "clock_untrusted"
    POWERED_OFF = "powered_off"
    TOO_LATE = "too_late"
    LATE_START = "late_start"
    PREEMPTED = "preempted"
    POLICY = "policy"
    MUTED = "muted"
    DEVICE_ERROR = "device_error"
    AMPLIFIER_FAULT = "amplifier_fault"
    AMPLIFIER_BUSY = "amplifier_busy"
    OFFLINE_UNKNOWN = "offline_unknown"
    UNKNOWN_KIND = "unknown_kind"
    STORE_LOST = "store_lost"
    WITHDRAWN = "withdrawn"
    CANCELLED = "cancelled"
    OPERATOR = "operator"
    NOT_UNDERSTOOD = "not_understood"  # the controller's own: a report of a later version


class Problem(StrEnum):
    """What is wrong with a node now, as its status says it."""

    CLOCK_UNTRUSTED = "clock_untrusted"
    SOUND_DEVICE = "sound_device"
    AMPLIFIER_FAULT = "amplifier_fault"
    AMPLIFIER_BUSY = "amplifier_busy"
    TAMPER = "tamper"
    STORAGE_FAULT = "storage_fault"
    STORAGE_FULL = "storage_full"
    STORAGE_LOW = "storage_low"
    NOT_UNDERSTOOD = "not_understood"
    CLIP_UNUSABLE = "clip_unusable"
    COUNTERS_LOST = "counters_lost"
    MUTED_HERE = "muted_here"
    UNBOUND = "unbound"
    NOT_HEARD = "not_heard"
    MICROPHONE = "microphone"
    UNDER_VOLTAGE = "under_voltage"
    TOO_HOT = "too_hot"
    CARD_WORN = "card_worn"
    OTHER_VERSION = "other_version"  # the controller's own: it speaks no version that we do


class ReportKind(StrEnum):
    """What a node's report tells."""

    STARTED = "started"
    CHECKPOINT = "checkpoint"
    FINISHED = "finished"
    SUMMARY = "summary"  # many that were too old or too many to keep; `detail` has the counts
    UNKNOWN = "unknown"  # never said: how a reader takes a kind of a later version


class AiringClass(StrEnum):
    """The three classes of bulletin of Circular 39/2020/TT-BTTTT."""

    NORMAL = "normal"
    PRIORITY = "priority"
    EMERGENCY = "emergency"


class Origin(StrEnum):
    """Where a sound comes from; nothing leaves a horn without one."""

    SCHEDULE = "schedule"
    EMERGENCY = "emergency"
    TEST = "test"
    LIVE = "live"
    RELAY = "relay"


class PartKind(StrEnum):
    """What a part of a programme is. A node reports `unknown_kind` for one it cannot play."""

    CLIP = "clip"
    LIVE = "live"
    RELAY = "relay"


class CommandVerb(StrEnum):
    """What a command may ask of a node; `args` are text.

    `stop` (args: none) · `play` (the command's airing) · `mute` (`until`: RFC 3339, empty lifts
    it) · `volume` (`pct`) · `restart` · `resync` · `log_tail` (`lines`) · `self_test`.
    """

    STOP = "stop"
    PLAY = "play"
    MUTE = "mute"
    VOLUME = "volume"
    RESTART = "restart"
    RESYNC = "resync"
    LOG_TAIL = "log_tail"
    SELF_TEST = "self_test"
