"""What the confined worker can be asked to do: name → function of (arguments, files, report).

Arguments and results are JSON; files are what `sandbox.run` was given, in that order.
"""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any, BinaryIO

from audio_library import splice, tunes
from audio_library.mastering import Master
from audio_library.settings import Limits, Mastering, Trim

Report = Callable[[float], None]
Job = Callable[[dict[str, Any], list[BinaryIO], Report], dict[str, Any]]


def master(arguments: dict[str, Any], files: list[BinaryIO], report: Report) -> dict[str, Any]:
    """A foreign recording to a clip. Files: source, spool, target."""
    source, spool, target = files
    trim = Trim(**arguments["trim"]) if arguments["trim"] else None
    shape = Mastering(**arguments["shape"])
    return asdict(
        Master(spool, target, shape, report).make(source, Limits(**arguments["limits"]), trim)
    )


JOBS: dict[str, Job] = {"master": master, "preview": splice.preview, "tune": tunes.tune}
