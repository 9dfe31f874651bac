"""What every durable write here needs: a full disk said in words, and folders synced."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from audio_library.errors import AudioError


@contextmanager
def disk_space() -> Iterator[None]:
    """Turn "no space", "quota" and "file too large" into AudioError("disk_full")."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise AudioError("disk_full") from error
        raise


def sync_folder(folder: Path) -> None:
    """Make a new or changed name in this folder outlive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
