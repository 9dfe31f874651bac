"""A board of files: what is there is read, what is missing is None."""

import os

import pytest

from device.board import BoardReader, boot_reason
from protocol.messages import Board

WIRELESS = """Inter-| sta-|   Quality        |   Discarded packets               | Missed | WE
 face | tus | link level noise |  nwid  crypt   frag  retry   misc | beacon | 22
 wlan0: 0000   54.  -56.  -256        0      0      0      0      0        0
"""


@pytest.fixture
def root(tmp_path):
    """A Pi's /sys and /proc as far as the reader looks."""
    device = tmp_path.stat().st_dev
    disk = tmp_path / "sys/devices/mmc0/block/mmcblk0"
    files = {
        "sys/class/thermal/thermal_zone0/temp": "48312\n",
        "sys/devices/platform/soc/soc:firmware/get_throttled": "50005\n",
        "sys/devices/mmc0/block/mmcblk0/stat": " 1 2 3 4 5 6 2000 8 9 10 11\n",
        "sys/devices/mmc0/block/mmcblk0/device/life_time": "0x03 0x01\n",
        "sys/devices/mmc0/block/mmcblk0/device/pre_eol_info": "0x01\n",
        "sys/devices/mmc0/block/mmcblk0/mmcblk0p2/partition": "2\n",
        "proc/net/wireless": WIRELESS,
        "proc/uptime": "3600.25 7000.00\n",
    }
    for name, content in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    link = tmp_path / f"sys/dev/block/{os.major(device)}:{os.minor(device)}"
    link.parent.mkdir(parents=True)
    link.symlink_to(disk / "mmcblk0p2")
    return tmp_path


def test_a_pi_tells_of_heat_power_card_and_signal(root):
    board = BoardReader(root, root=root, boot_reason="power").read(written_before=10)
    assert board == Board(
        temperature_c=48.3,
        under_voltage=True,
        throttled=True,
        power_was_low=True,
        boot_reason="power",
        boot_s=3600,
        card_life_pct=30,
        written_bytes=10 + 2000 * 512,
        link="wlan0",
        signal_dbm=-56,
    )


def test_the_hardware_monitor_tells_of_under_voltage_where_the_firmware_does_not(root):
    (root / "sys/devices/platform/soc/soc:firmware/get_throttled").unlink()
    monitor = root / "sys/class/hwmon/hwmon1"
    monitor.mkdir(parents=True)
    (monitor / "name").write_text("rpi_volt\n")
    (monitor / "in0_lcrit_alarm").write_text("0\n")
    board = BoardReader(root, root=root).read()
    assert (board.under_voltage, board.throttled) == (False, None)


def test_a_card_near_its_end_says_so(root):
    (root / "sys/devices/mmc0/block/mmcblk0/device/pre_eol_info").write_text("0x03\n")
    assert BoardReader(root, root=root).read().card_life_pct == 100


def test_a_machine_that_tells_nothing_is_no_error(tmp_path):
    assert BoardReader(tmp_path, root=tmp_path / "nothing").read() == Board()


def test_garbage_in_the_files_is_no_error(root):
    for name in ("sys/class/thermal/thermal_zone0/temp", "proc/net/wireless"):
        (root / name).write_text("a\nb\nc: d e f\n")
    board = BoardReader(root, root=root).read()
    assert (board.temperature_c, board.signal_dbm) == (None, None)


@pytest.mark.parametrize(
    ("first", "same", "well", "watchdog", "reason"),
    [
        (True, False, False, False, "first"),
        (False, True, True, False, "restart"),
        (False, True, False, False, "crash"),
        (False, False, True, False, "reboot"),
        (False, False, False, False, "power"),
        (False, False, False, True, "watchdog"),
    ],
)
def test_why_it_began(first, same, well, watchdog, reason):
    said = boot_reason(first=first, same_boot=same, ended_well=well, watchdog=watchdog)
    assert said == reason
