"""What the confined worker can be asked to do: name → function of (arguments, files, report).

Arguments and results are JSON; files are what `sandbox.run` was given, in that order.
"""

import importlib
from collections.abc import Callable
from typing import Any, BinaryIO

Report = Callable[[float], None]
Job = Callable[[dict[str, Any], list[BinaryIO], Report], dict[str, Any]]

# A job's module is imported only where it is needed: a voice note should not wait for pydub.
_MODULES = {
    "check": "audio_library.splice",
    "master": "audio_library.mastering",
    "outline": "audio_library.mastering",
    "preview": "audio_library.splice",
    "tune": "audio_library.tunes",
}


def job(kind: str) -> Job:
    """The function of that name in its module. KeyError for a kind that is not listed."""
    function: Job = getattr(importlib.import_module(_MODULES[kind]), kind)
    return function
