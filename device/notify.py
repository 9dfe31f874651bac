"""Tells systemd that the node is ready and alive: the sd_notify protocol, one datagram a word."""

import os
import socket
from collections.abc import Mapping


class Notifier:
    """Silent where no service manager asked to be told."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        address = environment.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        microseconds = environment.get("WATCHDOG_USEC", "")
        meant_for_us = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        usable = microseconds.isdigit() and meant_for_us
        self.watchdog_s = int(microseconds) / 1e6 / 3 if usable else 0.0

    def say(self, word: str) -> None:
        """`READY=1`, `WATCHDOG=1`, `STOPPING=1` or `STATUS=…`."""
        if not self._address:
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as out:
            try:
                out.sendto(word.encode(), self._address)
            except OSError:
                return  # the manager is gone or busy; it will ask again
