"""Anything an official sends in, one clean voice out: the way into the library.

check the size → keep the original → master it in the confined worker → keep the clip. Nothing is
visible before it is whole, and the original stays, so that every edit starts from it again.
"""

import json
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

from audio_library import sandbox
from audio_library.disk import disk_space
from audio_library.errors import AudioError
from audio_library.remarks import Warning_
from audio_library.settings import DELIVERY_RATE_HZ, MASTERING, HornClass, Limits, Trim
from audio_library.store import Store


@dataclass(frozen=True, slots=True)
class Ingested:
    """A clip ready for villages.

    sha256, bytes     the delivery file: Ogg Opus, 48 kHz mono
    duration_ms       rounded; `frames` (at 48 kHz) is exact
    peaks             outline for the page: up to 600 levels, 0–100
    source_*          the untouched original, also in the store; its format by content
    start_ms, end_ms  what part of the original the clip holds
    text, spoken_text what was typed and how it was read, where the clip was made from text
    """

    sha256: str
    bytes: int
    duration_ms: int
    frames: int
    loudness_lufs: float
    true_peak_dbtp: float
    warnings: tuple[Warning_, ...]
    peaks: tuple[int, ...]
    source_sha256: str
    source_format: str
    source_duration_ms: int
    start_ms: int
    end_ms: int
    text: str = ""
    spoken_text: str = ""


@dataclass(frozen=True, slots=True)
class Outline:
    """The waveform of an original (up to 600 levels, 0-100) and its length."""

    peaks: tuple[int, ...]
    duration_ms: int


def ingest(
    source: Path,
    store: Store,
    *,
    horn: HornClass = HornClass.STANDARD,
    limits: Limits = Limits(),  # noqa: B008 (frozen)
    progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    trim: Trim | None = None,
) -> Ingested:
    """Check, level and encode one recording, and store it with its original.

    `progress` hears shares from 0 to 1, `cancelled` is asked ten times a second. Raises
    AudioError; nothing of a refused file stays in the store.
    """
    with _opened(source) as file:
        _check_size(file, limits)
        return master(
            file,
            store,
            horn=horn,
            limits=limits,
            progress=progress,
            cancelled=cancelled,
            trim=trim,
        )


def edit(
    source_sha256: str,
    store: Store,
    *,
    trim: Trim | None,
    horn: HornClass = HornClass.STANDARD,
    limits: Limits = Limits(),  # noqa: B008 (frozen)
    progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Ingested:
    """Make the clip again from its stored original; `trim=None` undoes every edit."""
    with store.open(source_sha256) as file:
        return master(
            file,
            store,
            horn=horn,
            limits=limits,
            progress=progress,
            cancelled=cancelled,
            trim=trim,
        )


def outline(source_sha256: str, store: Store) -> Outline:
    """What a stored original looks like, to choose a cut on; an hour is read through only once."""
    cached = store.derived_path(f"{source_sha256}-outline", "json")
    if store.has_derived(cached):
        with suppress(OSError, ValueError, KeyError):
            return _outline(json.loads(cached.read_bytes()))
    with store.open(source_sha256) as file:
        made = sandbox.run("outline", {}, [(file, "rb")], limits=Limits())
    # A full disk may not keep anybody from looking.
    with suppress(AudioError), store.incoming() as file:
        with disk_space():
            file.write(json.dumps(made).encode())
        store.keep_derived(file, cached)
    return _outline(made)


def _outline(made: dict[str, Any]) -> Outline:
    return Outline(tuple(made["peaks"]), made["duration_ms"])


def master(
    file: BinaryIO,
    store: Store,
    *,
    horn: HornClass,
    limits: Limits,
    progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    trim: Trim | None = None,
) -> Ingested:
    """The same for an open file; tunes and speech come this way. Raises AudioError."""
    arguments = {
        "shape": asdict(MASTERING[horn]),
        "limits": asdict(limits),
        "trim": asdict(trim) if trim else None,
    }
    with store.incoming() as spool, store.incoming() as target:
        files = [(file, "rb"), (spool, "r+b"), (target, "r+b")]
        made = sandbox.run(
            "master", arguments, files, limits=limits, progress=progress, cancelled=cancelled
        )
        # The original first: a clip without it could never be edited again.
        source_sha256 = store.keep_copy(file)
        sha256 = store.keep(target)
    if progress is not None:
        progress(1.0)
    frames = made["frames"]
    return Ingested(
        sha256=sha256,
        bytes=store.size_bytes(sha256),
        duration_ms=round(frames * 1000 / DELIVERY_RATE_HZ),
        frames=frames,
        loudness_lufs=made["loudness_lufs"],
        true_peak_dbtp=made["true_peak_dbtp"],
        warnings=tuple(Warning_(**found) for found in made["warnings"]),
        peaks=tuple(made["peaks"]),
        source_sha256=source_sha256,
        source_format=made["source_format"],
        source_duration_ms=made["source_ms"],
        start_ms=made["start_ms"],
        end_ms=made["end_ms"],
    )


def _opened(source: Path) -> BinaryIO:
    """The file itself: never a pipe, device or folder, and never waiting for one to answer."""
    try:
        descriptor = os.open(source, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise AudioError("not_a_file") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise AudioError("not_a_file")
    return os.fdopen(descriptor, "rb")


def _check_size(file: BinaryIO, limits: Limits) -> None:
    size = os.fstat(file.fileno()).st_size
    if size == 0:
        raise AudioError("empty")
    if size > limits.max_bytes:
        raise AudioError("too_large", most=limits.max_bytes // 1_000_000)
