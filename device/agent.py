"""The node's program: settings in, one node on one loop, until somebody ends it. Read this first.

start: settings → node (key, counters, stores) → player and amplifier keeper → plan → link
stop:  sound and amplifier → last word → link → stores
"""

import argparse
import logging
import os
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from device.board import BoardReader, kernel_boot_id
from device.doctor import doctor
from device.errors import ConfigError
from device.identity import load_key
from device.logs import RecentLines
from device.loop import Loop
from device.modem import ModemGauge
from device.node import Equipment, Node
from device.notify import Notifier
from device.priority import be_urgent
from device.reporting import check_config
from device.settings import Settings, config_path, load
from protocol.claims import device_code

log = logging.getLogger(__name__)


def main(argv: list[str] | None = None) -> int:
    """`loalang node [run|check-config|doctor|code] [--config FILE]`; the exit status."""
    options = _parser().parse_args(argv)
    try:
        settings = load(config_path(options.config), os.environ)
    except ConfigError as error:
        for problem in error.problems:
            print(f"loalang node: {problem}", file=sys.stderr)
        return 2
    if options.what == "check-config":
        return check_config(settings)
    if options.what == "code":
        print(device_code(load_key(settings.data_dir).verify_key))
        return 0
    if options.what == "doctor":
        return doctor(settings)
    return run(settings)


def run(settings: Settings) -> int:
    """Until SIGTERM, SIGINT, or a restart that was ordered."""
    logging.basicConfig(
        level=settings.log_level.upper(), format="%(levelname)s %(name)s: %(message)s"
    )
    be_urgent(-5)
    loop = Loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: loop.call_from_thread(loop.stop))
    notifier = Notifier(os.environ)
    lines = RecentLines()
    logging.getLogger().addHandler(lines)
    node = Node(
        loop,
        settings,
        equipment=Equipment(
            hardware=board(),
            boot_id=kernel_boot_id(),
            board=BoardReader(settings.data_dir, modem=ModemGauge()),
            log_tail=lines.tail,
            spare_dir=_spare_dir(os.environ),
        ),
    )
    node.start()
    notifier.say("READY=1")
    try:
        loop.run(_watchdog(loop, notifier))
    finally:
        notifier.say("STOPPING=1")
        node.stop()
        loop.close()
    return 0


def _watchdog(loop: Loop, notifier: Notifier) -> Callable[[], None]:
    """Fed by the turns of the loop that plays, so that a loop that hangs is started anew."""
    fed_at = 0.0

    def feed() -> None:
        nonlocal fed_at
        if notifier.watchdog_s and loop.monotonic() - fed_at >= notifier.watchdog_s:
            fed_at = loop.monotonic()
            notifier.say("WATCHDOG=1")

    return feed


def _spare_dir(environment: Mapping[str, str]) -> Path | None:
    """systemd's RuntimeDirectory, in memory; kept while the unit is started anew."""
    name = environment.get("RUNTIME_DIRECTORY", "").partition(":")[0]
    return Path(name) if name else None


def board() -> str:
    """What machine this is, for the page that lists devices."""
    model = Path("/sys/firmware/devicetree/base/model")
    if model.exists():
        return model.read_text(errors="replace").strip("\0 \n")
    return os.uname().machine


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="loalang node", description="The node on the loudspeaker's mast."
    )
    parser.add_argument(
        "what", nargs="?", default="run", choices=["run", "check-config", "doctor", "code"]
    )
    parser.add_argument("--config", metavar="FILE", help="settings in TOML")
    return parser


if __name__ == "__main__":
    sys.exit(main())
