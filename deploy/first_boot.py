"""A node's first boot: takes over the `loalang.toml` a technician put on the card or on a stick.

That one file holds the node's settings (as in device/settings.py), the broker's authority and hints
for the network. It is split into what the node reads (/etc/loalang/node.toml and ca.crt) and what
NetworkManager reads. Run as root at every boot and when a USB stick is plugged in; a file that says
nothing new changes nothing, and one with a mistake leaves the node as it was.
"""

import argparse
import logging
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.files import write_atomically
from deploy.node_settings import NodeFileError, Plan, plan_of

log = logging.getLogger("loalang.first_boot")

FILE_NAME = "loalang.toml"
RESULT_NAME = "loalang-result.txt"


@dataclass(frozen=True, slots=True)
class Places:
    """Where things are on a Raspberry Pi; a test has its own."""

    boot: tuple[Path, ...] = (Path("/boot/firmware"), Path("/boot"))
    sticks: Path = Path("/dev/disk/by-id")
    mount_point: Path = Path("/run/loalang-first-boot/stick")
    settings: Path = Path("/etc/loalang")
    connections: Path = Path("/etc/NetworkManager/system-connections")
    group: str | None = "loalang"


def take_over(source: Path, places: Places) -> list[Path]:
    """Lays down what the file asks for; returns the files that changed.

    Raises NodeFileError when the file cannot be used; nothing has changed then.
    """
    try:
        content = tomllib.loads(source.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        raise NodeFileError(f"{source.name} cannot be read: {error}.") from error
    plan = plan_of(content, authority_file=places.settings / "ca.crt")
    return _lay_down(plan, places)


def _lay_down(plan: Plan, places: Places) -> list[Path]:
    wanted = {places.settings / name: text for name, text in plan.settings.items()}
    wanted |= {places.connections / name: text for name, text in plan.connections.items()}
    changed = []
    # The authority goes first: after a power cut in between, the old settings still find one.
    for path, text in wanted.items():
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        ours = path.parent == places.settings
        write_atomically(path, text.encode(), mode=0o640 if ours else 0o600)
        if ours and places.group:
            shutil.chown(path, group=places.group)
        changed.append(path)
    return changed


def look_everywhere(places: Places) -> tuple[list[Path], list[str]]:
    """Boot partition first, then every stick: what changed, and what was wrong."""
    changed: list[Path] = []
    problems: list[str] = []
    for folder in _folders(places):
        try:
            found = take_over(folder / FILE_NAME, places)
        except NodeFileError as error:
            problems.append(str(error))
            _leave_word(folder, f"Tệp có lỗi, cấu hình cũ được giữ nguyên. {error}")
        else:
            changed += found
            if found:
                _leave_word(folder, "The settings were taken over. Đã nhận cấu hình.")
    return changed, problems


def _folders(places: Places) -> Iterator[Path]:
    for boot in places.boot:
        if (boot / FILE_NAME).is_file():
            yield boot
            break
    for device in sorted(places.sticks.glob("usb-*-part*")):
        with _mounted(device, places.mount_point) as folder:
            if folder is not None and (folder / FILE_NAME).is_file():
                yield folder


@contextmanager
def _mounted(device: Path, mount_point: Path) -> Iterator[Path | None]:
    """The stick's files, read-only, or None when it cannot be mounted."""
    mount_point.mkdir(parents=True, exist_ok=True)
    run = subprocess.run(
        ["mount", "-o", "ro,nosuid,nodev,noexec", device, mount_point],
        capture_output=True,
        text=True,
    )
    if run.returncode != 0:
        log.warning("%s cannot be mounted: %s", device.name, run.stderr.strip())
        yield None
        return
    try:
        yield mount_point
    finally:
        subprocess.run(["umount", mount_point], check=False)


def _leave_word(folder: Path, sentence: str) -> None:
    """A technician without a screen reads the result on the card, in any laptop."""
    result = folder / RESULT_NAME
    if os.access(folder, os.W_OK):
        try:
            result.write_text(sentence + "\n", encoding="utf-8")
        except OSError as error:
            log.warning("%s cannot be written: %s", result, error)


def _from(file: Path | None, places: Places) -> tuple[list[Path], list[str]]:
    """One file named by the installer, or wherever a technician may have put it."""
    if file is None:
        return look_everywhere(places)
    try:
        return take_over(file, places), []
    except NodeFileError as error:
        return [], [str(error)]


def main(arguments: list[str] | None = None) -> int:
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    parser = argparse.ArgumentParser(prog="deploy.first_boot", description=__doc__)
    parser.add_argument("--file", type=Path, help="this file, and no card or stick")
    options = parser.parse_args(arguments)
    places = Places()
    try:
        changed, problems = _from(options.file, places)
    except OSError as error:
        log.error("The settings could not be laid down: %s", error)
        return 1
    for problem in problems:
        log.error("%s The node keeps the settings it has.", problem)
    if changed:
        log.info("Changed: %s", ", ".join(str(path) for path in changed))
        _tell(any(path.parent == places.connections for path in changed))
    return 1 if problems else 0


def _tell(network_changed: bool) -> None:
    """Lets NetworkManager and the node read anew, where they run already."""
    if network_changed and shutil.which("nmcli"):
        subprocess.run(["nmcli", "connection", "reload"], check=False)
    if Path("/run/systemd/system").is_dir():
        # At boot the node is not running yet and starts with the new settings anyway.
        subprocess.run(
            ["systemctl", "--no-block", "try-restart", "loalang-node.service"], check=False
        )


if __name__ == "__main__":
    sys.exit(main())
