"""Making the broker's socket without stalling the loop: DNS, TCP and TLS in a one-shot thread."""

import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass

from device.loop import Loop

Result = socket.socket | OSError

_NO_CHECK_TIME = ssl.VerifyFlags(0x200000)  # OpenSSL's X509_V_FLAG_NO_CHECK_TIME


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the broker listens, and how we are known there.

    `ca_file` empty with TLS: the system's authorities. `identity_file`: PEM with our key and
    certificate. `check_dates` False: a broker's certificate counts that would be out of date.
    """

    host: str
    port: int
    tls: bool = False
    ca_file: str = ""
    identity_file: str = ""
    check_dates: bool = True


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
        try:
            threading.Thread(target=self._work, name="connector", daemon=True).start()
        except RuntimeError as error:  # no more threads or memory
            self._result = OSError(str(error))
            loop.call_later(0.0, self._deliver)

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


def _notice_silence(plain: socket.socket) -> None:
    """Have the kernel give up a connection whose other end is gone without a word.

    MQTT's own keep-alive needs two minutes for it, and a mobile network forgets connections in
    an outage. A probe after half a minute without traffic is some 3 MB a month.
    """
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 30)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 5)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 45_000)


def _connected(endpoint: Endpoint, timeout_s: float) -> socket.socket:
    plain = socket.create_connection((endpoint.host, endpoint.port), timeout=timeout_s)
    try:
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        _notice_silence(plain)
        if not endpoint.tls:
            return plain
        context = ssl.create_default_context(cafile=endpoint.ca_file or None)
        if not endpoint.check_dates:
            context.verify_flags |= _NO_CHECK_TIME
        if endpoint.identity_file:
            context.load_cert_chain(endpoint.identity_file)
        return context.wrap_socket(plain, server_hostname=endpoint.host)
    except OSError:
        plain.close()
        raise
