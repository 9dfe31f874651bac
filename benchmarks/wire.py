"""A wire between a node and a broker, on loopback: counted, slow if wanted, and cut at will.

with Wire(broker.port, bytes_per_s=125_000) as wire:
    ... wire.url, wire.down_bytes, wire.up_bytes, wire.cut() ...
"""

import contextlib
import socket
import threading
import time

_BLOCK = 4096
_BUFFER = 32 * 1024  # what a real line's queue would hold; the kernel's own default hides the line


class Wire:
    """Every connection to `port` goes on to the broker's; `bytes_per_s` bounds the way down."""

    def __init__(self, broker_port: int, bytes_per_s: float | None = None) -> None:
        self._broker_port = broker_port
        self._bytes_per_s = bytes_per_s
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.port: int = self._listener.getsockname()[1]
        self.url = f"mqtt://127.0.0.1:{self.port}"
        self.down_bytes = 0
        self.up_bytes = 0

    def __enter__(self) -> "Wire":
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        self.cut()

    def cut(self) -> None:
        """Break every connection, as a line that fails does."""
        while self._open:
            end = self._open.pop()
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                node, _ = self._listener.accept()
                broker = socket.socket()
                broker.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
                broker.connect(("127.0.0.1", self._broker_port))
                for end in (node, broker):
                    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._open += (node, broker)
                for way in (self._down, self._up):
                    threading.Thread(target=way, args=(node, broker), daemon=True).start()

    def _down(self, node: socket.socket, broker: socket.socket) -> None:
        free_at = time.monotonic()
        with contextlib.suppress(OSError):
            while block := broker.recv(_BLOCK):
                if self._bytes_per_s:
                    free_at = max(free_at, time.monotonic()) + len(block) / self._bytes_per_s
                    time.sleep(max(0.0, free_at - time.monotonic()))
                node.sendall(block)
                self.down_bytes += len(block)

    def _up(self, node: socket.socket, broker: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while block := node.recv(_BLOCK):
                broker.sendall(block)
                self.up_bytes += len(block)
