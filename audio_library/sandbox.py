"""Run one job in the confined worker: the only place that starts a process which reads sound.

The parent opens the files and hands over descriptors; the worker never learns a name. Here are
the wall-clock limit, progress, cancelling, and the translation of every way a process can die.
"""

import json
import logging
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from audio_library.errors import AudioError
from audio_library.settings import Limits

_log = logging.getLogger(__name__)
_HERE = str(Path(__file__).resolve().parent.parent)
_START = "import sys; sys.path[:] = sys.argv[1:]; from audio_library.worker import main; main()"
_ENVIRONMENT = {
    "PATH": os.defpath,
    "HOME": "/",
    "LANG": "C.UTF-8",
    "OPENBLAS_NUM_THREADS": "1",
    # One heap for all threads: shrinking a second one, glibc would look into /proc first.
    "MALLOC_ARENA_MAX": "1",
}
_FILE_BYTES = 2_000_000_000  # the largest file a worker may write: three hours of spool is 520 MB
_LOOK_MS = 100
# What the kernel sends a process that used up its share.
_EXHAUSTED = (signal.SIGXCPU, signal.SIGXFSZ, signal.SIGKILL)

Progress = Callable[[float], None]
Cancelled = Callable[[], bool]


def run(
    kind: str,
    arguments: dict[str, Any],
    files: Sequence[tuple[BinaryIO, str]],
    *,
    limits: Limits,
    progress: Progress | None = None,
    cancelled: Cancelled | None = None,
) -> dict[str, Any]:
    """Do `kind` (see `audio_library.jobs`) with the files, each with the mode it is used in.

    Returns the job's result. Raises AudioError; the worker is gone by then, whatever happened.
    """
    job = {
        "kind": kind,
        "arguments": arguments,
        "files": [(file.fileno(), mode) for file, mode in files],
        "memory_bytes": limits.memory_bytes,
        "cpu_s": limits.cpu_s,
        "file_bytes": _FILE_BYTES,
        "parent": os.getpid(),
    }
    with tempfile.TemporaryFile() as complaints:
        worker = _start(job, complaints)
        try:
            return _follow(worker, limits, progress, cancelled, complaints)
        finally:
            worker.kill()
            worker.wait()
            if worker.stdout:
                worker.stdout.close()


def _start(job: dict[str, Any], complaints: Any) -> subprocess.Popen[bytes]:
    worker = subprocess.Popen(
        # No `site`: its .pth files, user folders and name look-ups are none of a worker's business.
        [sys.executable, "-I", "-S", "-c", _START, _HERE, *filter(None, sys.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=complaints,
        pass_fds=[number for number, _ in job["files"]],
        cwd="/",
        env=_ENVIRONMENT,
        start_new_session=True,
    )
    assert worker.stdin is not None
    # A worker that is gone already is found out, with its reason, when it is followed.
    with suppress(BrokenPipeError), worker.stdin as pipe:
        pipe.write(json.dumps(job).encode())
    return worker


def _follow(
    worker: subprocess.Popen[bytes],
    limits: Limits,
    progress: Progress | None,
    cancelled: Cancelled | None,
    complaints: Any,
) -> dict[str, Any]:
    for message in _messages(worker, time.monotonic() + limits.wall_s, cancelled):
        if "result" in message:
            result: dict[str, Any] = message["result"]
            return result
        if "refused" in message:
            raise AudioError(message["refused"], **message["facts"])
        if progress is not None:
            progress(message["progress"])
    raise _death(worker, complaints)


def _messages(worker: subprocess.Popen[bytes], deadline: float, cancelled: Cancelled | None) -> Any:
    """Lines of the worker until it ends. Raises AudioError on timeout and when cancelled."""
    assert worker.stdout is not None
    descriptor, pending = worker.stdout.fileno(), b""
    reader = select.poll()  # select.select stops at descriptor 1024
    reader.register(descriptor, select.POLLIN)
    while True:
        if cancelled is not None and cancelled():
            raise AudioError("cancelled")
        if time.monotonic() > deadline:
            raise AudioError("timeout")
        if not reader.poll(_LOOK_MS):
            continue
        data = os.read(descriptor, 65536)
        if not data:
            return
        *lines, pending = (pending + data).split(b"\n")
        yield from (json.loads(line) for line in lines)


def _death(worker: subprocess.Popen[bytes], complaints: Any) -> AudioError:
    """A worker that said nothing at the end: out of its limits, or broken by what it read."""
    status = worker.wait()
    complaints.seek(0)
    words = complaints.read(4000).decode(errors="replace").strip()
    _log.warning("the sound worker ended with %s: %s", status, words)
    if -status in _EXHAUSTED:
        return AudioError("too_heavy")
    if "ImportError" in words or "ModuleNotFoundError" in words:
        return AudioError("sandbox", detail=words.splitlines()[-1])
    return AudioError("damaged")
