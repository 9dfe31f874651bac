"""The content store: each file is named by the SHA-256 of its bytes and is visible only when whole.

Layout: `root/<first two hex>/<sha256>`. Bytes first go to an anonymous file (`O_TMPFILE`), are
fsynced and then linked to their name, so a killed process leaves nothing behind. Where the file
system has no anonymous files, a hidden `.part` file takes their place and `collect` sweeps it.
"""

import fcntl
import hashlib
import os
import secrets
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from audio_library.disk import disk_space, sync_folder
from audio_library.errors import StoreCorrupt

_CHUNK_BYTES = 1 << 20
_HEX = frozenset("0123456789abcdef")


class Store:
    """Sound files by hash. Safe for several processes at once; holds no state but what it verified.

    `root` is made when missing. All sizes are bytes. Raises AudioError("disk_full") when a write
    finds no space; nothing is visible then.
    """

    def __init__(self, root: Path) -> None:
        self.root = Path(root)
        self.root.mkdir(parents=True, exist_ok=True)
        # sha256 → (mtime_ns, size, inode) of the file whose content was seen to be right.
        self._verified: dict[str, tuple[int, int, int]] = {}

    def put_file(self, path: Path) -> str:
        """Copy a file in and return its hash; a file already held is stored once."""
        with Path(path).open("rb") as source:
            return self.keep_copy(source)

    def put_bytes(self, data: bytes) -> str:
        """Store bytes and return their hash."""
        with self.incoming() as incoming:
            with disk_space():
                incoming.write(data)
            return self.keep(incoming)

    def keep_copy(self, source: BinaryIO) -> str:
        """Store all of an open file; one that is already held is only read."""
        sha256 = _hash(source)
        if self._used_again(sha256, os.fstat(source.fileno()).st_size):
            return sha256
        source.seek(0)
        with self.incoming() as incoming:
            with disk_space():
                shutil.copyfileobj(source, incoming, _CHUNK_BYTES)
            return self.keep(incoming)

    @contextmanager
    def incoming(self) -> Iterator[BinaryIO]:
        """A nameless file on the store's disk; it vanishes unless `keep` gives it its name."""
        with disk_space():
            handle, leftover = _nameless(self.root)
        try:
            with handle:
                yield handle
        finally:
            if leftover:
                leftover.unlink(missing_ok=True)

    def keep(self, incoming: BinaryIO) -> str:
        """Give a file from `incoming` its name: hash, fsync, link, fsync the folder."""
        with disk_space():
            incoming.flush()
            sha256 = _hash(incoming)
            target = self.path(sha256)
            if self._used_again(sha256, os.fstat(incoming.fileno()).st_size):
                return sha256
            os.fsync(incoming.fileno())
            _make_folder(target.parent)
            _link(incoming, target)
            sync_folder(target.parent)
        return sha256

    def derived_path(self, key: str, suffix: str) -> Path:
        """Where something that can be made again (a preview, a copy to share) is cached."""
        return self.root / "derived" / f"{key}.{suffix}"

    def has_derived(self, path: Path) -> bool:
        """Whether it is cached; its grace time then starts anew, and no sweep comes between."""
        with _locked(self.root, fcntl.LOCK_SH), suppress(FileNotFoundError):
            return _touched(path)
        return False

    def keep_derived(self, incoming: BinaryIO, path: Path) -> Path:
        """Give a file from `incoming` a name from `derived_path`, whole or not at all."""
        with disk_space():
            incoming.flush()
            os.fsync(incoming.fileno())
            _make_folder(path.parent)
            _link(incoming, path)
        return path

    def path(self, sha256: str) -> Path:
        """Where that content lives, whether or not it is there. ValueError for what is no hash."""
        if len(sha256) != 64 or not _HEX.issuperset(sha256):
            raise ValueError(f"not a SHA-256: {sha256!r}")
        return self.root / sha256[:2] / sha256

    def has(self, sha256: str) -> bool:
        """Whether a file of that name is there (`open` says whether it is right)."""
        return self.path(sha256).is_file()

    def open(self, sha256: str) -> BinaryIO:
        """The content, verified on the first read of this file. Raises StoreCorrupt."""
        try:
            handle = self.path(sha256).open("rb")
        except FileNotFoundError as error:
            raise StoreCorrupt(sha256) from error
        try:
            self._verify(sha256, handle)
        except BaseException:
            handle.close()
            raise
        return handle

    def size_bytes(self, sha256: str) -> int:
        """Bytes of that content. Raises StoreCorrupt when it is not held."""
        try:
            return self.path(sha256).stat().st_size
        except FileNotFoundError as error:
            raise StoreCorrupt(sha256) from error

    def free_bytes(self) -> int:
        """Space the store's disk still offers to this user."""
        return shutil.disk_usage(self.root).free

    def used_bytes(self) -> int:
        """Space the stored files take, with what can be made again."""
        derived = (self.root / "derived").glob("*")
        return sum(_size_bytes(path) for files in (self._files(), derived) for path in files)

    def hashes(self) -> list[str]:
        """Every hash held, sorted."""
        return sorted(path.name for path in self._files())

    def collect(self, keep: Collection[str], older_than_s: float, now_s: float) -> list[str]:
        """Remove files that are neither in `keep` nor younger than the grace time.

        `now_s` is Unix time. Returns the hashes removed. Left-over `.part` files of killed
        processes go by the same grace time.
        """
        kept, removed = frozenset(keep), []
        for path in sorted(self.root.glob("*/*")) + sorted(self.root.glob(".*.part")):
            with suppress(FileNotFoundError), _locked(self.root, fcntl.LOCK_EX):
                if path.name in kept or now_s - path.stat().st_mtime < older_than_s:
                    continue
                path.unlink()
                if _is_hash(path.name):
                    self._verified.pop(path.name, None)
                    removed.append(path.name)
        return removed

    def _files(self) -> Iterator[Path]:
        return (path for path in self.root.glob("??/*") if _is_hash(path.name))

    def _used_again(self, sha256: str, size_bytes: int) -> bool:
        """Whether it is held whole; its grace time then starts anew, and no sweep comes between.

        A damaged file under the right name must not keep the good one out.
        """
        with _locked(self.root, fcntl.LOCK_SH):
            try:
                with self.open(sha256) as held:
                    whole = os.fstat(held.fileno()).st_size == size_bytes
            except StoreCorrupt:
                return False
            return whole and _touched(self.path(sha256))

    def _verify(self, sha256: str, handle: BinaryIO) -> None:
        status = os.fstat(handle.fileno())
        seen = (status.st_mtime_ns, status.st_size, status.st_ino)
        if self._verified.get(sha256) == seen:
            return
        if _hash(handle) != sha256:
            raise StoreCorrupt(sha256)
        handle.seek(0)
        self._verified[sha256] = seen


def _touched(path: Path) -> bool:
    """Start the grace time anew; False for another user's file, which is then made again."""
    try:
        os.utime(path)
    except PermissionError:
        return False
    return True


def _is_hash(name: str) -> bool:
    return len(name) == 64 and _HEX.issuperset(name)


def _size_bytes(path: Path) -> int:
    """Nothing for one that a sweep removed in the meantime."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _hash(handle: BinaryIO) -> str:
    handle.seek(0)
    digest = hashlib.sha256()
    while chunk := handle.read(_CHUNK_BYTES):
        digest.update(chunk)
    return digest.hexdigest()


def _nameless(root: Path) -> tuple[BinaryIO, Path | None]:
    try:
        return os.fdopen(os.open(root, os.O_TMPFILE | os.O_RDWR, 0o640), "w+b"), None
    except OSError:  # a file system without O_TMPFILE (some network and FUSE ones)
        path = root / f".{secrets.token_hex(8)}.part"
        return path.open("x+b"), path


@contextmanager
def _locked(root: Path, how: int) -> Iterator[None]:
    """Hold the store's folder, shared to use a file again, alone to remove one."""
    descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with suppress(OSError):  # some network file systems have no locks
            fcntl.flock(descriptor, how)
        yield
    finally:
        os.close(descriptor)


def _link(incoming: BinaryIO, target: Path) -> None:
    """Give the file its name; one that is there already (damaged, or a cached copy) is replaced."""
    os.fchmod(incoming.fileno(), 0o440)
    with suppress(OSError):  # taken, no /proc, or a file that has a name of its own
        _name(incoming, target)
        return
    beside = target.parent.parent / f".{secrets.token_hex(8)}.part"
    try:
        _name(incoming, beside)
    except OSError:  # no /proc, or a named `.part`: copy
        _copy(incoming, beside)
    try:
        beside.chmod(0o440)
        beside.replace(target)
    except OSError:
        beside.unlink(missing_ok=True)
        raise


def _name(incoming: BinaryIO, path: Path) -> None:
    """linkat(2) with AT_SYMLINK_FOLLOW. Python calls link(2), which does not, without a folder."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.link(f"/proc/self/fd/{incoming.fileno()}", path, src_dir_fd=folder, follow_symlinks=True)
    finally:
        os.close(folder)


def _copy(incoming: BinaryIO, beside: Path) -> None:
    incoming.seek(0)
    try:
        with beside.open("xb") as copy:
            shutil.copyfileobj(incoming, copy, _CHUNK_BYTES)
            copy.flush()
            os.fsync(copy.fileno())
    except OSError:
        beside.unlink(missing_ok=True)
        raise


def _make_folder(folder: Path) -> None:
    if not folder.is_dir():
        folder.mkdir(exist_ok=True)
        sync_folder(folder.parent)
