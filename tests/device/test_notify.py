"""systemd is told over a datagram socket, when it asks to be."""

import os
import socket

from device.notify import Notifier


def test_words_arrive_at_the_managers_socket(tmp_path):
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(path)
        manager.settimeout(5)
        Notifier({"NOTIFY_SOCKET": path}).say("READY=1")
        assert manager.recv(100) == b"READY=1"


def test_nobody_asked_nobody_is_told():
    Notifier({}).say("READY=1")


def test_a_manager_that_is_gone_is_no_failure(tmp_path):
    Notifier({"NOTIFY_SOCKET": str(tmp_path / "none")}).say("WATCHDOG=1")


def test_the_watchdog_is_fed_three_times_an_interval():
    environment = {"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}
    assert Notifier(environment).watchdog_s == 10.0
    assert Notifier({**environment, "WATCHDOG_PID": "1"}).watchdog_s == 0.0
    assert Notifier({}).watchdog_s == 0.0
