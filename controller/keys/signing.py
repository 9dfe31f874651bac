"""The keys the service signs with: the first one made at its first start, readable by nobody else.

Only the service reads them. Nodes are given the public halves when they are set up, so losing these
files means visiting every node: they belong into the backup.

A key is replaced in two steps with time between them. `rotate` makes the next one: from then on
everything is signed by both, and the trust document names both. `finish` lets the next one take
over: the one before is no longer trusted, and signs nothing but trust documents, for nodes that
were away all the while.
"""

import os
import stat
from collections.abc import Sequence
from pathlib import Path

from controller.errors import Conflict, ControllerError
from protocol.keys import SigningKey

_RETIRED_KEPT = 4  # an envelope has eight signatures at most


class Keyring:
    """The keys in a folder: `controller.key`, perhaps `controller.next.key`, and retired ones."""

    def __init__(self, path: Path | None, current: SigningKey | None = None) -> None:
        self._path = path
        self._current = current
        self._next: SigningKey | None = None
        self._retired: list[SigningKey] = []
        self.reload()

    @classmethod
    def of(cls, key: SigningKey) -> "Keyring":
        """A ring of one key that is in no file."""
        return cls(None, key)

    @property
    def current(self) -> SigningKey:
        assert self._current is not None
        return self._current

    @property
    def signing(self) -> list[SigningKey]:
        """Who signs what is said: the current key, and the next one while they overlap."""
        return [self.current, *([self._next] if self._next else [])]

    @property
    def vouching(self) -> list[SigningKey]:
        """Who signs trust documents: those who were trusted once, too."""
        return [*self.signing, *self._retired]

    def reload(self) -> None:
        """Read the folder anew. Raises ControllerError for an unsafe file."""
        if self._path is None:
            return
        self._current = load_or_create(self._path)
        following = _next_path(self._path)
        self._next = load_or_create(following) if following.exists() else None
        files = sorted(self._path.parent.glob(f"{self._path.stem}.retired-*.key"))
        retired = [load_or_create(file) for file in reversed(files)]
        # Each once: `finish` cut off and run again leaves the same key twice.
        others = {key.raw: key for key in retired if key not in self.signing}
        self._retired = list(others.values())[:_RETIRED_KEPT]

    def rotate(self) -> SigningKey:
        """Make the next key; the one that waits already, if there is one."""
        assert self._path is not None
        made = load_or_create(_next_path(self._path))
        self.reload()
        return made

    def finish(self) -> SigningKey:
        """The next key takes over. Raises Conflict when there is none."""
        assert self._path is not None
        if self._next is None:
            raise Conflict(
                "no_next_key",
                "Chưa có khoá mới: hãy chạy «loalang keys rotate» trước.",
                "There is no next key: run 'loalang keys rotate' first.",
            )
        count = len(list(self._path.parent.glob(f"{self._path.stem}.retired-*.key")))
        kept = self._path.with_name(f"{self._path.stem}.retired-{count + 1:03}.key")
        # A power cut between the two leaves the old key in both places, which does no harm.
        os.link(self._path, kept)
        _next_path(self._path).replace(self._path)
        _sync(self._path.parent)
        self.reload()
        return self.current


def public_keys(path: Path) -> Sequence[str]:
    """What a new node is given: the current key and, during a rotation, the next one."""
    return [key.verify_key.hex for key in Keyring(path).signing]


def may_read(path: Path) -> bool:
    """Whether this process may read the key, or make it where there is none yet.

    The pages of an installation with two users may not: the service signs for them.
    """
    if os.access(path, os.F_OK):
        return os.access(path, os.R_OK)
    folder = next(each for each in path.parents if os.access(each, os.F_OK))
    return os.access(folder, os.W_OK | os.X_OK)


def load_or_create(path: Path) -> SigningKey:
    """The key in `path` (64 hex digits, mode 0600). Raises ControllerError for an unsafe file."""
    if not path.exists():
        return _create(path)
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise ControllerError(
            "open_key",
            f"Tệp khoá ký {path} đang cho người khác đọc: hãy chạy «chmod 600 {path}».",
            f"The signing key {path} can be read by others: run 'chmod 600 {path}'.",
        )
    try:
        return SigningKey.from_hex(path.read_text(encoding="ascii"))
    except ValueError as error:
        raise ControllerError(
            "bad_key",
            f"Tệp khoá ký {path} bị hỏng: hãy khôi phục từ bản sao lưu.",
            f"The signing key {path} is damaged: restore it from the backup.",
        ) from error


def _create(path: Path) -> SigningKey:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    key = SigningKey.generate()
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(key.raw.hex() + "\n")
        file.flush()
        os.fsync(descriptor)
    # Whoever came first made the key: a link, unlike a rename, does not replace it.
    try:
        os.link(part, path)
    except FileExistsError:
        return load_or_create(path)
    finally:
        part.unlink()
    _sync(path.parent)
    return key


def _next_path(path: Path) -> Path:
    return path.with_name(f"{path.stem}.next.key")


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
