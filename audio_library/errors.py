"""Every refusal of this library: a stable code and one sentence in two languages.

AudioError              anything below; `code`, `vi`, `en`, `retryable` are what callers read
├── StoreCorrupt        a stored file no longer matches its hash (also an OSError)
└── PackRefused         a clip pack that is not whole or not trusted

The sentences themselves stand in `audio_library.sentences`.
"""

from audio_library.sentences import REFUSALS


class AudioError(Exception):
    """A refusal. `code` is stable; `vi` and `en` are one sentence each that says what to do.

    `retryable` is true when the same file may succeed later (disk full, timeout, cancelled).
    """

    def __init__(self, code: str, **facts: object) -> None:
        refusal = REFUSALS[code]
        self.code = code
        self.facts = facts
        self.vi = refusal.vi.format(**facts)
        self.en = refusal.en.format(**facts)
        self.retryable = refusal.retryable
        super().__init__(self.en)


class StoreCorrupt(AudioError, OSError):
    """A file of the store is missing or its content is not what its name says."""

    def __init__(self, sha256: str) -> None:
        super().__init__("store_corrupt", sha256=sha256[:12])


class PackRefused(AudioError, ValueError):
    """A clip pack that is cut off, altered, or signed by nobody we trust."""
