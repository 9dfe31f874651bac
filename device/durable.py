"""Writing what must survive a power cut at any instant.

Two ways: a whole file replaced (`write_whole`), and a tiny record kept in two copies that are
overwritten in turn (`TwoCopies`), which needs no free space and two device writes.
"""

import contextlib
import errno
import json
import logging
import os
import zlib
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

_BLOCK = 4096


def is_full(error: OSError | None) -> bool:
    """Whether the disk refused for want of room; otherwise it fails."""
    return error is not None and error.errno in (errno.ENOSPC, errno.EDQUOT)


def sync_directory(path: Path) -> None:
    """Make the names in directory `path` survive a power cut."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remove(path: Path) -> None:
    """Delete a file that may be there; a disk that refuses is told of, and no more."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        log.error("%s cannot be removed: %s", path, error)


def write_whole(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Replace `path` so that a reader finds the old content or the new, never a mixture.

    Raises OSError (disk full, I/O error) with the old file untouched.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".tmp")
    try:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    sync_directory(path.parent)


class TwoCopies:
    """A small JSON object in two files, `<path>.a` and `<path>.b`, each with a CRC.

    Every save overwrites the older copy in place and syncs it: a torn write costs only that copy,
    and a full disk cannot refuse it once both exist.
    """

    def __init__(self, path: Path) -> None:
        self._paths = (path.with_name(path.name + ".a"), path.with_name(path.name + ".b"))
        self.generation = 0  # grows with every save; a caller may raise it above another pair's
        self.damaged = 0  # copies found unreadable at load, for the node's status

    def load(self) -> dict[str, Any] | None:
        """The newest readable content, or None when there is none. Raises OSError."""
        found: list[tuple[int, dict[str, Any]]] = []
        self.damaged = 0
        unreadable: OSError | None = None
        for path in self._paths:
            try:
                raw = path.read_bytes() if path.exists() else b""
            except OSError as error:
                unreadable, raw = error, b"?"
            record = _decode(raw)
            if record is None:
                self.damaged += bool(raw)
            else:
                found.append(record)
        if not found and unreadable:
            raise unreadable  # it may be there again at the next start
        if not found:
            return None
        self.generation, content = max(found, key=lambda record: record[0])
        return content

    def save(self, content: dict[str, Any]) -> None:
        """Make `content` durable. Raises OSError."""
        generation = self.generation + 1
        path = self._paths[generation % 2]
        new = not path.exists()
        if new:
            path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            os.pwrite(handle, _encode(generation, content), 0)
            os.fdatasync(handle)
        finally:
            os.close(handle)
        if new:
            sync_directory(path.parent)
        self.generation = generation


def _encode(generation: int, content: dict[str, Any]) -> bytes:
    body = json.dumps([generation, content], separators=(",", ":")).encode()
    line = b"%08x %d " % (zlib.crc32(body), len(body)) + body
    # Whole blocks: what a longer content left behind is out of the length's reach.
    return line.ljust(-(-len(line) // _BLOCK) * _BLOCK, b"\n")


def _decode(raw: bytes) -> tuple[int, dict[str, Any]] | None:
    try:
        crc, length, rest = raw.split(b" ", 2)
        body = rest[: int(length)]
        if len(body) != int(length) or zlib.crc32(body) != int(crc, 16):
            return None
        generation, content = json.loads(body)
    except (ValueError, TypeError):
        return None
    if not isinstance(generation, int) or not isinstance(content, dict):
        return None
    return generation, content
