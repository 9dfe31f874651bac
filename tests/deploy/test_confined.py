"""The daemons under the system call filters of their own units: what is refused must not matter."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploy.system_calls import allowed_calls
from tests.support.broker import Broker, free_port

ROOT = Path(__file__).parents[2]
UNITS = ROOT / "deploy" / "systemd"
LOALANG = Path(sys.executable).with_name("loalang")


@pytest.fixture
def manager(tmp_path):
    """The socket on which systemd would be told; a receive waits half a minute at most."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.settimeout(30)
        yield listener


@contextlib.contextmanager
def confined(unit, *command, folder, settings):
    """A program under the unit's filter, told where to notify; stopped at the end."""
    (folder / "settings.toml").write_text(settings)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.deploy.system_calls", UNITS / unit, *command],
            cwd=ROOT,
            env=os.environ
            | {
                "NOTIFY_SOCKET": str(folder / "notify"),
                "WATCHDOG_USEC": "3000000",
                "LOALANG_CONFIG": str(folder / "settings.toml"),
                "GPIOZERO_PIN_FACTORY": "mock",
            },
            stdout=log,
            stderr=log,
        )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(20)
        process.kill()
        process.wait()


def heard(manager, word, log):
    """Whether the word is among what systemd is told, before the time is out."""
    try:
        while True:
            if word in manager.recv(4096).decode().split("\n"):
                return True
    except TimeoutError:
        raise AssertionError(log.read_text()) from None


def node_settings(folder, port):
    return (
        f'broker_url = "mqtt://127.0.0.1:{port}"\n'
        f'controller_keys = ["{"ab" * 32}"]\n'
        f'data_dir = "{folder}/data"\n'
        f'sink = "file:{folder}/evidence"\n'
        "amplifier_pin = 17\n"
    )


def test_a_node_lives_under_its_filter(manager, tmp_path):
    settings = node_settings(tmp_path, 1)
    with confined(
        "loalang-node.service", LOALANG, "node", folder=tmp_path, settings=settings
    ) as node:
        assert heard(manager, "READY=1", tmp_path / "log")
        assert heard(manager, "WATCHDOG=1", tmp_path / "log")
    assert node.returncode == 0, (tmp_path / "log").read_text()


def test_a_controller_lives_under_its_filter(manager, tmp_path):
    with Broker.started(tmp_path / "broker") as broker:
        settings = (
            f'data_dir = "{tmp_path}/data"\n'
            f'broker_url = "{broker.url}"\n'
            f'bind = "127.0.0.1:{free_port()}"\n'
        )
        (tmp_path / "data").mkdir()
        unit = "loalang-controller.service"
        with confined(unit, LOALANG, "migrate", folder=tmp_path, settings=settings) as migrating:
            assert migrating.wait(60) == 0, (tmp_path / "log").read_text()
        service = (unit, LOALANG, "controller", "--no-pages")
        with confined(*service, folder=tmp_path, settings=settings) as running:
            assert heard(manager, "READY=1", tmp_path / "log")
            assert heard(manager, "WATCHDOG=1", tmp_path / "log")
        assert running.returncode == 0, (tmp_path / "log").read_text()
    # The pages, by their own unit: gunicorn itself says when they can be reached.
    pages = ("loalang-web.service", LOALANG, "web")
    with confined(*pages, folder=tmp_path, settings=settings) as running:
        assert heard(manager, "READY=1", tmp_path / "log")
    assert running.returncode == 0, (tmp_path / "log").read_text()


def test_a_recording_is_read_under_the_pages_filter(tmp_path):
    """Its worker lays fences of its own on, which the unit must not forbid."""
    subprocess.run(
        ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine=duration=4", tmp_path / "in.mp3"],
        check=True,
    )
    program = (
        "import sys\nfrom pathlib import Path\n"
        "from audio_library.ingest import ingest\nfrom audio_library.store import Store\n"
        "print(ingest(Path(sys.argv[1]), Store(Path(sys.argv[2]))).duration_ms)\n"
    )
    unit = UNITS / "loalang-web.service"
    filtered = [sys.executable, "-m", "tests.deploy.system_calls", unit, sys.executable]
    run = subprocess.run(
        [*filtered, "-c", program, tmp_path / "in.mp3", tmp_path / "store"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    assert 3500 < int(run.stdout) < 4500


@pytest.mark.parametrize("name", ["controller", "web", "node"])
def test_the_filter_refuses_what_only_root_would_ask(name):
    allowed = allowed_calls(UNITS / f"loalang-{name}.service")
    assert {"read", "futex", "socket"} <= allowed
    assert not allowed & {"mount", "ptrace", "reboot", "settimeofday", "setuid", "bpf"}
