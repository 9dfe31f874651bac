"""A hostile broker: a proxy before a real one that alters, drops, repeats, reorders and invents.

with HostileBroker(broker.port, inventions) as hostile:
    ... hostile.port ...; hostile.turn() begins it; hostile.honest() ends it

Only what comes down to the client is touched; `invent(random)` gives (topic, payload) of a message
that was never said.
"""

import contextlib
import random
import socket
import threading

PUBLISH = 3
EVERY_S = 0.01


class HostileBroker:
    """One thread a direction and connection, one that invents."""

    def __init__(self, port, invent, seed=1):
        self._upstream = port
        self._invent = invent
        self._luck = random.Random(seed)
        self._stop = threading.Event()
        self._honest = threading.Event()
        self._lock = threading.Lock()
        self._clients = []
        self._held = []
        self._threads = []
        self.done = {"alter": 0, "drop": 0, "repeat": 0, "hold": 0, "invent": 0}
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.1)
        self.port = self._listener.getsockname()[1]

    def __enter__(self):
        self._honest.set()
        self._begin(self._accept)
        return self

    def __exit__(self, *failure):
        self._stop.set()
        for each in self._clients:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
        for each in self._clients:
            each.close()
        self._listener.close()

    def turn(self):
        """From now on nothing it says can be believed."""
        self._honest.clear()
        self._begin(self._make_up)

    def honest(self):
        """From now on it does what a broker should; what stands is cut, to begin afresh."""
        self._honest.set()
        for each in self._clients:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def _begin(self, work, *arguments):
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self):
        while not self._stop.is_set():
            try:
                client, _ = self._listener.accept()
            except TimeoutError:
                continue
            server = socket.create_connection(("127.0.0.1", self._upstream))
            self._clients += [client, server]
            self._begin(self._up, client, server)
            self._begin(self._down, server, client)

    def _up(self, client, server):
        with contextlib.suppress(OSError):
            while data := client.recv(1 << 16):
                server.sendall(data)
        _end(client, server)

    def _down(self, server, client):
        with contextlib.suppress(OSError, EOFError):
            while True:
                packet = _packet(server)
                out = [packet] if self._honest.is_set() else self._abused(packet)
                with self._lock:
                    client.sendall(b"".join(out))
        _end(client, server)

    def _abused(self, packet):
        if packet[0] >> 4 != PUBLISH:
            return [packet]
        how = self._luck.choice(("alter", "alter", "drop", "repeat", "hold", "leave"))
        if how == "leave":
            return [packet]
        self.done[how] += 1
        if how == "drop":
            return []
        if how == "repeat":
            return [packet] * 3
        if how == "hold":
            self._held.append(packet)
            released, self._held = (
                (self._held[::-1], []) if len(self._held) > 2 else ([], self._held)
            )
            return released
        return [self._altered(packet)]

    def _altered(self, packet):
        """Some bits of the payload, which is at the end; topic and framing stay."""
        out = bytearray(packet)
        for _ in range(self._luck.choice((1, 2, 20))):
            out[-self._luck.randrange(1, max(2, len(out) // 2))] ^= 1 << self._luck.randrange(8)
        return bytes(out)

    def _make_up(self):
        while not self._stop.wait(EVERY_S) and not self._honest.is_set():
            topic, payload = self._invent(self._luck)
            name = topic.encode()
            body = len(name).to_bytes(2, "big") + name + b"\0" + payload
            packet = bytes([PUBLISH << 4]) + _length(len(body)) + body
            with self._lock, contextlib.suppress(OSError, IndexError):
                self._clients[-2].sendall(packet)  # the newest client
                self.done["invent"] += 1


def _packet(stream):
    head = _exactly(stream, 1)
    size, shift = 0, 0
    while True:
        byte = _exactly(stream, 1)
        head += byte
        size |= (byte[0] & 0x7F) << shift
        shift += 7
        if byte[0] < 0x80:
            return head + _exactly(stream, size)


def _exactly(stream, count):
    data = b""
    while len(data) < count:
        more = stream.recv(count - len(data))
        if not more:
            raise EOFError
        data += more
    return data


def _length(size):
    out = b""
    while True:
        size, digit = divmod(size, 128)
        out += bytes([digit | (0x80 if size else 0)])
        if not size:
            return out


def _end(*streams):
    for stream in streams:
        with contextlib.suppress(OSError):
            stream.shutdown(socket.SHUT_RDWR)
