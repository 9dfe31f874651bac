"""Messages between a node's three processes: JSON objects over a socket pair.

The sockets are SOCK_SEQPACKET, so one send is one message; when a process dies its peers read an
end of file at once, which is how sound and amplifier learn that nobody commands them any more.
"""

import json
import socket
from collections.abc import Callable
from typing import Any

from device.loop import Loop

MAX_BYTES = 192 * 1024
Message = dict[str, Any]


def pair() -> tuple[socket.socket, socket.socket]:
    """Two connected ends."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


class Channel:
    """One end on a loop: `on_message` for each message, `on_closed` once when the peer is gone."""

    def __init__(
        self,
        loop: Loop,
        end: socket.socket,
        on_message: Callable[[Message], None],
        on_closed: Callable[[], None],
    ) -> None:
        self._loop = loop
        self._end = end
        self._on_message = on_message
        self._on_closed = on_closed
        self._open = True
        end.setblocking(False)
        loop.watch(end, self._read)

    @property
    def open(self) -> bool:
        return self._open

    def send(self, message: Message) -> bool:
        """False when the peer is gone or has stopped reading."""
        if not self._open:
            return False
        try:
            self._end.send(json.dumps(message, separators=(",", ":")).encode())
        except BlockingIOError:
            return False
        except OSError:
            self._lost()
            return False
        return True

    def close(self) -> None:
        if self._open:
            self._open = False
            self._loop.unwatch(self._end)
            self._end.close()

    def _read(self) -> None:
        try:
            raw = self._end.recv(MAX_BYTES)
        except BlockingIOError:
            return
        except OSError:
            raw = b""
        if not raw:
            self._lost()
            return
        self._on_message(json.loads(raw))

    def _lost(self) -> None:
        if self._open:
            self.close()
            self._on_closed()
