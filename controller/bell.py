"""The socket on which pages and API nudge the service (see `commands.wake`)."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_POLL_S = 0.25


@contextmanager
def bell(path: Path) -> Iterator[socket.socket]:
    """Listen at `path`, which whoever is in the folder's group may ring."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(str(path))
        path.chmod(0o660)
        heard.settimeout(_POLL_S)
        try:
            yield heard
        finally:
            path.unlink(missing_ok=True)


def rang(heard: socket.socket) -> bool:
    """Wait for a nudge; False when none came in a while."""
    try:
        heard.recv(64)
    except TimeoutError:
        return False
    return True
