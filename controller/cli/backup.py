"""`loalang backup` and `loalang restore`: everything in one file, and back."""

import argparse
import getpass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from controller.cli.console import DONE, Console
from controller.cli.parsing import add as add_word
from controller.one_service import only_service
from controller.services import open_services
from controller.upkeep import backups, recovery


def add(words: Any) -> None:
    """The words `backup` and `restore`."""
    add_word(words, "backup", backup, "write database, sounds and sealed keys into one file", _file)
    add_word(words, "restore", restore, "bring a backup back; the service must be down", _restored)


def backup(console: Console, asked: argparse.Namespace) -> int:
    made = backups.write(console.settings, asked.file.absolute(), datetime.now(UTC))
    console.show(_record(made))
    if made.keys:
        console.say(
            "Khoá nằm trong tệp, niêm phong bằng mật khẩu khôi phục: hãy cất tệp ngoài máy chủ.",
            "The keys are in it, sealed under the recovery passphrase: keep it away from this "
            "server.",
        )
    else:
        console.say(
            "KHÔNG có khoá ký trong tệp này: hãy chạy «loalang keys passphrase» rồi sao lưu lại.",
            "The signing keys are NOT in this file: run 'loalang keys passphrase', then back up "
            "again.",
        )
    return DONE


def restore(console: Console, asked: argparse.Namespace) -> int:
    if asked.keys_only:
        ask = _passphrase(asked)
        assert ask is not None  # it goes with --without-keys only
        number = recovery.bring_back(console.settings, asked.file.absolute(), ask())
        console.show({"keys": number})
        return DONE
    services = open_services(console.settings)
    try:
        # On SQLite the lock is a file beside the data: the database itself is not opened here.
        with only_service(services.engine, console.settings.wake_path.parent):
            done = backups.restore(console.settings, asked.file.absolute(), _passphrase(asked))
    finally:
        services.engine.dispose()
    console.show(_record(done))
    console.say(
        "Đã khôi phục: hãy khởi động dịch vụ, các cụm loa sẽ tự nhận lịch mới.",
        "Restored: start the service, and the nodes will take the schedules anew.",
    )
    if not done.keys:
        console.say(
            "Không có khoá ký trong bản này: nếu không còn khoá cũ, phải cài lại khoá ở từng cụm "
            "loa.",
            "No signing keys came with it: unless the old ones are still here, every node must be "
            "given new ones on the spot.",
        )
    return DONE


def _passphrase(asked: argparse.Namespace) -> backups.Passphrase | None:
    if asked.without_keys:
        return None
    if asked.passphrase_file:
        return lambda: str(asked.passphrase_file.read_text(encoding="utf-8")).strip()
    return lambda: getpass.getpass("Recovery passphrase: ")


def _restored(parser: argparse.ArgumentParser) -> None:
    _file(parser)
    parser.add_argument("--passphrase-file", type=Path, help="it is asked for when left out")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--without-keys", action="store_true", help="the data only")
    which.add_argument(
        "--keys-only",
        action="store_true",
        help="FILE is a folder with keys.sealed and recovery.json (PostgreSQL)",
    )


def _file(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path)


def _record(summary: backups.Summary) -> dict[str, Any]:
    return {
        "file": str(summary.path),
        "files": summary.files,
        "bytes": summary.bytes,
        "made_at": summary.made_at,
        "keys": summary.keys,
    }
