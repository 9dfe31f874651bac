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
    """Where the broker listens. `ca_file` empty with TLS: the system's authorities."""

    host: str
    port: int
    tls: bool = False
    ca_file: str = ""


def connect(
    loop: Loop, endpoint: Endpoint, timeout_s: float, done: Callable[[Result], None]
) -> None:
    """Call `done` in the loop with a connected socket, or with the error."""

    def work() -> None:
        result: Result
        try:
            result = _connected(endpoint, timeout_s)
        except OSError as error:
            result = error
        except ValueError as error:  # a certificate file that is none
            result = OSError(str(error))
        loop.call_from_thread(lambda: done(result))

    threading.Thread(target=work, name="connector", daemon=True).start()


def _connected(endpoint: Endpoint, timeout_s: float) -> socket.socket:
    plain = socket.create_connection((endpoint.host, endpoint.port), timeout=timeout_s)
    try:
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if not endpoint.tls:
            return plain
        context = ssl.create_default_context(cafile=endpoint.ca_file or None)
        return context.wrap_socket(plain, server_hostname=endpoint.host)
    except OSError:
        plain.close()
        raise
