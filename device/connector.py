"""Making the broker's socket without stalling the loop: DNS, TCP and TLS in a one-shot thread."""

import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass

from device.loop import Loop

Result = socket.socket | OSError


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the broker listens, and how we are known there.

    `ca_file` empty with TLS: the system's authorities. `identity_file`: PEM with our key and
    certificate.
    """

    host: str
    port: int
    tls: bool = False
    ca_file: str = ""
    identity_file: str = ""


class Attempt:
    """One try, in a thread of its own; `done` is called in the loop unless it is cancelled."""

    def __init__(
        self, loop: Loop, endpoint: Endpoint, timeout_s: float, done: Callable[[Result], None]
    ) -> None:
        self._loop = loop
        self._endpoint = endpoint
        self._timeout_s = timeout_s
        self._done = done
        self._lock = threading.Lock()
        self._cancelled = False
        self._result: Result | None = None
        threading.Thread(target=self._work, name="connector", daemon=True).start()

    def cancel(self) -> None:
        """Whatever comes of it is closed, not handed over."""
        with self._lock:
            self._cancelled = True
            if isinstance(self._result, socket.socket):
                self._result.close()

    def _work(self) -> None:
        result: Result
        try:
            result = _connected(self._endpoint, self._timeout_s)
        except OSError as error:
            result = error
        except ValueError as error:  # a certificate file that is none
            result = OSError(str(error))
        with self._lock:
            if self._cancelled:
                if isinstance(result, socket.socket):
                    result.close()
                return
            self._result = result
        self._loop.call_from_thread(self._deliver)

    def _deliver(self) -> None:
        with self._lock:
            result, self._result = self._result, None
        if result is not None and not self._cancelled:
            self._done(result)


def _connected(endpoint: Endpoint, timeout_s: float) -> socket.socket:
    plain = socket.create_connection((endpoint.host, endpoint.port), timeout=timeout_s)
    try:
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if not endpoint.tls:
            return plain
        context = ssl.create_default_context(cafile=endpoint.ca_file or None)
        if endpoint.identity_file:
            context.load_cert_chain(endpoint.identity_file)
        return context.wrap_socket(plain, server_hostname=endpoint.host)
    except OSError:
        plain.close()
        raise
