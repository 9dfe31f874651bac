"""Listening before anything airs: a whole programme, a typed text read out, an original to cut.

What is made here is kept nowhere for long: it can be made again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from audio_library.assembly import Part, preview, share_copy
from audio_library.ingest import Outline, outline
from audio_library.speech import speak
from audio_library.store import Store
from controller.languages import FALLBACK
from controller.models import Approval, ClipVersion
from controller.planning.programmes import Loaded, Spoken, load, of_schedule

__all__ = [
    "Part",
    "Read",
    "load",
    "of_original",
    "of_parts",
    "of_schedule",
    "of_text",
    "original_outline",
    "programme_parts",
    "read_out",
]

_KEPT_S = 3600.0
_LONG_MS = 600_000


@dataclass(frozen=True, slots=True)
class Read:
    """A text read out for the ear of its author: how it was understood, and for how long."""

    sha256: str
    duration_ms: int
    spoken: str


def read_out(folder: Path, text: str, language: str, now: datetime) -> Read:
    """Read a text out into `folder`, a store of its own that is swept. Raises AudioError."""
    scratch = Store(folder)
    scratch.collect((), _KEPT_S, now.timestamp())
    made = speak(text, language, scratch)
    return Read(made.sha256, made.duration_ms, made.spoken_text)


def of_text(folder: Path, sha256: str) -> Path:
    """Where `read_out` put it. Raises StoreCorrupt when it has been swept."""
    scratch = Store(folder)
    scratch.open(sha256).close()
    return scratch.path(sha256)


def original_outline(store: Store, version: ClipVersion) -> Outline:
    """The waveform and the length of the recording as it came. Raises AudioError."""
    return outline(version.source_sha256, store)


def of_original(store: Store, version: ClipVersion) -> Path:
    """The recording as it came, in a form every browser plays. Raises AudioError.

    To write an hour anew takes a minute; a long MP3 is played as it is.
    """
    if version.source_format == "mp3" and version.duration_ms > _LONG_MS:
        store.open(version.source_sha256).close()
        return store.path(version.source_sha256)
    return share_copy(version.source_sha256, store, "mp3")


def programme_parts(loaded: Loaded, at: datetime) -> list[Part]:
    """Tune and clips one after another, as a cluster would splice them; empty: nothing sounds.

    What still waits for approval is heard too: that is what the approver decides on.
    """
    parts = [Part(loaded.tune.sha256)] if loaded.tune else []
    for item in loaded.items:
        version = _heard(item.spoken, at)
        if version is not None:
            parts.append(Part(version.sha256, item.times, item.gap_ms))
    return parts if len(parts) > bool(loaded.tune) else []


def of_parts(store: Store, parts: Sequence[Part]) -> Path:
    """The programme as one file every browser plays, made once. Raises AudioError."""
    return preview(parts, store)


def _heard(spoken: Sequence[Spoken], at: datetime) -> ClipVersion | None:
    """The newest usable recording, in the common language where there is one."""
    first = sorted(spoken, key=lambda each: each.clip.language != FALLBACK)
    for each in first:
        waiting = [v for v in each.versions if v.status == Approval.PENDING]
        found = waiting[:1] + each.approved(at)
        if found:
            return found[0]
    return None
