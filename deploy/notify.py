"""The readiness protocol of systemd, both ways: what our children say, and what we say above us."""

import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from controller.sd_notify import notify as say

__all__ = ["Notices", "say"]


class Notices:
    """A socket for children's `READY=1` and `WATCHDOG=1`, for as long as a `with` lasts."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.ready = False
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)

    def __enter__(self) -> "Notices":
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.unlink(missing_ok=True)
        self._socket.bind(str(self.path))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._socket.close()
        self.path.unlink(missing_ok=True)

    def read(self) -> list[str]:
        """What was said since the last look, without waiting."""
        words = list(self._words())
        self.ready = self.ready or "READY=1" in words
        return words

    def _words(self) -> Iterator[str]:
        with suppress(BlockingIOError):
            while True:
                yield from self._socket.recv(4096).decode(errors="replace").splitlines()
