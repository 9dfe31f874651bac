"""A real mosquitto on a free loopback port, which a test may stop, kill and start again.

with Broker.started(tmp_path / "broker") as broker:
    ... broker.url ...
    broker.kill()          # as a power cut would
    broker.forget()        # its state on disk is gone
    broker.start()         # on the same port
"""

import contextlib
import getpass
import shutil
import signal
import socket
import subprocess
from pathlib import Path

from deploy.broker import DemoBroker, demo_configuration
from tests.support.waiting import wait_until

MOSQUITTO = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
DEADLINE_S = 10


def free_port():
    """A loopback port nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Broker:
    """The demo's own configuration unless `configuration` says otherwise."""

    def __init__(self, directory, port=None, configuration=None):
        self.directory = Path(directory)
        self.port = port or free_port()
        self.url = f"mqtt://127.0.0.1:{self.port}"
        self.process = None
        self._configuration = configuration

    @classmethod
    @contextlib.contextmanager
    def started(cls, directory, **options):
        broker = cls(directory, **options)
        broker.start()
        try:
            yield broker
        finally:
            broker.stop()

    @property
    def log(self):
        return self.directory / "mosquitto.log"

    def start(self):
        self.directory.mkdir(parents=True, exist_ok=True)
        text = self._configuration or demo_configuration(
            DemoBroker(self.port, self.directory, run_as=getpass.getuser())
        )
        file = self.directory / "mosquitto.conf"
        file.write_text(text, encoding="utf-8")
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [MOSQUITTO, "-c", file], stderr=log, stdout=subprocess.DEVNULL
            )
        wait_until(self._answers, DEADLINE_S, what="mosquitto to listen")

    def stop(self):
        """Politely: mosquitto writes its state down."""
        self._end(signal.SIGTERM)

    def kill(self):
        """As a power cut would: what was not saved is lost."""
        self._end(signal.SIGKILL)

    def forget(self):
        """Remove what a stopped broker kept on disk."""
        for file in self.directory.glob("mosquitto.db*"):
            file.unlink()

    def _end(self, how):
        if self.process is None:
            return
        self.process.send_signal(how)
        self.process.wait(DEADLINE_S)
        self.process = None

    def _answers(self):
        assert self.process.poll() is None, self.log.read_text(encoding="utf-8")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False
