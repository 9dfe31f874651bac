"""The command `loalang` finds the right part and says plainly what is missing."""

import subprocess
import sys
from pathlib import Path

import pytest

from controller import cli as administration
from deploy import cli

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def english(monkeypatch):
    monkeypatch.setenv("LOALANG_LANGUAGE", "en")


def program(source):
    run = subprocess.run(
        [sys.executable, "-c", source], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    return run.returncode, run.stdout, run.stderr


def test_help_lists_every_command(capsys):
    assert cli.main(["--help"]) == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in (*cli.COMMANDS, *cli.ADMINISTRATION))


def test_help_speaks_the_shells_language(capsys, monkeypatch):
    monkeypatch.setenv("LOALANG_LANGUAGE", "vi")
    cli.main(["--help"])
    assert "Cách dùng" in capsys.readouterr().out


def test_no_command_is_wrong_use(capsys):
    assert cli.main([]) == 2


def test_an_unknown_command_is_one_sentence_on_stderr(capsys):
    assert cli.main(["broadcast"]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err == "There is no command 'broadcast': 'loalang --help' lists them.\n"


def test_a_missing_package_is_told_with_the_pip_line():
    status, _out, err = program(
        "import sys; sys.modules['gunicorn'] = None\n"
        "from deploy.cli import main; sys.exit(main(['web']))"
    )
    assert status == 1
    assert err.count("\n") == 1
    assert "pip install 'loalang[controller]'" in err


def test_a_missing_part_of_ours_is_not_blamed_on_pip(capsys, monkeypatch):
    monkeypatch.setitem(cli.COMMANDS, "demo", cli.Command("deploy.nowhere", "controller", "", ""))
    assert cli.main(["demo"]) == 1
    assert "pip" not in capsys.readouterr().err


def test_the_command_itself_loads_nothing():
    _status, out, _err = program(
        "import sys, deploy.cli as c; c.main(['--help'])\n"
        "print(*{m.partition('.')[0] for m in sys.modules} & (c.ROOTS - {'deploy'}), 'end')"
    )
    assert out.splitlines()[-1] == "end"


@pytest.mark.parametrize(
    ("words", "module"),
    [
        (["node"], "device.agent"),
        (["node", "--config", "node.toml"], "device.agent"),
        (["node", "check-config"], "device.agent"),
        (["node", "list", "--json"], "controller.cli"),
        (["user", "create"], "controller.cli"),
        (["controller", "check-config"], "deploy.supervisor"),
    ],
)
def test_a_node_is_a_daemon_or_something_to_administer(words, module):
    command, _rest = cli._meant(words)
    assert command is not None
    assert command.module == module


def test_every_word_of_the_administration_is_known_to_the_command():
    words = administration.parser()._subparsers._group_actions[0].choices
    assert set(words) - {"node"} == set(cli.ADMINISTRATION)
