"""Which blobs stand on the broker, in a small file that a power cut leaves readable.

What comes and goes is appended: a province has forty thousand pages on its broker, and one edit
changes thirty of them.
"""

import json
import logging
import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TextIO, cast

from protocol.chunks import MAX_BLOB_BYTES

_log = logging.getLogger(__name__)
_SLACK = 1000  # superseded lines that may lie about


class FileLedger:
    """Lines of JSON objects sha256 → bytes, 0 for what is gone; a later line counts.

    What is damaged counts as absent: chunks expire by themselves.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[str, int] = {}
        self._entries = 0  # in the file, those superseded included
        self._is_torn = True  # until read, or written anew

    def read(self) -> dict[str, int]:
        """SHA-256 → bytes."""
        self._known, self._entries, self._is_torn = {}, 0, False
        try:
            text = self._path.read_text(encoding="ascii")
        except FileNotFoundError:
            return {}
        except (OSError, ValueError):
            self._note_damage()
            return {}
        for line in text.splitlines():
            self._take(line)
        self._is_torn |= not text.endswith("\n")
        return dict(self._known)

    def note(self, added: Mapping[str, int], gone: Collection[str] = ()) -> None:
        """Blobs that stand there since, and such as do no longer."""
        changes = {**added, **dict.fromkeys(gone, 0)}
        self._entries += len(changes)
        self._apply(changes)
        if self._is_torn or self._entries > 2 * len(self._known) + _SLACK:
            self._write_anew()
            return
        with _opened(self._path, "a") as file:
            _put(file, changes)

    def _take(self, line: str) -> None:
        try:
            found = json.loads(line)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            self._note_damage()
            return
        self._entries += len(found)
        self._apply(
            {
                sha256: size
                for sha256, size in found.items()
                if isinstance(size, int) and 0 <= size <= MAX_BLOB_BYTES
            }
        )

    def _apply(self, changes: Mapping[str, int]) -> None:
        for sha256, size in changes.items():
            if size:
                self._known[sha256] = size
            else:
                self._known.pop(sha256, None)

    def _note_damage(self) -> None:
        self._is_torn = True
        _log.warning(
            "%s cannot be read whole; old chunks leave the broker when they expire", self._path
        )

    def _write_anew(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        part = self._path.with_name(self._path.name + ".part")
        with _opened(part, "w") as file:
            _put(file, self._known)
        part.replace(self._path)
        self._entries, self._is_torn = len(self._known), False


def _opened(path: Path, mode: str) -> TextIO:
    """Not for the group to write, whatever the umask: the pages are in it."""

    def opener(name: str, flags: int) -> int:
        return os.open(name, flags, 0o640)

    return cast(TextIO, open(path, mode, encoding="ascii", opener=opener))


def _put(file: TextIO, changes: Mapping[str, int]) -> None:
    json.dump(changes, file, sort_keys=True)
    file.write("\n")
    file.flush()
    os.fsync(file.fileno())
