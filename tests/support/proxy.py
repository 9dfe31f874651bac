"""A road between a node and its broker that a test can measure, block, and tear up."""

import contextlib
import random
import selectors
import socket
import threading


class Proxy:
    """Passes bytes on to `port`, counting both ways. Runs in a thread of its own until closed."""

    def __init__(self, port):
        self._to = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.up = self.down = self.connections = 0
        self._silent = threading.Event()
        self._pairs: dict[socket.socket, socket.socket] = {}
        self._near: set[socket.socket] = set()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._rough: tuple[float, float, random.Random] | None = None
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="proxy")
        self._thread.start()

    def go_silent(self):
        """As a dead link does: connections stay open, nothing arrives, nothing is refused."""
        self._silent.set()

    def speak(self):
        self._silent.clear()

    def be_rough(self, bytes_s, loss, seed=0):
        """A slow road on which segments are lost: TCP sends them again, later and later."""
        self._rough = bytes_s, loss, random.Random(seed)

    def be_smooth(self):
        self._rough = None

    def reset(self):
        """Tear every connection up, with a TCP reset."""
        with self._lock:
            for side in list(self._pairs):
                with contextlib.suppress(OSError):
                    linger = b"\x01\x00\x00\x00\x00\x00\x00\x00"
                    side.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                self._drop(side)

    def close(self):
        self._over.set()
        self._thread.join()
        with self._lock:
            for side in list(self._pairs):
                self._drop(side)
        self._listener.close()
        self._selector.close()

    def _run(self):
        while not self._over.is_set():
            if self._silent.is_set():
                self._over.wait(0.05)
                continue
            for key, _ in self._selector.select(0.1):
                with self._lock:
                    if key.fileobj is self._listener:
                        self._take()
                    elif key.fileobj in self._pairs:
                        self._pass_on(key.fileobj)

    def _take(self):
        near, _ = self._listener.accept()
        try:
            far = socket.create_connection(("127.0.0.1", self._to), timeout=5)
        except OSError:
            near.close()
            return
        self.connections += 1
        self._near.add(near)
        self._pairs |= {near: far, far: near}
        for side in (near, far):
            self._selector.register(side, selectors.EVENT_READ)

    def _pass_on(self, side):
        try:
            data = side.recv(1400 if self._rough else 65536)
            self._bump(len(data))
            if data:
                self._pairs[side].sendall(data)
        except OSError:
            data = b""
        if not data:
            self._drop(side)
        elif side in self._near:
            self.up += len(data)
        else:
            self.down += len(data)

    def _bump(self, size):
        """How long a segment of that size is on a rough road, what is behind it waits."""
        if self._rough:
            bytes_s, loss, chance = self._rough
            wait_s, again_s = size / bytes_s, 0.2
            while chance.random() < loss and again_s < 10:
                wait_s += again_s
                again_s *= 2
            self._over.wait(wait_s)

    def _drop(self, side):
        for each in (side, self._pairs.get(side)):
            if each in self._pairs:
                del self._pairs[each]
                self._selector.unregister(each)
                each.close()
