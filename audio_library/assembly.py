"""Programmes put together: their exact length, the preview of what villages will hear, tunes,
and copies to share.

The node splices the signed list of parts itself; what is rendered here is the same splice for
the page, and the ready parts (tunes, alert tones) that go into it. pydub does the splicing, in
the worker, one part at a time.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from audio_library import sandbox
from audio_library.errors import AudioError
from audio_library.ingest import Ingested, master
from audio_library.settings import HornClass, Limits
from audio_library.store import Store
from audio_library.tune_names import TUNES

__all__ = [
    "TUNES",
    "Part",
    "preview",
    "programme_length_ms",
    "share_copy",
    "signature_tune",
]

_VERSION = 2  # of the splice: a change makes cached previews stale
_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Part:
    """One stored clip of a programme: played `times` times, each followed by `gap_ms` of silence.

    The gap after the programme's very last sound is left out. `gain_db` is added to the clip.
    """

    sha256: str
    times: int = 1
    gap_ms: int = 0
    gain_db: float = 0.0


def programme_length_ms(parts: Sequence[Part], durations_ms: Mapping[str, int]) -> int:
    """The programme's length; `durations_ms` by sha256. KeyError for a clip it does not know."""
    if not parts:
        return 0
    whole = sum(part.times * (durations_ms[part.sha256] + part.gap_ms) for part in parts)
    return whole - parts[-1].gap_ms


def preview(
    parts: Sequence[Part],
    store: Store,
    *,
    volume_db: float = 0.0,
    fmt: str = "mp3",
    progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Path:
    """The whole programme as one file a browser plays (mp3, m4a or opus), made once and cached.

    The path is inside the store, so a page can serve it with range requests. Raises AudioError.
    """
    if not parts:
        raise AudioError("nothing_to_play")
    what = {"parts": [asdict(part) for part in parts], "volume_db": volume_db, "fmt": fmt}
    files = sorted({part.sha256 for part in parts})
    return _derived("preview", what, files, fmt, store, progress, cancelled)


def share_copy(sha256: str, store: Store, fmt: str = "mp3") -> Path:
    """A clip as a plain file to send on by Zalo: "mp3" or "m4a"; made once and cached."""
    what = {"parts": [asdict(Part(sha256))], "volume_db": 0.0, "fmt": fmt}
    return _derived("preview", what, [sha256], fmt, store, None, None)


def signature_tune(name: str, store: Store, *, horn: HornClass = HornClass.STANDARD) -> Ingested:
    """Render one of `TUNES` and store it as a clip. Raises AudioError("unknown_tune")."""
    if name not in TUNES:
        raise AudioError("unknown_tune", name=name, known=", ".join(TUNES))
    with store.incoming() as wave:
        sandbox.run("tune", {"name": name}, [(wave, "r+b")], limits=_LIMITS)
        made = master(wave, store, horn=horn, limits=_LIMITS)
    return replace(made, warnings=())  # that a tune is mostly music is no news


def _derived(
    kind: str,
    what: dict[str, object],
    sha256s: list[str],
    fmt: str,
    store: Store,
    progress: Callable[[float], None] | None,
    cancelled: Callable[[], bool] | None,
) -> Path:
    if fmt not in ("mp3", "m4a", "opus"):
        raise ValueError(f"no such format to share: {fmt!r}")
    recipe = json.dumps([kind, _VERSION, what], sort_keys=True).encode()
    path = store.derived_path(hashlib.sha256(recipe).hexdigest(), fmt)
    if store.has_derived(path):
        return path
    with ExitStack() as held:
        target = held.enter_context(store.incoming())
        sources = [(held.enter_context(store.open(sha256)), "rb") for sha256 in sha256s]
        arguments = {**what, "sha256s": sha256s}
        sandbox.run(
            kind,
            arguments,
            [(target, "r+b"), *sources],
            limits=_LIMITS,
            progress=progress,
            cancelled=cancelled,
        )
        return store.keep_derived(target, path)
