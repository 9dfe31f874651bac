"""`loalang backup` and `loalang restore`: everything in one file, and back."""

import argparse
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from controller.cli.console import DONE, Console
from controller.cli.parsing import add as add_word
from controller.one_service import only_service
from controller.services import open_services
from controller.upkeep import backups


def add(words: Any) -> None:
    """The words `backup` and `restore`."""
    add_word(words, "backup", backup, "write database, sounds and keys into one file", _file)
    add_word(words, "restore", restore, "bring a backup back; the service must be down", _file)


def backup(console: Console, asked: argparse.Namespace) -> int:
    made = backups.write(console.settings, asked.file.absolute(), datetime.now(UTC))
    console.show(_record(made))
    console.say(
        "Tệp này chứa khoá ký: hãy cất ở nơi an toàn, ngoài máy chủ này.",
        "This file holds the signing key: keep it safe, away from this server.",
    )
    return DONE


def restore(console: Console, asked: argparse.Namespace) -> int:
    services = open_services(console.settings)
    try:
        # On SQLite the lock is a file beside the data: the database itself is not opened here.
        with only_service(services.engine, console.settings.wake_path.parent):
            done = backups.restore(console.settings, asked.file.absolute())
    finally:
        services.engine.dispose()
    console.show(_record(done))
    console.say(
        "Đã khôi phục: hãy khởi động dịch vụ, các cụm loa sẽ tự nhận lịch mới.",
        "Restored: start the service, and the nodes will take the schedules anew.",
    )
    return DONE


def _file(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path)


def _record(summary: backups.Summary) -> dict[str, Any]:
    return {
        "file": str(summary.path),
        "files": summary.files,
        "bytes": summary.bytes,
        "made_at": summary.made_at,
    }
