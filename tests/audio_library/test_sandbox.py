"""The worker's fences: no network, no other file, no process left, whatever happens."""

import os
import re
import select
import signal
import subprocess
import sys

import pytest

from audio_library import sandbox
from audio_library.errors import AudioError
from audio_library.ingest import ingest
from audio_library.settings import Limits
from tests.audio_library.conftest import ffmpeg, held


def confined(code: str, parent: int | None = None) -> subprocess.CompletedProcess[str]:
    """Run `code` in a fresh interpreter inside the fences."""
    script = (
        "import os, socket, sys, threading, ctypes, subprocess, mmap\n"
        "from audio_library.confine import confine\n"
        "libc = ctypes.CDLL(None, use_errno=True)\n"
        f"confine(1_500_000_000, 5, 1_000_000, {parent or 'os.getppid()'})\n" + code
    )
    return subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=30
    )


FORBIDDEN = {
    "read a file": "open('/etc/passwd')",
    "write a file": "open('/tmp/stray', 'w')",
    "list a folder": "os.listdir('/')",
    "look at a file": "os.stat('/etc/passwd')",
    "open a socket": "socket.socket()",
    "open a local socket": "socket.socket(socket.AF_UNIX)",
    "start a program": "os.execv('/bin/true', ['true'])",
    "fork": "os.fork()",
    "signal another process": "os.kill(1, 0)",
    "delete": "os.unlink('/tmp/stray')",
    "change folder": "os.chdir('/tmp')",
    "become root again": "os.setuid(0)",
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_the_confined_worker_cannot(what):
    done = confined(f"try:\n    {FORBIDDEN[what]}\nexcept OSError as e: print('refused', e.errno)")

    assert done.stdout.startswith("refused 1"), done.stderr


def test_the_confined_worker_cannot_make_code_of_data():
    done = confined(
        "libc.mmap.restype = ctypes.c_void_p\n"
        "print(libc.mmap(None, 4096, 7, 0x22, -1, 0) in (None, 2**64 - 1))"
    )

    assert done.stdout.strip() == "True"


def test_the_confined_worker_can_compute_in_threads():
    done = confined(
        "made = []\n"
        "threads = [threading.Thread(target=made.append, args=(n,)) for n in range(4)]\n"
        "[t.start() for t in threads]; [t.join() for t in threads]\n"
        "print(sorted(made))"
    )

    assert done.stdout.strip() == "[0, 1, 2, 3]"


def test_the_confined_worker_is_nobody():
    done = confined("print(os.getuid())")

    assert int(done.stdout) == (65534 if os.getuid() == 0 else os.getuid())


def test_a_worker_whose_parent_is_gone_does_not_begin():
    done = confined("", parent=1)
    assert "Orphaned" in done.stderr


def test_memory_beyond_the_limit_is_refused():
    done = confined("try:\n    bytes(2_000_000_000)\nexcept MemoryError: print('refused')")

    assert done.stdout.strip() == "refused"


def test_strace_sees_no_network_and_no_other_file(short_speech, tmp_path):
    log = tmp_path / "calls"
    code = (
        "from pathlib import Path\n"
        "from audio_library.ingest import ingest\n"
        "from audio_library.store import Store\n"
        f"ingest(Path({str(short_speech)!r}), Store(Path({str(tmp_path / 'store')!r})))"
    )
    traced = "%network,%file,%process,%desc"
    subprocess.run(
        ["strace", "-f", "-o", log, "-e", f"trace={traced}", sys.executable, "-c", code],
        check=True,
        timeout=60,
    )
    lines = log.read_text(errors="replace").splitlines()

    network = re.compile(r"\b(socket|connect|bind|sendto|sendmsg|recvfrom|accept4?)\(")
    assert [line for line in lines if network.search(line)] == []
    # From the moment the fences are up the worker names no file at all, not even in vain.
    shut = next(n for n, line in enumerate(lines) if "execve" in line and "-I" in line)
    worker = lines[shut].split()[0]
    own = [line for line in lines[shut:] if line.startswith(worker)]
    source = next(n for n, line in enumerate(own) if "RIFF" in line)
    named = re.compile(r"\b(open|openat|stat|newfstatat|access|readlink|execve|unlink)\(")
    assert [line for line in own[source:] if named.search(line)] == []


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 1.0])
def test_a_kill_at_any_point_leaves_no_process_and_no_half_file(share, speech, store):
    """The one who asked dies in the middle: its worker dies too; the store holds whole files."""
    code = (
        "import os, signal\n"
        "from pathlib import Path\n"
        "from audio_library.ingest import ingest\n"
        "from audio_library.store import Store\n"
        "def die(share):\n"
        f"    if share < {share}: return\n"
        "    children = Path('/proc/self/task', str(os.getpid()), 'children').read_text()\n"
        "    print(children, flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        f"ingest(Path({str(speech)!r}), Store(Path({str(store.root)!r})), progress=die)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)

    assert done.returncode == -signal.SIGKILL
    assert all(gone(int(worker)) for worker in done.stdout.split())
    assert [path.name for path in held(store)] == store.hashes()
    for sha256 in store.hashes():
        store.open(sha256).close()
    assert len(store.hashes()) == (2 if share == 1.0 else 0)


def gone(pid: int) -> bool:
    """Whether a process that is not our child ends within five seconds."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    ready, _, _ = select.select([descriptor], [], [], 5)
    os.close(descriptor)
    return bool(ready)


@pytest.mark.parametrize("limits", [Limits(memory_bytes=100_000_000), Limits(cpu_s=1)])
def test_a_worker_that_runs_out_of_its_share_is_too_heavy(limits, recordings, store):
    noise = recordings / "noise.wav"
    ffmpeg("-f", "lavfi", "-i", "anoisesrc=d=240:c=pink:r=16000", noise)

    with pytest.raises(AudioError) as refusal:
        ingest(noise, store, limits=limits)

    assert refusal.value.code == "too_heavy"
    assert held(store) == []


def test_an_unknown_job_is_an_error_not_a_hang():
    with pytest.raises(AudioError):
        sandbox.run("nothing", {}, [], limits=Limits())
