"""Which blobs stand on the broker, in a small file that a power cut leaves whole."""

import json
import logging
import os
from pathlib import Path

from protocol.chunks import MAX_BLOB_BYTES

_log = logging.getLogger(__name__)


class FileLedger:
    """A JSON object sha256 → bytes. A damaged file counts as empty: chunks expire by themselves."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> dict[str, int]:
        try:
            found = json.loads(self._path.read_text(encoding="ascii"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError):
            _log.warning(
                "%s cannot be read; old chunks leave the broker when they expire", self._path
            )
            return {}
        return {
            sha256: size
            for sha256, size in (found.items() if isinstance(found, dict) else ())
            if isinstance(size, int) and 0 < size <= MAX_BLOB_BYTES
        }

    def write(self, blobs: dict[str, int]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        part = self._path.with_name(self._path.name + ".part")
        with part.open("w", encoding="ascii") as file:
            json.dump(blobs, file, sort_keys=True)
            file.flush()
            os.fsync(file.fileno())
        part.replace(self._path)
