"""A front before a real broker that speaks no MQTT 5: such a CONNECT gets 3.1.1's refusal.

`silent`: or no answer at all, as from some old brokers: the line is closed. `renewed`: from now on
it speaks MQTT 5.
"""

import contextlib
import socket
import threading

_REFUSED = bytes([0x20, 2, 0, 1])  # CONNACK: unacceptable protocol version
_VERSION_5 = b"\x00\x04MQTT\x05"


class OldBroker:
    """with OldBroker(broker.port) as old: ... old.port, old.refused ..."""

    def __init__(self, behind, *, silent=False):
        self._behind = behind
        self._silent = silent
        self.renewed = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"mqtt://127.0.0.1:{self.port}"
        self.refused = 0
        self._open = []

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._listener.close()
        for each in self._open:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def renew(self):
        """The old program ends and a new one takes its place."""
        self.renewed = True
        for each in list(self._open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._open.append(client)
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        with contextlib.suppress(OSError):
            connect = client.recv(65536)
            if _VERSION_5 in connect[:12] and not self.renewed:
                self.refused += 1
                if not self._silent:
                    client.sendall(_REFUSED)
                client.close()
                return
            server = socket.create_connection(("127.0.0.1", self._behind))
            self._open.append(server)
            server.sendall(connect)
            threading.Thread(target=self._pump, args=(server, client), daemon=True).start()
            self._pump(client, server)

    def _pump(self, source, sink):
        with contextlib.suppress(OSError):
            while block := source.recv(65536):
                sink.sendall(block)
            sink.shutdown(socket.SHUT_RDWR)
