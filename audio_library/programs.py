"""Run a speaking program with limits: it gets text, gives sound, and is gone afterwards.

Its sound comes through a pipe: espeak-ng takes no notice of a full disk, and half a message must
not pass for a whole one.
"""

import logging
import os
import resource
import select
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from typing import BinaryIO

from audio_library.disk import disk_space
from audio_library.errors import AudioError

_log = logging.getLogger(__name__)
_WALL_S, _CPU_S, _LOOK_MS = 300.0, 240, 100
_MOST_BYTES = 1_000_000_000


def run_program(
    command: Sequence[str],
    text: bytes,
    target: BinaryIO,
    *,
    voice: str,
    cancelled: Callable[[], bool] | None = None,
    memory_bytes: int = 1_000_000_000,
) -> None:
    """Feed `text` to the command's standard input and write what it says to `target`.

    Raises AudioError: voice_failed, cancelled, timeout, disk_full.
    """
    with tempfile.TemporaryFile() as words, tempfile.TemporaryFile() as complaints:
        words.write(text)
        words.seek(0)
        process = subprocess.Popen(
            command,
            stdin=words,
            stdout=subprocess.PIPE,
            stderr=complaints,
            cwd="/",
            env={"PATH": os.defpath, "LANG": "C.UTF-8", "HOME": "/nonexistent"},
            start_new_session=True,
        )
        try:
            _limit(process.pid, memory_bytes)
            _take_down(process, target, cancelled)
        except subprocess.TimeoutExpired:
            raise AudioError("timeout") from None
        finally:
            process.kill()
            process.wait()
            if process.stdout:
                process.stdout.close()
        if process.returncode != 0:
            complaints.seek(0)
            _log.warning(
                "%s ended with %s: %s", command[0], process.returncode, complaints.read(2000)
            )
            raise AudioError("voice_failed", voice=voice)


def _limit(pid: int, memory_bytes: int) -> None:
    try:
        resource.prlimit(pid, resource.RLIMIT_AS, (memory_bytes, memory_bytes))
        resource.prlimit(pid, resource.RLIMIT_CPU, (_CPU_S, _CPU_S))
    except (ProcessLookupError, PermissionError):  # done already, or tighter limits hold
        return


def _take_down(
    process: subprocess.Popen[bytes], target: BinaryIO, cancelled: Callable[[], bool] | None
) -> None:
    """All it says, until it is gone."""
    assert process.stdout is not None
    deadline, taken = time.monotonic() + _WALL_S, 0
    pipe = process.stdout.fileno()
    reader = select.poll()
    reader.register(pipe, select.POLLIN)
    while True:
        if cancelled is not None and cancelled():
            raise AudioError("cancelled")
        if time.monotonic() > deadline:
            raise AudioError("timeout")
        if not reader.poll(_LOOK_MS):
            continue
        data = os.read(pipe, 1 << 16)
        taken += len(data)
        if taken > _MOST_BYTES:
            raise AudioError("too_heavy")
        if not data:
            break
        with disk_space():
            target.write(data)
    with disk_space():
        target.flush()
    process.wait(max(deadline - time.monotonic(), 1))
