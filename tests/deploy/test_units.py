"""The systemd units under systemd's own eyes, and the tool that switches the amplifier off."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

DEPLOY = Path(__file__).parents[2] / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
# systemd's own figure: 0 is locked in, 10 is wide open; an ordinary unit has 9.6.
EXPOSURE = {
    "loalang-signer.service": 2.0,
    "loalang-broker-access.service": 3.0,
    "loalang-controller.service": 2.0,
    "loalang-web.service": 2.0,
    "loalang-first-boot.service": 4.0,
    "loalang-node.service": 2.5,
    "loalang-stick@.service": 9.0,  # it mounts, as root, and ends
}


def lines_of(name):
    return (DEPLOY / "systemd" / name).read_text().splitlines()


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_systemd_finds_nothing_wrong(unit, tmp_path):
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    for source in UNITS:  # the programs are not installed here, everything else is as shipped
        text = re.sub(r"/opt/loalang/\S+", str(program), source.read_text())
        (tmp_path / source.name).write_text(text)
    run = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", tmp_path / unit.name],
        capture_output=True,
        text=True,
    )
    assert "loalang" not in run.stderr, run.stderr
    assert run.returncode == 0


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_a_unit_is_locked_in(unit):
    limit = int(EXPOSURE[unit.name] * 10)
    run = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", f"--threshold={limit}", unit],
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout


@pytest.mark.parametrize("name", ["loalang-controller.service", "loalang-node.service"])
def test_a_daemon_is_started_again_for_ever(name):
    lines = lines_of(name)
    assert {"Type=notify", "NotifyAccess=all", "Restart=always", "StartLimitIntervalSec=0"} <= set(
        lines
    )
    assert any(line.startswith("WatchdogSec=") for line in lines)


def values(name, key):
    """Every word of a setting that may stand several times."""
    lines = [line for line in lines_of(name) if line.startswith(f"{key}=")]
    return {word for line in lines for word in line.partition("=")[2].split()}


def test_the_pages_are_another_user_who_gets_no_key():
    service, pages = "loalang-controller.service", "loalang-web.service"
    assert values(service, "User") == {"loalang"}
    assert (values(pages, "User"), values(pages, "Group")) == ({"loalang-web"}, {"loalang-web"})
    assert not values(pages, "SupplementaryGroups")
    assert not values(pages, "LoadCredential")
    assert "--no-pages" in values(service, "ExecStart")
    shut = {path.lstrip("-") for path in values(pages, "InaccessiblePaths")}
    keys = {"/var/lib/loalang-service/keys", "/var/lib/loalang-service/broker"}
    assert shut >= keys | {"/etc/loalang/broker"}
    assert values(pages, "ReadWritePaths") == {"/var/lib/loalang", "/var/lib/loalang-web"}
    assert values(service, "InaccessiblePaths") == {"-/var/lib/loalang-web"}
    for unit in (service, pages):
        assert values(unit, "UMask") == {"0007"}
        assert not values(unit, "StateDirectory"), "systemd would give all of it one owner"


def test_pages_are_started_again_for_ever():
    lines = lines_of("loalang-web.service")
    assert {"Type=notify", "Restart=always", "StartLimitIntervalSec=0"} <= set(lines)


def test_the_amplifier_is_off_before_the_node_and_after_it():
    commands = [line for line in lines_of("loalang-node.service") if "amplifier-off" in line]
    assert [line.partition("=")[0] for line in commands] == ["ExecStartPre", "ExecStopPost"]
    assert all("+/" in line for line in commands), "root must drive the pin"


class Tools:
    """A folder of stand-in GPIO tools, each of which writes down how it was called."""

    def __init__(self, root):
        self.folder, self.calls = root / "tools", root / "calls"
        self.folder.mkdir()
        for name in ("sed", "head"):
            (self.folder / name).symlink_to(shutil.which(name))

    def __call__(self, name, body="exit 0"):
        tool = self.folder / name
        tool.write_text(f'#!/bin/sh\necho "{name} $*" >>"{self.calls}"\n{body}\n')
        tool.chmod(0o755)


@pytest.fixture
def tools(tmp_path):
    return Tools(tmp_path)


@pytest.fixture
def settings(tmp_path):
    path = tmp_path / "node.toml"
    path.write_text("amplifier_pin = 17\n")
    return path


def switch_off(tools, settings):
    return subprocess.run(
        ["/bin/sh", DEPLOY / "bin" / "amplifier-off", settings],
        env={"PATH": str(tools.folder)},
        capture_output=True,
        text=True,
    )


def test_pinctrl_drives_the_pin_low(tools, settings):
    tools("pinctrl")
    assert switch_off(tools, settings).returncode == 0
    assert tools.calls.read_text() == "pinctrl set 17 op dl\n"


def test_the_pin_and_its_sense_come_from_the_settings(tools, settings):
    settings.write_text(
        'broker_url = "mqtts://x"\namplifier_pin = 22\namplifier_active_high = false\n'
    )
    tools("pinctrl")
    switch_off(tools, settings)
    assert tools.calls.read_text() == "pinctrl set 22 op dh\n"


def test_every_amplifier_is_driven_to_its_own_off(tools, settings):
    settings.write_text(
        'amplifier_pin = 17\namplifier_zones = ["market:22:low:800", "school:23"]  # two more\n'
    )
    tools("pinctrl")
    assert switch_off(tools, settings).returncode == 0
    assert tools.calls.read_text().splitlines() == [
        "pinctrl set 17 op dl",
        "pinctrl set 22 op dh",
        "pinctrl set 23 op dl",
    ]


def test_an_older_tool_takes_over_where_the_newer_fails(tools, settings):
    tools("pinctrl", "exit 1")
    tools("raspi-gpio")
    assert switch_off(tools, settings).returncode == 0
    assert tools.calls.read_text().splitlines()[-1] == "raspi-gpio set 17 op dl"


@pytest.mark.parametrize(
    ("version", "call"),
    [("v1.6.3", "gpioset gpiochip0 17=0"), ("v2.2.1", "gpioset --toggle 0 --chip gpiochip0 17=0")],
)
def test_both_generations_of_gpioset_are_spoken(tools, settings, version, call):
    # What it really prints: the licence's name holds a version too.
    about = f"echo 'gpioset (libgpiod) {version}'; echo 'License: LGPLv2.1'"
    tools("gpioset", f'if [ "$1" = --version ]; then {about}; fi')
    assert switch_off(tools, settings).returncode == 0
    assert tools.calls.read_text().splitlines()[-1] == call


def test_no_tool_at_all_is_said_aloud(tools, settings):
    run = switch_off(tools, settings)
    assert run.returncode == 1
    assert "pin 17 was not switched" in run.stderr


def test_a_pin_that_is_no_number_is_refused(tools, settings):
    settings.write_text('amplifier_pin = "GPIO17"\n')
    tools("pinctrl")
    assert switch_off(tools, settings).returncode == 1
    assert not tools.calls.exists()


@pytest.mark.parametrize("text", ["", "amplifier_pin = -1\n", "[other]\namplifier_pin = 17\n"])
def test_a_node_without_an_amplifier_touches_no_pin(tools, settings, text):
    settings.write_text(text)
    tools("pinctrl")
    assert switch_off(tools, settings).returncode == 0
    assert not tools.calls.exists()


def test_the_node_may_ask_whether_its_clock_is_synchronised():
    filters = [line for line in lines_of("loalang-node.service") if "SystemCallFilter" in line]
    assert filters[-1] == "SystemCallFilter=adjtimex clock_adjtime", "a later line beats an earlier"
    assert "ProtectClock=yes" not in lines_of("loalang-node.service"), "it forbids adjtimex too"
