"""`loalang keys list|rotate|finish|passphrase`: what the service signs with, and its safe copy."""

import argparse
import getpass
import sys
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

from controller import commands
from controller.accounts import audit
from controller.cli.console import DONE, Console
from controller.cli.parsing import Group
from controller.commands import CommandKind
from controller.errors import Conflict
from controller.keys.signing import Keyring
from controller.upkeep import recovery
from protocol.envelope import Heading, MessageType, seal
from protocol.messages import Command

_PROBE_LIFE = timedelta(minutes=1)


def add(words: Any) -> None:
    """The verbs of `keys`."""
    keys = Group(words, "keys", "the keys that sign what nodes are told")
    keys.verb("list", show, "the keys in use; --json shows them whole")
    keys.verb("rotate", rotate, "make the next key; both sign until 'finish'")
    keys.verb("finish", finish, "the next key takes over, the one before is trusted no more")
    keys.verb("passphrase", passphrase, "seal the keys into backups from now on", _chosen)


def show(console: Console, _asked: argparse.Namespace) -> int:
    console.table(_records(Keyring(console.settings.signing_key_file)), ("state", "kid"))
    return DONE


def rotate(console: Console, _asked: argparse.Namespace) -> int:
    ring = Keyring(console.settings.signing_key_file)
    made = ring.rotate()
    recovery.seal(console.settings)
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
    _require_second_signer(console, ring)
    took_over = ring.finish()
    recovery.seal(console.settings)
    _tell(console, "keys.finish", took_over.verify_key.kid)
    console.table(_records(ring), ("state", "kid"))
    return DONE


def _require_second_signer(console: Console, ring: Keyring) -> None:
    """It must know the key that is to sign alone, or no mass emergency sounds from then on."""
    second, following = console.settings.second_signer, ring.signing[-1]
    if second is None or following is ring.current:
        return
    heading = Heading(
        console.settings.site, "site", "controller", 1, console.now, console.now + _PROBE_LIFE
    )
    probe = seal(MessageType.COMMAND, heading, Command("probe", "stop"), [following])
    with suppress(OSError, ValueError):
        if second.believes(probe):
            return
    key = following.verify_key.hex
    raise Conflict(
        "second_signer_behind",
        f"Người ký thứ hai chưa nhận khoá mới: hãy thêm «--controller-key {key}» vào "
        "loalang-signer.service, khởi động lại nó rồi chạy lại lệnh này.",
        f"The second signer does not know the new key: add '--controller-key {key}' to "
        "loalang-signer.service, restart it, then run this again.",
    )


def passphrase(console: Console, asked: argparse.Namespace) -> int:
    chosen = _typed(asked.file) or recovery.invented()
    recovery.choose(console.settings, chosen)
    with console.changing() as (session, actor):
        audit.record(session, actor, "keys.passphrase", "key", "recovery", None, console.now)
    if asked.file is None:
        console.show({"passphrase": chosen})
    console.say(
        "Hãy chép mật khẩu khôi phục ra giấy và cất ngoài máy chủ: không ai xem lại được. Từ nay "
        "bản sao lưu mang theo khoá, niêm phong bằng mật khẩu này; bản cũ không đổi.",
        "Write the recovery passphrase down and keep it away from this server: nobody can show it "
        "again. From now on backups carry the keys, sealed under it; older ones stay as they are.",
    )
    return DONE


def _typed(file: Path | None) -> str:
    """What somebody chose; nothing, and one is made up."""
    if file is not None:
        return file.read_text(encoding="utf-8").strip()
    if not sys.stdin.isatty():
        return ""
    return getpass.getpass("A passphrase of your own (Enter: one is made up): ").strip()


def _chosen(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--file", type=Path, help="read it from a file instead of asking")


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
