"""The words and options of the administration; mistakes are one sentence with the remedy."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from controller.cli.console import WRONG_USE, Run, prefers_english

Options = Callable[[argparse.ArgumentParser], None]


class Parser(argparse.ArgumentParser):
    """argparse, whose complaint is a sentence and not a page."""

    def error(self, message: str) -> NoReturn:
        remedy = f"see '{self.prog} --help'" if prefers_english() else f"xem «{self.prog} --help»"
        print(f"{message}: {remedy}.", file=sys.stderr)
        raise SystemExit(WRONG_USE)


def common() -> argparse.ArgumentParser:
    """Options of every command."""
    options = argparse.ArgumentParser(add_help=False)
    options.add_argument("--json", action="store_true", help="for scripts")
    options.add_argument("--config", type=Path, help="TOML file with the settings")
    options.add_argument("--as", dest="acting_as", metavar="USER", help="act as this user")
    return options


def one_id(parser: argparse.ArgumentParser) -> None:
    """Options of a command about one thing."""
    parser.add_argument("id")


def one_decided(parser: argparse.ArgumentParser) -> None:
    """Options of a decision on one thing."""
    one_id(parser)
    parser.add_argument("--note", default="", help="a word with the decision")


class Group:
    """A noun (`user`) whose verbs (`list`, `create`) are added one by one."""

    def __init__(self, nouns: Any, name: str, about: str) -> None:
        parser = nouns.add_parser(name, help=about, description=about)
        self._verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")

    def verb(
        self, name: str, run: Run, about: str, options: Options | None = None, *also: str
    ) -> None:
        """`also`: other words for the same verb."""
        add(self._verbs, name, run, about, options, also)


def add(
    words: Any,
    name: str,
    run: Run,
    about: str,
    options: Options | None = None,
    also: tuple[str, ...] = (),
) -> None:
    """A word that does something."""
    parser = words.add_parser(
        name, help=about, description=about, aliases=list(also), parents=[common()]
    )
    parser.set_defaults(run=run)
    if options is not None:
        options(parser)
