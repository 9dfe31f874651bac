"""Run a speaking program with limits: it gets text, gives sound, and is gone afterwards."""

import logging
import os
import resource
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from typing import BinaryIO

from audio_library.errors import AudioError

_log = logging.getLogger(__name__)
_WALL_S, _CPU_S, _LOOK_S = 300.0, 240, 0.1
_FILE_BYTES = 1_000_000_000


def run_program(
    command: Sequence[str],
    text: bytes,
    target: BinaryIO,
    *,
    voice: str,
    cancelled: Callable[[], bool] | None = None,
    memory_bytes: int = 1_000_000_000,
) -> None:
    """Feed `text` to the command's standard input and let it write to `target`.

    Raises AudioError: voice_failed, cancelled, timeout.
    """
    with tempfile.TemporaryFile() as words, tempfile.TemporaryFile() as complaints:
        words.write(text)
        words.seek(0)
        process = subprocess.Popen(
            command,
            stdin=words,
            stdout=target,
            stderr=complaints,
            cwd="/",
            env={"PATH": os.defpath, "LANG": "C.UTF-8", "HOME": "/nonexistent"},
            start_new_session=True,
        )
        try:
            _limit(process.pid, memory_bytes)
            _wait(process, cancelled)
        finally:
            process.kill()
            process.wait()
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
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (_FILE_BYTES, _FILE_BYTES))
    except (ProcessLookupError, PermissionError):  # done already, or tighter limits hold
        return


def _wait(process: subprocess.Popen[bytes], cancelled: Callable[[], bool] | None) -> None:
    deadline = time.monotonic() + _WALL_S
    while True:
        try:
            process.wait(_LOOK_S)
        except subprocess.TimeoutExpired:
            if cancelled is not None and cancelled():
                raise AudioError("cancelled") from None
            if time.monotonic() > deadline:
                raise AudioError("timeout") from None
        else:
            return
