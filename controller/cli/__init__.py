"""The administration on the server's console: `loalang user|token|area|clip|schedule|airing …`.

Exit status: 0 done, 1 failed, 2 wrong use or configuration. Errors are one sentence on stderr.
"""

import sys
from collections.abc import Sequence

from audio_library.errors import AudioError
from controller.cli import (
    airings,
    areas,
    backup,
    clips,
    doctor,
    keys,
    nodes,
    packs,
    schedules,
    sticks,
    tokens,
    upkeep,
    users,
)
from controller.cli.console import FAILED, WRONG_USE, open_console, prefers_english
from controller.cli.parsing import Parser
from controller.errors import BadInput, ControllerError
from controller.settings import SettingsError

_PARTS = (
    users, tokens, areas, nodes, clips, schedules, airings, upkeep, backup, keys, doctor,
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the arguments say. Returns the exit status."""
    try:
        asked = parser().parse_args(arguments)
        console = open_console(asked)
    except SettingsError as mistakes:
        return _fail(mistakes, WRONG_USE)
    except SystemExit as end:  # argparse has said what there is to say
        return int(end.code or 0)
    try:
        return int(asked.run(console, asked))
    except BadInput as error:
        return _fail(error, WRONG_USE)
    except (ControllerError, AudioError) as error:
        return _fail(error, FAILED)
    except OSError as error:
        print(f"{error.filename or 'loalang'}: {error.strerror or error}.", file=sys.stderr)
        return FAILED
    finally:
        console.close()


def parser() -> Parser:
    """Every word the administration knows."""
    whole = Parser(prog="loalang", description="Loa Làng: administration")
    words = whole.add_subparsers(dest="noun", required=True, metavar="COMMAND", parser_class=Parser)
    for part in (
        users,
        tokens,
        areas,
        nodes,
        clips,
        packs,
        schedules,
        sticks,
        airings,
        upkeep,
        backup,
        keys,
        doctor,
    ):
        part.add(words)
    return whole


def _fail(error: ControllerError | AudioError, status: int) -> int:
    english = prefers_english()
    if isinstance(error, BadInput):
        lines = [f"{name}: {en if english else vi}" for name, (vi, en) in error.errors.items()]
    else:
        lines = [error.en if english else error.vi]
    print("\n".join(lines), file=sys.stderr)
    return status
