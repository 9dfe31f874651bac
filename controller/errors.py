"""What the controller refuses, each with a sentence in both languages and a remedy.

ControllerError          status, code, vi, en, retryable
├── NotFound     404     no such thing, or not within the user's areas (the two look alike)
├── NotAllowed   403     the role may not do this
├── BadInput     422     `errors`: field → sentence
├── Conflict     409     policy or a clash forbids it; `conflicts` names each airing
└── NotBuilt     501     in the contract, not built yet
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar


class ControllerError(Exception):
    """Base of all; `vi` and `en` are one sentence each that says what to do."""

    status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False

    def __init__(self, code: str, vi: str, en: str) -> None:
        super().__init__(en)
        self.code = code
        self.vi = vi
        self.en = en

    def sentence(self, language: str) -> str:
        return self.en if language == "en" else self.vi


class NotFound(ControllerError):
    """There is no such thing within the user's areas."""

    status = 404

    def __init__(self, what: str = "") -> None:
        super().__init__(
            "not_found",
            "Không tìm thấy mục này. Hãy quay lại danh sách và chọn lại.",
            f"There is no such {what or 'item'}. Go back to the list and choose again.",
        )


class NotAllowed(ControllerError):
    """The user's role, or a two-people rule, does not allow it."""

    status = 403


class BadInput(ControllerError):
    """Something entered cannot be used; `errors` maps a field to its sentence (vi, en)."""

    status = 422

    def __init__(self, errors: Mapping[str, tuple[str, str]]) -> None:
        vi, en = next(iter(errors.values()))
        super().__init__("bad_input", vi, en)
        self.errors = dict(errors)


class Conflict(ControllerError):
    """Policy or a clash forbids it; `conflicts` has one entry per airing and rule."""

    status = 409

    def __init__(
        self, code: str, vi: str, en: str, conflicts: Sequence[Mapping[str, Any]] = ()
    ) -> None:
        super().__init__(code, vi, en)
        self.conflicts = list(conflicts)
