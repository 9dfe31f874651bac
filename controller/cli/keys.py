"""`loalang keys list|rotate|finish`: the keys the service signs with."""

import argparse
from typing import Any

from controller import commands
from controller.accounts import audit
from controller.cli.console import DONE, Console
from controller.cli.parsing import Group
from controller.commands import CommandKind
from controller.keys.signing import Keyring


def add(words: Any) -> None:
    """The verbs of `keys`."""
    keys = Group(words, "keys", "the keys that sign what nodes are told")
    keys.verb("list", show, "the keys in use; --json shows them whole")
    keys.verb("rotate", rotate, "make the next key; both sign until 'finish'")
    keys.verb("finish", finish, "the next key takes over, the one before is trusted no more")


def show(console: Console, _asked: argparse.Namespace) -> int:
    console.table(_records(Keyring(console.settings.signing_key_file)), ("state", "kid"))
    return DONE


def rotate(console: Console, _asked: argparse.Namespace) -> int:
    ring = Keyring(console.settings.signing_key_file)
    made = ring.rotate()
    _tell(console, "keys.rotate", made.verify_key.kid)
    console.table(_records(ring), ("state", "kid"))
    console.say(
        "Từ nay mọi lệnh mang hai chữ ký. Khi mọi cụm loa đã có mạng ít nhất một lần: "
        "loalang keys finish. Tệp loalang.toml mới mang cả hai khoá.",
        "From now on everything carries two signatures. Once every node has been online: "
        "loalang keys finish. New loalang.toml files name both keys.",
    )
    return DONE


def finish(console: Console, _asked: argparse.Namespace) -> int:
    ring = Keyring(console.settings.signing_key_file)
    _tell(console, "keys.finish", ring.finish().verify_key.kid)
    console.table(_records(ring), ("state", "kid"))
    return DONE


def _tell(console: Console, action: str, kid: str) -> None:
    with console.changing() as (session, actor):
        audit.record(session, actor, action, "key", kid, None, console.now)
        commands.ask(session, CommandKind.TRUST_CHANGED, {}, actor, console.now)


def _records(ring: Keyring) -> list[dict[str, str]]:
    states = ["current", "next"][: len(ring.signing)]
    states += ["retired"] * (len(ring.vouching) - len(ring.signing))
    return [
        {"state": state, "kid": key.verify_key.kid, "key": key.verify_key.hex}
        for state, key in zip(states, ring.vouching, strict=True)
    ]
