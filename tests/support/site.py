"""A controller's broker as an installer makes it: TLS, certificates, and a list it reads anew.

with Site.started(folder) as site:
    ... site.tls_port, site.controller_url, site.joining ...
    site.bring(access_folder)      # what systemd's path unit does after the service wrote
"""

import contextlib
import getpass
import signal
import threading
from datetime import UTC, datetime
from pathlib import Path

from deploy.broker import SiteBroker
from deploy.broker_access import Unfit, take_over
from deploy.prepare_broker import find_plugin, prepare
from tests.support.broker import Broker, free_port

# Debian's own main file, which reads ours from its conf.d.
DEBIAN = """\
pid_file {state}/mosquitto.pid
persistence true
persistence_location {state}/
log_dest file {state}/mosquitto.log
include_dir {fragments}
user {user}
"""
LOOK_EVERY_S = 0.05


class Site:
    """The files, the running mosquitto, and who brings it new lists."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.files = SiteBroker(
            self.folder / "broker",
            tls_port=free_port(),
            loopback_port=free_port(),
            state=self.folder / "state",
            plugin=find_plugin(),
        )
        fragments = self.folder / "conf.d"
        fragments.mkdir(parents=True)
        fragment = fragments / "loalang.conf"
        prepare(self.files, ["localhost", "127.0.0.1"], fragment, user=None, now=datetime.now(UTC))
        main = DEBIAN.format(state=self.folder, fragments=fragments, user=getpass.getuser())
        # The listener that is opened last tells when both answer.
        port = self.files.loopback_port
        self.broker = Broker(self.folder / "site", port=port, configuration=main)
        self._stop = threading.Event()

    @classmethod
    @contextlib.contextmanager
    def started(cls, folder):
        site = cls(folder)
        site.broker.start()
        try:
            yield site
        finally:
            site._stop.set()
            site.broker.stop()

    @property
    def tls_url(self):
        return f"mqtts://localhost:{self.files.tls_port}"

    @property
    def joining(self):
        return self.files.directory / "join.pem"

    @property
    def devices(self):
        """The authority's key and certificate, as the service is given them."""
        return self.files.directory / "devices.pem"

    @property
    def password(self):
        return (self.files.directory / "controller.password").read_text().strip()

    def bring(self, source):
        """Lay down what the service wrote and have mosquitto read it; whether it changed."""
        try:
            changed = take_over(Path(source), self.files, user=None)
        except (Unfit, OSError):
            return False
        if changed:
            self.broker.process.send_signal(signal.SIGHUP)
        return bool(changed)

    @contextlib.contextmanager
    def watching(self, source):
        """As the path unit does, for as long as the block runs."""

        def watch():
            while not self._stop.wait(LOOK_EVERY_S):
                self.bring(source)

        thread = threading.Thread(target=watch)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join()
