"""The confined process that touches foreign sound. Started by `audio_library.sandbox` only.

One job as JSON on standard input, the files as inherited descriptors; progress, then a result or
a refusal, as lines of JSON on standard output. The order matters: import everything, hold the
files, shut the fences, and only then read the first foreign byte.
"""

import errno
import importlib
import json
import os
import sys
import traceback
from collections.abc import Callable
from typing import Any, BinaryIO

import av

from audio_library.confine import NotConfined, Orphaned, confine
from audio_library.errors import AudioError
from audio_library.jobs import Job, job

Say = Callable[[dict[str, Any]], None]
# What PyAV would import on first use, when nothing can be opened any more.
_LAZY = (
    "av.audio.codeccontext",
    "av.audio.stream",
    "av.subtitles.codeccontext",
    "av.subtitles.stream",
    "av.video.codeccontext",
    "av.video.stream",
)
_FULL = (errno.ENOSPC, errno.EDQUOT)


def main() -> None:
    """Run one job and leave; every way it can end is told to the parent in words."""
    order = json.load(sys.stdin)
    say = _speaker()
    files = [os.fdopen(number, mode) for number, mode in order["files"]]
    function = job(order["kind"])
    av.logging.set_level(None)
    for name in _LAZY:
        importlib.import_module(name)
    sys.path.clear()  # a late import fails at once instead of knocking at the fences
    sys.meta_path.clear()
    try:
        confine(order["memory_bytes"], order["cpu_s"], order["file_bytes"], order["parent"])
    except Orphaned:
        os._exit(0)
    except NotConfined as error:
        say({"refused": "sandbox", "facts": {"detail": str(error)}})
        return
    _work(function, order["arguments"], files, say)
    os._exit(0)  # nothing to tidy up, and closing would flush what the parent never keeps


def _work(function: Job, arguments: dict[str, Any], files: list[BinaryIO], say: Say) -> None:
    try:
        result = function(arguments, files, _reporter(say))
        for file in files:
            if file.writable():
                file.flush()
    except AudioError as error:
        say({"refused": error.code, "facts": error.facts})
    except MemoryError:
        say({"refused": "too_heavy", "facts": {}})
    except OSError as error:
        if error.errno in _FULL:
            say({"refused": "disk_full", "facts": {}})
        elif error.errno == errno.EFBIG:
            say({"refused": "too_heavy", "facts": {}})
        else:
            _complain(error)
    except Exception as error:  # the head of this process: whatever a broken file provoked
        _complain(error)
    else:
        say({"result": result})


def _complain(error: Exception) -> None:
    """The stack without source lines, which could not be opened here."""
    stack = traceback.extract_tb(error.__traceback__, limit=-8)
    places = [f"{frame.filename}:{frame.lineno}" for frame in stack]
    sys.stderr.write(f"{type(error).__name__}: {error} at {' '.join(places)}\n")
    sys.stderr.flush()
    os._exit(3)


def _speaker() -> Say:
    out = os.fdopen(os.dup(1), "w", buffering=1)

    def say(message: dict[str, Any]) -> None:
        out.write(json.dumps(message) + "\n")

    return say


def _reporter(say: Say) -> Callable[[float], None]:
    told = 0.0

    def report(share: float) -> None:
        nonlocal told
        if share - told >= 0.01:
            told = share
            say({"progress": round(min(share, 1.0), 3)})

    return report
