"""A USB stick that stands in for the link: the same signed messages and blobs, as files.

    loalang-pack/dn/<name>.msg             said to nodes: the topic, a line feed, the envelope
    loalang-pack/blob/<sha256>             clips and day pages, whole
    loalang-pack/up/<device_id>/<name>.msg said by that node

Nothing on a stick is trusted for being there: a message counts only as far as its signature goes,
a blob only when its hash is one that a signed document names. What cannot be read is passed over.
"""

import contextlib
import hashlib
import itertools
import os
import re
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from protocol.envelope import MAX_BYTES
from protocol.topics import parse

ROOT = "loalang-pack"
_MOST_FILES = 20_000
_LONGEST_TOPIC = 300
_BLOCK = 1 << 20
_NAME = re.compile(r"[0-9a-f]{64}")
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
# A config says which areas concern a node, and so comes before what concerns them.
_ORDER = {"config": 0, "schedule": 1, "state": 2, "ack": 3}

Said = tuple[str, bytes]  # topic, envelope


class Pack:
    """The folder `loalang-pack` on a stick. Methods that write raise OSError."""

    def __init__(self, stick: Path) -> None:
        self.root = stick / ROOT

    @property
    def there(self) -> bool:
        return self.root.is_dir() and not self.root.is_symlink()

    # --- messages -----------------------------------------------------------------------------

    def say_down(self, topic: str, envelope: bytes) -> Path:
        """Keep the newest envelope of a topic; several with one topic replace each other."""
        return _write(self.root / "dn" / self.name_of(topic), _line(topic) + envelope)

    @staticmethod
    def name_of(topic: str) -> str:
        """The file that what is said on a topic is in."""
        return hashlib.sha256(topic.encode()).hexdigest()[:24] + ".msg"

    def said_down(self) -> list[Said]:
        """What is said to nodes, in the order in which it makes sense."""
        return sorted(_messages(self.root / "dn"), key=lambda said: (_rank(said[0]), said[0]))

    def keep_down(self, names: set[str]) -> None:
        """Remove what is said to nodes but for the files of these names."""
        for path in _files(self.root / "dn"):
            if path.name not in names:
                path.unlink()

    def say_up(self, device_id: str, name: str, topic: str, envelope: bytes) -> Path:
        return _write(self.root / "up" / device_id / f"{name}.msg", _line(topic) + envelope)

    def said_up(self) -> Iterator[Said]:
        """What nodes said: whoever reads it checks that the topic is the signer's."""
        for folder in _folders(self.root / "up"):
            yield from _messages(folder)

    def forget_up(self, device_id: str) -> None:
        """Remove what a node said before; it says again what is still owed."""
        if _ID.fullmatch(device_id):
            shutil.rmtree(self.root / "up" / device_id, ignore_errors=True)

    def speakers(self) -> list[str]:
        """The devices that left something."""
        return [folder.name for folder in _folders(self.root / "up")]

    # --- blobs --------------------------------------------------------------------------------

    def holds(self, sha256: str, size_bytes: int) -> bool:
        """Whether a file of that name and size is there; its content is not looked at."""
        path = self.root / "blob" / sha256
        try:
            found = path.lstat()
        except OSError:
            return False
        return stat.S_ISREG(found.st_mode) and found.st_size == size_bytes

    def put_blob(self, sha256: str, content: Iterator[bytes]) -> Path:
        path = self.root / "blob" / sha256
        return _write_all(path, content)

    def blobs(self) -> dict[str, int]:
        """sha256 → bytes of the files that are there."""
        return {
            path.name: path.lstat().st_size
            for path in _files(self.root / "blob")
            if _NAME.fullmatch(path.name)
        }

    def drop_blob(self, sha256: str) -> None:
        (self.root / "blob" / sha256).unlink(missing_ok=True)

    def copy_blob(self, sha256: str, size_bytes: int, target: Path) -> bool:
        """Copy a blob to `target`, synced. False, and nothing left, when it is not what it says.

        Raises OSError when the stick goes or the disk is full; then nothing is left either.
        """
        digest = hashlib.sha256()
        copied = 0
        try:
            with _opened(self.root / "blob" / sha256) as source, target.open("wb") as file:
                while copied <= size_bytes and (block := os.read(source, _BLOCK)):
                    file.write(block)
                    digest.update(block)
                    copied += len(block)
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            target.unlink(missing_ok=True)
            raise
        if copied == size_bytes and digest.hexdigest() == sha256:
            return True
        target.unlink(missing_ok=True)
        return False


def _messages(folder: Path) -> Iterator[Said]:
    for path in _files(folder):
        if path.suffix != ".msg":
            continue
        try:
            with _opened(path) as source:
                raw = os.read(source, MAX_BYTES + _LONGEST_TOPIC + 2)
        except OSError:
            continue
        line, newline, envelope = raw.partition(b"\n")
        topic = line.decode("ascii", "replace")
        if newline and parse(topic) is not None and len(envelope) <= MAX_BYTES:
            yield topic, envelope


def _files(folder: Path) -> list[Path]:
    """Plain files only: no link leads out of the stick, no pipe makes a reader wait."""
    return [entry for entry in _entries(folder) if stat.S_ISREG(entry.lstat().st_mode)]


def _folders(folder: Path) -> list[Path]:
    found = [entry for entry in _entries(folder) if stat.S_ISDIR(entry.lstat().st_mode)]
    return [entry for entry in found if _ID.fullmatch(entry.name)]


def _entries(folder: Path) -> list[Path]:
    if folder.is_symlink() or not folder.is_dir():
        return []
    with os.scandir(folder) as listing:
        return sorted(Path(entry.path) for entry in itertools.islice(listing, _MOST_FILES))


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[int]:
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        yield handle
    finally:
        os.close(handle)


def _rank(topic: str) -> int:
    return _ORDER.get(topic.rpartition("/")[2], -1)  # keys and the like come first of all


def _line(topic: str) -> bytes:
    return topic.encode("ascii") + b"\n"


def _write(path: Path, content: bytes) -> Path:
    return _write_all(path, iter([content]))


def _write_all(path: Path, content: Iterator[bytes]) -> Path:
    """Whole or not at all, also when the stick is pulled; FAT has no links but can rename."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".tmp")
    try:
        with temporary.open("wb") as file:
            for block in content:
                file.write(block)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    return path
