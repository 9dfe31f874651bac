"""The installers' parts that need no clean machine; the whole is run in clean roots by hand."""

import os
import subprocess
from pathlib import Path

import pytest

DEPLOY = Path(__file__).parents[2] / "deploy"
INSTALLERS = ["install-controller.sh", "install-node.sh"]


def run(*command):
    return subprocess.run(command, capture_output=True, text=True)


def common(script):
    """Runs a line with the installers' common functions at hand."""
    return run("bash", "-euc", f'. "{DEPLOY}/install-common.sh"; {script}')


@pytest.mark.parametrize("name", INSTALLERS)
def test_an_installer_explains_itself(name):
    told = run(DEPLOY / name, "--help")
    assert told.returncode == 0
    assert f"sudo deploy/{name}" in told.stdout
    assert "#" not in told.stdout


@pytest.mark.parametrize("name", INSTALLERS)
def test_an_unknown_option_changes_nothing(name):
    told = run(DEPLOY / name, "--frobnicate")
    assert told.returncode == 2
    assert "--frobnicate" in told.stderr


@pytest.mark.parametrize(
    ("name", "arguments", "sentence"),
    [
        ("install-controller.sh", [], "--name"),
        ("install-controller.sh", ["--name", "x", "--https", "yes"], "caddy, internal or none"),
        ("install-node.sh", ["--pin", "GPIO17"], "BCM number"),
        ("install-node.sh", ["--settings", "/nowhere/loalang.toml"], "There is no file"),
    ],
)
def test_a_wrong_option_is_one_sentence(name, arguments, sentence):
    told = run(DEPLOY / name, *arguments)
    assert told.returncode == 2
    assert sentence in told.stderr


def test_firmware_lines_are_added_once_and_for_every_model(tmp_path):
    config = tmp_path / "config.txt"
    config.write_text("dtparam=audio=on\n[pi4]\narm_boost=1\n")
    add = f'add_firmware_lines "{config}" "gpio=17=op,dl" "dtparam=watchdog=on"'
    common(add)
    first = config.read_text()
    assert first.endswith("\n[all]\ngpio=17=op,dl\ndtparam=watchdog=on\n")
    common(add)
    assert config.read_text() == first


def test_only_what_is_shipped_is_copied(tmp_path):
    told = common(f'copy_source "{DEPLOY.parent}" "{tmp_path}/copy"')
    assert told.returncode == 0, told.stderr
    copied = {path.name for path in (tmp_path / "copy").iterdir()}
    assert "pyproject.toml" in copied
    assert not copied & {".venv", ".git", "tests"}
    assert not list((tmp_path / "copy").rglob("__pycache__"))


def test_the_administrators_command_passes_its_words_on(tmp_path):
    program = tmp_path / "program"
    program.write_text('#!/bin/sh\necho "$LOALANG_CONFIG" "$@"\n')
    program.chmod(0o755)
    common(f'link_command "{program}" "{tmp_path}/loalang" /etc/loalang/x.toml')
    # Another `id`, so that no user of this machine is needed.
    (tmp_path / "id").write_text("#!/bin/sh\necho loalang\n")
    (tmp_path / "id").chmod(0o755)
    told = subprocess.run(
        [tmp_path / "loalang", "user", "list all"],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
    )
    assert told.stdout == "/etc/loalang/x.toml user list all\n"


@pytest.fixture
def administration(tmp_path):
    """The controller's command over programs that say how they were called; who calls it."""
    (tmp_path / "bin").mkdir()
    for name, body in (
        ("loalang", 'echo "loalang $LOALANG_CONFIG $(umask) $*"; [ "$2" != fail ]'),
        ("python", 'echo "python $*"'),
        (
            "id",
            'case "$1:$WHO" in -un:*) echo "$WHO";; *:root) echo 0;; *) echo 7;; esac',
        ),
        ("runuser", 'echo "runuser $1 $2"; shift 3; exec "$@"'),
    ):
        (tmp_path / "bin" / name).write_text(f"#!/bin/sh\n{body}\n")
        (tmp_path / "bin" / name).chmod(0o755)
    told = common(f'link_controller "{tmp_path}" "{tmp_path}/command" /etc/x.toml')
    assert told.returncode == 0, told.stderr

    def call(*words, who="root"):
        return subprocess.run(
            [tmp_path / "command", *words],
            env={"PATH": f"{tmp_path}/bin:/usr/bin:/bin", "WHO": who},
            capture_output=True,
            text=True,
        )

    return call


def test_the_controllers_command_works_as_the_service(administration):
    told = administration("user", "list").stdout.splitlines()
    assert told == ["runuser -u loalang", "loalang /etc/x.toml 0007 user list"]
    assert administration("user", "list", who="loalang").stdout.splitlines() == told[1:]


def test_a_backup_and_a_restore_are_root_s_and_the_folders_are_set_right(administration):
    assert administration("backup", "f").stdout == "loalang /etc/x.toml 0077 backup f\n"
    told = administration("restore", "f")
    assert told.stdout.splitlines() == [
        "loalang /etc/x.toml 0077 restore f",
        "python -m deploy.folders --config /etc/x.toml",
    ]
    refused = administration("backup", "f", who="loalang")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "Run it as root" in refused.stderr
    failed = administration("restore", "fail")
    assert failed.returncode == 1
    assert "deploy.folders" in failed.stdout


def test_a_machine_without_root_is_told_what_to_install(tmp_path):
    """`make setup` as an ordinary user: nothing installed, nobody to ask, every name said."""
    for name, body in (("dpkg-query", "exit 0"), ("id", "echo 1000"), ("python3", "exit 0")):
        (tmp_path / name).write_text(f"#!/bin/sh\n{body}\n")
        (tmp_path / name).chmod(0o755)
    for name in ("sed", "grep", "bash"):
        (tmp_path / name).symlink_to(f"/usr/bin/{name}")
    told = subprocess.run(
        ["/usr/bin/bash", DEPLOY / "setup-system.sh"],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert told.returncode == 1
    assert "apt-get install" in told.stderr
    assert {"mosquitto", "postgresql", "chromium"} <= set(told.stderr.split())


def test_pages_are_built_again_when_their_source_is_newer(tmp_path):
    source, manifest = tmp_path / "web" / "a.ts", tmp_path / "web/dist/.vite/manifest.json"
    manifest.parent.mkdir(parents=True)
    for path in (tmp_path / "web" / "package.json", source, manifest):
        path.write_text("{}")
        os.utime(path, (1000, 1000))
    assert common(f'pages_are_built "{tmp_path}"').returncode == 0
    os.utime(source, (2000, 2000))
    assert common(f'pages_are_built "{tmp_path}"').returncode == 1
    manifest.unlink()
    assert common(f'pages_are_built "{tmp_path}"').returncode == 1
