"""The pages under gunicorn as they are installed, and browsers that hold live streams open."""

import http.client
import os
import shutil
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import update

from controller.database import transaction
from controller.models import BrowserSession
from controller.settings import load
from tests.support.broker import free_port
from tests.support.waiting import wait_until
from tests.web.village import cookie_of
from web.app import create_app


class Pages:
    """A running server, and cookies for the people of the village."""

    def __init__(self, app, village, port):
        self._app, self.village, self.port = app, village, port
        self.services = app.extensions["loalang"]

    def cookie(self, name):
        """The header's text of a browser in which somebody is signed in."""
        serializer = self._app.session_interface.get_signing_serializer(self._app)
        value = serializer.dumps(cookie_of(self.village.users[name]))
        return f"{self._app.config['SESSION_COOKIE_NAME']}={value}"

    def connect(self, name, path):
        """An open connection and its answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request("GET", path, headers={"Cookie": self.cookie(name)})
        return connection, connection.getresponse()

    def read(self, name, path):
        """Status of a page read whole."""
        connection, answer = self.connect(name, path)
        answer.read()
        connection.close()
        return answer.status

    @contextmanager
    def streams(self, count):
        """So many open streams, each past its greeting."""
        people = ("alice", "bob", "erin", "tom", "vera")
        with ExitStack() as stack:
            opened = []
            for number in range(count):
                connection, answer = self.connect(people[number % len(people)], "/live")
                stack.callback(connection.close)
                until(answer, b"event: hello")
                opened.append(answer)
            yield opened


def until(answer, line):
    """Read lines up to this one."""
    while True:
        said = answer.readline()
        if not said or said.startswith(line):
            return said


@contextmanager
def gunicorn(filled, folder):
    """`loalang web` over a copy of the filled folder, in a process of its own."""
    shutil.copytree(filled.folder, folder)
    port = free_port()
    environ = {"LOALANG_DATA_DIR": str(folder), "LOALANG_BIND": f"127.0.0.1:{port}"}
    app = create_app(load(environ))
    with transaction(app.extensions["loalang"].engine) as session:
        # That process has the machine's own clock, and a session its end.
        now = datetime.now(UTC)
        session.execute(update(BrowserSession).values(begun_at=now, seen_at=now))
    command = [str(Path(sys.executable).with_name("loalang")), "web"]
    process = subprocess.Popen(command, env={**os.environ, **environ})
    pages = Pages(app, filled.village, port)
    try:
        wait_until(lambda: _answers(pages), deadline_s=60)
        yield pages, process.pid
    finally:
        process.terminate()
        process.wait(20)
        app.extensions["loalang"].engine.dispose()


def _answers(pages):
    try:
        return pages.read("vera", "/login") in (200, 302)
    except OSError:
        return False
