"""Blobs on disk, named by their SHA-256: visible only when whole, and so never in doubt.

blobs/<aa>/<sha256>          a clip or a day page, as delivered
parts/<sha256>.part, .map    one under way, and which chunks of it are held
pcm/<sha256>.pcm, .json      a clip decoded for playing, with the hash of the sound
"""

import contextlib
import errno
import hashlib
import logging
import os
from pathlib import Path

from device.durable import remove, sync_directory, write_whole
from protocol.chunks import Bitmap, chunk_count, chunk_span

log = logging.getLogger(__name__)


class BlobStore:
    """The delivered files. Nothing here knows what a blob is for."""

    def __init__(self, directory: Path) -> None:
        self._blobs = directory / "blobs"
        self._parts = directory / "parts"
        for folder in (self._blobs, self._parts):
            folder.mkdir(parents=True, exist_ok=True)
        self._held = self._found()

    def _found(self) -> dict[str, int]:
        """What is there, oldest first; what cannot be read is fetched again."""
        found = []
        try:
            for path in self._blobs.glob("??/*"):
                if len(path.name) == 64:
                    stat = path.stat()
                    found.append((stat.st_mtime, path.name, stat.st_size))
        except OSError as error:
            log.error("not all blobs can be read: %s", error)
        return {name: size for _, name, size in sorted(found)}

    def path(self, sha256: str) -> Path:
        return self._blobs / sha256[:2] / sha256

    def holds(self, sha256: str) -> bool:
        return sha256 in self._held

    def held(self) -> dict[str, int]:
        """sha256 → bytes of everything that is whole."""
        return dict(self._held)

    def load(self, sha256: str) -> bytes | None:
        """The bytes of a small blob; None, and dropped, when they are not what the name says."""
        if sha256 not in self._held:
            return None
        try:
            content = self.path(sha256).read_bytes()
        except OSError as error:
            log.error("blob %s cannot be read: %s", sha256[:12], error)
            content = b""
        if hashlib.sha256(content).hexdigest() != sha256:
            self.remove(sha256)
            return None
        return content

    def remove(self, sha256: str) -> None:
        self._held.pop(sha256, None)
        remove(self.path(sha256))

    def begin(self, sha256: str, size_bytes: int) -> "Download":
        """Take up a download where it was left, or start it. Raises OSError (disk full)."""
        return Download(self, self._parts, sha256, size_bytes)

    def stick_part(self, sha256: str) -> Path:
        """Where a blob is gathered that comes by USB stick."""
        return self._parts / f"{sha256}.stick"

    def forget_parts(self, keep: set[str]) -> None:
        """Drop unfinished downloads nobody wants any more."""
        for path in self._parts.iterdir():
            if path.name.partition(".")[0] not in keep:
                remove(path)

    def adopt(self, sha256: str, part: Path, size_bytes: int) -> None:
        """Make a whole, synced `part` visible. Raises OSError: then it is not held."""
        final = self.path(sha256)
        if not final.parent.exists():
            self._make_folder(final.parent)
        part.replace(final)
        sync_directory(final.parent)
        self._held[sha256] = size_bytes

    def _make_folder(self, folder: Path) -> None:
        folder.mkdir()
        try:
            sync_directory(self._blobs)
        except OSError:
            folder.rmdir()  # or its name would never be synced
            raise


class Download:
    """One blob under way: chunks written in place, a bitmap beside it."""

    def __init__(self, store: BlobStore, folder: Path, sha256: str, size_bytes: int) -> None:
        self.sha256 = sha256
        self.size_bytes = size_bytes
        self._store = store
        self._part = folder / f"{sha256}.part"
        self._map = folder / f"{sha256}.map"
        count = chunk_count(size_bytes)
        resumable = self._part.exists() and self._part.stat().st_size == size_bytes
        known = self._map.read_bytes() if resumable and self._map.exists() else b""
        self.bitmap = Bitmap(count, known)
        self._file = os.open(self._part, os.O_RDWR | os.O_CREAT, 0o644)
        self._dirty = False
        try:
            # Reserve the room now: a full disk is better found here than in the middle.
            os.posix_fallocate(self._file, 0, size_bytes)
        except OSError as error:
            if error.errno not in {errno.EOPNOTSUPP, errno.EINVAL}:
                self.discard()
                raise
            os.ftruncate(self._file, size_bytes)

    def write(self, index: int, chunk: bytes) -> bool:
        """Take a chunk; False when it has the wrong size. Raises OSError."""
        offset, length = chunk_span(self.size_bytes, index)
        if len(chunk) != length:
            return False
        if index not in self.bitmap:
            os.pwrite(self._file, chunk, offset)
            self.bitmap.add(index)
            self._dirty = True
        return True

    def save(self) -> None:
        """Make what is held so far survive a power cut (call about once a second)."""
        if self._dirty:
            os.fdatasync(self._file)
            write_whole(self._map, self.bitmap.to_bytes())
            self._dirty = False

    def finish(self) -> bool:
        """Hash the whole; make it visible, or start over when it is not what its name says.

        Raises OSError: after a refused sync nobody knows which bytes are on the disk, so that
        nothing of it counts as held any more.
        """
        try:
            return self._finish()
        except OSError:
            self.discard()
            raise

    def _finish(self) -> bool:
        digest = hashlib.sha256()
        offset = 0
        while block := os.pread(self._file, 1 << 20, offset):
            digest.update(block)
            offset += len(block)
        if digest.hexdigest() != self.sha256:
            log.warning("blob %s arrived damaged; it is fetched again", self.sha256[:12])
            self.bitmap = Bitmap(self.bitmap.count)
            self._map.unlink(missing_ok=True)
            return False
        os.fsync(self._file)
        self._store.adopt(self.sha256, self._part, self.size_bytes)
        self.close()
        with contextlib.suppress(OSError):
            self._map.unlink(missing_ok=True)
        return True

    def discard(self) -> None:
        """Close it, and leave nothing of it."""
        self.close()
        for path in (self._map, self._part):
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
