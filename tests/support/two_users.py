"""A controller as installed on a server: the service and the pages as two users of this machine.

Owners and modes are set by what the installer runs; the users need no entry anywhere, only numbers.
Where the interpreter or the checkout lies in a folder that is shut to others (/root, say), each
process sees that folder through a mount namespace of its own. Needs root.
"""

import contextlib
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

from controller import settings as configuration
from deploy import folders
from tests.support.broker import free_port
from tests.support.waiting import wait_until

ROOT = Path(__file__).parents[2]
SIGNER = 61004  # the second signer, in the service's own group as its unit says
OWNERS = folders.Owners(service=61001, service_group=61001, pages=61002, shared=61003)
START_S = 60


def why_not():
    """Why it cannot be done on this machine; empty when it can."""
    if os.geteuid() != 0:
        return "two users can only be had as root"
    told = subprocess.run(["unshare", "-m", "true"], capture_output=True)
    return "" if told.returncode == 0 else "mount namespaces are not allowed here"


class House:
    """The folders, and programs run in them as `service` or as `pages`."""

    def __init__(self, folder, site=None):
        self.folder = Path(folder)
        self.config = self.folder / "controller.toml"
        self.port = free_port()
        self.tokens = {}
        self.areas = {}
        self._settle_file(site)
        self.settings = configuration.load({}, self.config)
        folders.lay(self.settings, OWNERS)
        self.credentials = self._credentials(site)
        self.signer = self.folder / "signer"
        self.signer.mkdir()
        os.chown(self.signer, SIGNER, OWNERS.service_group)
        self.signer.chmod(0o750)
        self.second_key = ""
        self._binds = [self.folder / f"bind-{n}" for n in range(3)]
        for each in self._binds:
            each.mkdir()

    @classmethod
    @contextlib.contextmanager
    def made(cls, site=None):
        with tempfile.TemporaryDirectory(prefix="loa-two-", dir="/tmp") as name:
            Path(name).chmod(0o755)
            yield cls(name, site)

    def _settle_file(self, site):
        broker = site.broker.url if site else "mqtt://127.0.0.1:1"
        data = self.folder / "lib" / "loalang"
        self.config.write_text(
            f'data_dir = "{data}"\nbroker_url = "{broker}"\nbroker_user = "controller"\n'
            f'bind = "127.0.0.1:{self.port}"\n'
        )
        folders.adopt(self.config)
        os.chown(self.config, 0, OWNERS.shared)
        self.config.chmod(0o640)

    def _credentials(self, site):
        """What systemd's LoadCredential= lays down for the service alone."""
        place = self.folder / "credentials"
        place.mkdir(mode=0o700)
        if site:
            shutil.copy(site.devices, place / "device_authority")
            (place / "broker_password").write_text(site.password)
        for each in (place, *place.iterdir()):
            os.chown(each, OWNERS.service, OWNERS.service_group)
            each.chmod(0o700 if each.is_dir() else 0o400)
        return place

    @property
    def access(self):
        return self.settings.service_dir / "broker"

    def command(self, who, *words):
        """The words that run a program as one of the two, with its groups and umask."""
        ids = {
            "service": (OWNERS.service, OWNERS.service_group, f"{OWNERS.shared}"),
            "pages": (OWNERS.pages, OWNERS.shared, f"{OWNERS.shared}"),
            "signer": (SIGNER, OWNERS.service_group, f"{OWNERS.service_group}"),
        }[who]
        drop = "exec setpriv --reuid={} --regid={} --groups={} --no-new-privs".format(*ids)
        script = "\n".join(["set -e", *self._mounts(), "umask 0007", f'{drop} -- "$@"'])
        return ["unshare", "-m", "sh", "-c", script, "sh", *map(str, words)]

    def environment(self, who):
        own = {
            "PATH": os.environ["PATH"],
            "HOME": "/nonexistent",
            "LANG": "C.UTF-8",
            "LOALANG_CONFIG": str(self.config),
            "PYTHONPATH": str(ROOT),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        if who == "service" and (self.credentials / "device_authority").exists():
            own |= {
                "LOALANG_BROKER_PASSWORD_FILE": str(self.credentials / "broker_password"),
                "LOALANG_DEVICE_AUTHORITY_FILE": str(self.credentials / "device_authority"),
                "LOALANG_BROKER_ACCESS_DIR": str(self.access),
            }
        if who == "service" and self.second_key:
            own |= {
                "LOALANG_SECOND_SIGNER_SOCKET": str(self.signer / "sign.sock"),
                "LOALANG_SECOND_SIGNER_KEY": self.second_key,
            }
        return own

    def run(self, who, *words):
        """A program to its end; what it printed. AssertionError when it fails."""
        told = subprocess.run(
            self.command(who, *words), env=self.environment(who), cwd="/", text=True,
            capture_output=True, timeout=60,
        )  # fmt: skip
        assert told.returncode == 0, told.stderr
        return told.stdout

    def loalang(self, who, *words):
        return self.run(who, sys.executable, "-m", "deploy.cli", *words)

    def python(self, who, script, *words):
        return self.run(who, sys.executable, "-c", script, *words)

    @contextlib.contextmanager
    def daemon(self, who, *words):
        """`loalang …` for as long as the block runs."""
        with (self.folder / f"{who}.log").open("ab") as log:
            process = subprocess.Popen(
                self.command(who, sys.executable, "-m", "deploy.cli", *words),
                env=self.environment(who), cwd="/", stdout=log, stderr=log,
            )  # fmt: skip
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(15)
            finally:
                process.kill()
                process.wait()

    @contextlib.contextmanager
    def living(self):
        """Migrated, settled, and both sides up."""
        self.loalang("service", "migrate")
        made = json.loads(self.python("service", _SETTLE, self.settings.database_url))
        self.tokens, self.areas = made["tokens"], made["areas"]
        own_folder = self.signer / "own"
        self.second_key = self.loalang("signer", "sign", "key", "--folder", own_folder).strip()
        [own] = json.loads(self.loalang("service", "keys", "list", "--json"))
        with (
            self.second_signer(own["key"]),
            self.daemon("service", "controller", "--no-pages"),
            self.daemon("pages", "web"),
        ):
            wait_until(self._answers, START_S, 0.1, what=f"the pages; see {self.folder}")
            public = self.settings.service_dir / "packs.pub"
            wait_until(public.exists, START_S, 0.1, what=f"the service; see {self.folder}")
            yield self

    @contextlib.contextmanager
    def second_signer(self, *controller_keys):
        """`loalang sign run` as its own user; one started later takes the socket over."""
        socket = self.signer / "sign.sock"
        words = ["sign", "run", "--folder", self.signer / "own", "--socket", socket]
        words += [word for key in controller_keys for word in ("--controller-key", key)]
        before = socket.stat().st_ino if socket.exists() else 0
        with self.daemon("signer", *words):
            wait_until(
                lambda: socket.exists() and socket.stat().st_ino != before, START_S,
                what="the second signer",
            )  # fmt: skip
            yield

    def call(self, user, method, path, body=None, *, raw=None, kind="application/json"):
        """The parsed answer, bytes where it is not JSON. AssertionError for a refusal."""
        data = raw if raw is not None else json.dumps(body).encode() if body is not None else None
        url = f"http://127.0.0.1:{self.port}/api/v1{path}"
        request = urllib.request.Request(url, data, method=method)
        request.add_header("Authorization", f"Bearer {self.tokens[user]}")
        if data is not None:
            request.add_header("Content-Type", kind)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                content = answer.read()
                is_json = "json" in answer.headers.get("Content-Type", "")
                return json.loads(content) if is_json and content else content
        except urllib.error.HTTPError as error:
            with error:
                raise AssertionError(f"{path}: {error.code} {error.read().decode()}") from None

    def _answers(self):
        try:
            url = f"http://127.0.0.1:{self.port}/api/v1/healthz"
            with urllib.request.urlopen(url, timeout=2) as answer:
                return answer.status == 200
        except OSError:
            return False

    def _mounts(self):
        """Lines that open the way to our programs, in the process's own view of the folders."""
        needed = dict.fromkeys(map(Path, (sys.base_prefix, sys.prefix, ROOT)))
        shut = {need: _shut_above(need) for need in needed}
        pairs = [(need, top) for need, top in shut.items() if top]
        lines = [
            f"mount --bind {_q(need)} {_q(bind)}"
            for (need, _), bind in zip(pairs, self._binds, strict=False)
        ]
        tops = dict.fromkeys(top for _, top in pairs)
        lines += [f"mount -t tmpfs -o mode=755 tmpfs {_q(top)}" for top in tops]
        for (need, _), bind in zip(pairs, self._binds, strict=False):
            lines += [f"mkdir -p {_q(need)}", f"mount --bind {_q(bind)} {_q(need)}"]
        return lines


def _shut_above(path):
    """The highest folder above (or at) the path that others may not pass."""
    for folder in [*reversed(path.parents), path]:
        if not folder.stat().st_mode & 0o001:
            return folder
    return None


def _q(path):
    return shlex.quote(str(path))


_SETTLE = """
import json, sys
from controller.database import open_engine
from tests.support.commune import settle
commune = settle(open_engine(sys.argv[1]))
print(json.dumps({"tokens": commune.tokens, "areas": commune.areas}))
"""
