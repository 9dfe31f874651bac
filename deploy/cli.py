"""The command `loalang`: finds which part of the program is meant and starts only that one.

Nothing is imported before it is needed, so that `loalang node` on a Pi loads no server library.
Exit status: 0 done, 1 failed, 2 wrong use or configuration; errors are one sentence on stderr.
"""

import importlib
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, cast

Main = Callable[[list[str]], int]

ROOTS: Final = frozenset({"audio_library", "controller", "deploy", "device", "protocol", "web"})


@dataclass(frozen=True, slots=True)
class Command:
    """A word after `loalang`: the module whose `main(arguments)` it starts, and its pip extra."""

    module: str
    extra: str
    vi: str
    en: str


COMMANDS: Final = {
    "demo": Command(
        "deploy.demo", "controller", "chạy thử cả một xã trên máy này", "a commune on this machine"
    ),
    "controller": Command(
        "deploy.supervisor",
        "controller",
        "bộ điều khiển: dịch vụ và trang web",
        "the controller: service and pages",
    ),
    "web": Command("deploy.web", "controller", "chỉ trang web", "the pages only"),
    "node": Command(
        "device.agent",
        "device",
        "một cụm loa (thêm list, create … để quản trị)",
        "one node (add list, create … to administer)",
    ),
    "sign": Command(
        "controller.keys.second_signer",
        "controller",
        "người ký thứ hai cho lệnh khẩn cấp diện rộng",
        "the second signer of mass emergencies",
    ),
    "simulate": Command(
        "device.simulate", "device", "nhiều cụm loa giả lập", "many nodes against a broker"
    ),
}
# These go to the administration, which reads the word again as its own.
ADMINISTRATION: Final = {
    "user": ("người dùng", "users"),
    "token": ("mã truy cập API", "API tokens"),
    "area": ("địa bàn", "areas"),
    "clip": ("bản tin", "clips"),
    "pack": ("gói bản tin mang sang nơi khác", "recordings carried between places in one file"),
    "stick": ("USB cho cụm loa không có mạng", "a USB stick for nodes with no link"),
    "schedule": ("lịch phát", "schedules"),
    "airing": ("lượt phát", "single airings"),
    "migrate": ("nâng cấp cơ sở dữ liệu", "upgrade the database"),
    "backup": ("sao lưu", "back everything up into one file"),
    "restore": ("khôi phục", "bring a backup back"),
    "keys": ("khoá ký", "the keys that sign what nodes are told"),
    "doctor": ("tìm lỗi và cách sửa", "what is wrong and how to mend it"),
}
# `loalang node` is the daemon; with one of these it is about the nodes the controller knows.
NODE_VERBS: Final = frozenset(
    {
        "list",
        "show",
        "create",
        "add",
        "update",
        "shut-out",
        "waiting",
        "bind",
        "claim-code",
        "order",
    }
)


def main(arguments: Sequence[str] | None = None) -> int:
    """What the shell calls. Returns the exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or words[0] in ("-h", "--help", "help"):
        print(usage())
        return 0 if words else 2
    if words[0] == "--version":
        return _print_version()
    command, rest = _meant(words)
    if command is None:
        return _fail(
            2,
            f"Không có lệnh «{words[0]}»: chạy «loalang --help» để xem các lệnh.",
            f"There is no command '{words[0]}': 'loalang --help' lists them.",
        )
    try:
        run = cast(Main, importlib.import_module(command.module).main)
    except ModuleNotFoundError as missing:
        return _missing(command, missing)
    return run(rest)


def usage() -> str:
    """The list of commands, in the shell's language."""
    lines = {name: (command.vi, command.en) for name, command in COMMANDS.items()} | ADMINISTRATION
    which = 0 if _vietnamese() else 1
    head = ("Cách dùng: loalang LỆNH …", "Usage: loalang COMMAND …")[which]
    return "\n".join([head, *(f"  {name:<12}{texts[which]}" for name, texts in lines.items())])


def _meant(words: list[str]) -> tuple[Command | None, list[str]]:
    name = words[0]
    about_nodes = name == "node" and len(words) > 1 and words[1] in NODE_VERBS
    if name in ADMINISTRATION or about_nodes:
        return Command("controller.cli", "controller", "", ""), words
    return COMMANDS.get(name), words[1:]


def _missing(command: Command, missing: ModuleNotFoundError) -> int:
    if (missing.name or "").partition(".")[0] in ROOTS:
        return _fail(
            1,
            f"Bản cài này thiếu phần {missing.name}: hãy cài lại loalang.",
            f"This installation lacks {missing.name}: install loalang again.",
        )
    line = f"pip install 'loalang[{command.extra}]'"
    return _fail(
        1,
        f"Lệnh này cần thêm gói {missing.name}: hãy chạy {line}",
        f"This command needs the package {missing.name}: run {line}",
    )


def _print_version() -> int:
    from importlib.metadata import version

    print(f"loalang {version('loalang')}")
    return 0


def _fail(status: int, vi: str, en: str) -> int:
    print(vi if _vietnamese() else en, file=sys.stderr)
    return status


def _vietnamese() -> bool:
    chosen = (os.environ.get(name) for name in ("LOALANG_LANGUAGE", "LC_ALL", "LANG"))
    return next((text for text in chosen if text), "").startswith("vi")


if __name__ == "__main__":
    raise SystemExit(main())
