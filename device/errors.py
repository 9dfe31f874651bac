"""What can go wrong on a node.

NodeError
├── ConfigError     a setting is wrong; `problems` lists every mistake         (also ValueError)
├── StoreDamaged    a file the node keeps is not what was written; rebuilt, and reported
├── SinkError       the sound device refused or vanished; `retryable` says whether to open it again,
│                   `fatal` that only a new process can
└── AmplifierError  the amplifier's pin cannot be driven
"""

from collections.abc import Sequence


class NodeError(Exception):
    """Anything a node itself can fail at."""


class ConfigError(NodeError, ValueError):
    """Settings that cannot be used; `problems` has one sentence per mistake."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


class StoreDamaged(NodeError):
    """A file of the node's own cannot be trusted any more."""


class SinkError(NodeError, OSError):
    """The sound device does not take sound."""

    def __init__(self, message: str, *, retryable: bool = True, fatal: bool = False) -> None:
        super().__init__(message)
        self.retryable = retryable
        self.fatal = fatal


class AmplifierError(NodeError):
    """The amplifier's pin cannot be used."""
