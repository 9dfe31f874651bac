"""What can be wrong with something that arrived.

ProtocolError
├── Malformed      the bytes are not the message they claim to be        (also ValueError)
└── Refused        well formed, but not to be obeyed; `reason` says why
"""

from enum import StrEnum


class RefusalReason(StrEnum):
    """Why a well-formed message is not obeyed; counted by these names on both sides."""

    UNKNOWN_KEY = "unknown_key"
    BAD_SIGNATURE = "bad_signature"
    TOO_FEW_SIGNATURES = "too_few_signatures"
    WRONG_TYPE = "wrong_type"
    WRONG_SITE = "wrong_site"
    WRONG_AUDIENCE = "wrong_audience"
    REPLAYED = "replayed"
    EXPIRED = "expired"
    NOT_FRESH = "not_fresh"


class ProtocolError(Exception):
    """Anything wrong with a message from the other side."""


class Malformed(ProtocolError, ValueError):
    """The bytes cannot be read as the message expected there."""


class Refused(ProtocolError):
    """The message is readable and must not be obeyed."""

    def __init__(self, reason: RefusalReason, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else str(reason))
        self.reason = reason
