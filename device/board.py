"""The hardware around the program, read from the kernel's files: heat, power, card, signal, boot.

Every file may be missing: then the value is None and nothing is said of it. `root` is where /sys
and /proc are looked for, so that a test can lay out a board of its own.
"""

import os
from collections.abc import Callable
from pathlib import Path

from protocol.messages import Board

_SECTOR = 512
_UNDER_VOLTAGE, _CAPPED, _THROTTLED = 1 << 0, 1 << 1, 1 << 2  # the firmware's bits, now
_WAS_UNDER_VOLTAGE = 1 << 16
_WATCHDOG_RESET = 0x20  # WDIOF_CARDRESET
_END_OF_LIFE_PCT = {2: 80, 3: 100}  # JEDEC pre_eol_info: warning, urgent


class BoardReader:
    """Reads a `Board`. `modem` gives a modem's signal in percent, None where there is none."""

    def __init__(
        self,
        data_dir: Path,
        *,
        root: Path = Path("/"),
        boot_reason: str = "",
        modem: Callable[[], int | None] = lambda: None,
    ) -> None:
        self._root = root
        self._modem = modem
        self._disk = _disk_of(data_dir, root)
        self.boot_reason = boot_reason

    def read(self, written_before: int = 0) -> Board:
        """How it is now. `written_before`: bytes written to the card in earlier boots."""
        bits = self._throttle_bits()
        written = self.written_this_boot()
        link, dbm = self._wireless()
        modem = self._modem() if not link else None
        return Board(
            temperature_c=self._temperature(),
            under_voltage=self._under_voltage(bits),
            throttled=None if bits is None else bool(bits & (_CAPPED | _THROTTLED)),
            power_was_low=None if bits is None else bool(bits & _WAS_UNDER_VOLTAGE),
            boot_reason=self.boot_reason,
            boot_s=self._uptime(),
            card_life_pct=self._card_life(),
            written_bytes=None if written is None else written_before + written,
            link=link or ("modem" if modem is not None else ""),
            signal_dbm=dbm,
            signal_pct=modem,
        )

    def written_this_boot(self) -> int | None:
        """Bytes the whole system wrote to the disk that holds the data, since boot."""
        fields = self._text(self._disk / "stat").split() if self._disk else []
        return int(fields[6]) * _SECTOR if len(fields) > 6 and fields[6].isdigit() else None

    def watchdog_reset(self) -> bool:
        """Whether the hardware watchdog ended the last boot."""
        raw = self._text(self._root / "sys/class/watchdog/watchdog0/bootstatus")
        return bool((_number(raw) or 0) & _WATCHDOG_RESET)

    def _temperature(self) -> float | None:
        raw = _number(self._text(self._root / "sys/class/thermal/thermal_zone0/temp"))
        return None if raw is None else round(raw / 1000, 1)

    def _throttle_bits(self) -> int | None:
        path = self._root / "sys/devices/platform/soc/soc:firmware/get_throttled"
        return _number("0x" + self._text(path).strip().removeprefix("0x"))

    def _under_voltage(self, bits: int | None) -> bool | None:
        if bits is not None:
            return bool(bits & _UNDER_VOLTAGE)
        for monitor in sorted((self._root / "sys/class/hwmon").glob("hwmon*")):
            if self._text(monitor / "name").strip() == "rpi_volt":
                alarm = _number(self._text(monitor / "in0_lcrit_alarm"))
                return None if alarm is None else bool(alarm)
        return None

    def _card_life(self) -> int | None:
        """Percent used up, in steps of ten, by what an eMMC (and a rare card) tells of itself."""
        if self._disk is None:
            return None
        life = [_number(word) for word in self._text(self._disk / "device/life_time").split()]
        used = [10 * step for step in life if step]
        reserve = _number(self._text(self._disk / "device/pre_eol_info"))
        used += [_END_OF_LIFE_PCT[reserve]] if reserve in _END_OF_LIFE_PCT else []
        return min(max(used), 100) if used else None

    def _wireless(self) -> tuple[str, int | None]:
        """The first wireless interface with a link, and its level."""
        for line in self._text(self._root / "proc/net/wireless").splitlines()[2:]:
            name, _, rest = line.partition(":")
            words = rest.split()
            if len(words) > 2:
                level = _number(words[2].rstrip("."))
                return name.strip(), level
        return "", None

    def _uptime(self) -> int:
        words = self._text(self._root / "proc/uptime").split()
        return int(float(words[0])) if words else 0

    @staticmethod
    def _text(path: Path) -> str:
        try:
            return path.read_text(errors="replace")
        except OSError:
            return ""


def boot_reason(*, first: bool, same_boot: bool, ended_well: bool, watchdog: bool) -> str:
    """Why the program began, from what the last one left behind."""
    if first:
        return "first"
    if same_boot:
        return "restart" if ended_well else "crash"
    if watchdog:
        return "watchdog"
    return "reboot" if ended_well else "power"


def _disk_of(folder: Path, root: Path) -> Path | None:
    """The whole disk under the file system of `folder`; None for memory and network."""
    try:
        device = folder.stat().st_dev
    except OSError:
        return None
    part = root / f"sys/dev/block/{os.major(device)}:{os.minor(device)}"
    if not part.exists():
        return None
    real = part.resolve()
    return real.parent if (real / "partition").exists() else real


def _number(text: str) -> int | None:
    try:
        return int(text.strip(), 0)
    except ValueError:
        return None


def kernel_boot_id() -> str:
    """The kernel's name for this boot."""
    path = Path("/proc/sys/kernel/random/boot_id")
    return path.read_text().strip() if path.exists() else "unknown"
