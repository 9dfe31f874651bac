"""The key the service signs with: made at its first start, readable by nobody else.

Only the service reads it. Nodes are given the public half when they are set up, so losing this
file means visiting every node: it belongs into the backup.
"""

import os
import stat
from pathlib import Path

from controller.errors import ControllerError
from protocol.keys import SigningKey


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
        key = SigningKey.from_hex(path.read_text(encoding="ascii"))
        _ = key.verify_key  # a key cut short shows itself here, not at the first message
        return key
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


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
