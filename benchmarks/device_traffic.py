"""What an idle node's link costs a month: bytes through a counting road between it and the broker.

A real node with a hundred clips in its schedule idles against a real mosquitto; beside it what the
plain way would cost, which says the whole status every minute. TCP/IP headers are reckoned: 40
bytes a segment each way, 29 more for TLS.

    python benchmarks/device_traffic.py [--minutes 3]
"""

import argparse
import sys
import tempfile
import threading
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from protocol.codec import to_json
from protocol.envelope import Heading, MessageType, seal
from protocol.keys import SigningKey
from protocol.messages import Status
from tests.device.conftest import Broker, NodeProcess
from tests.device.double import ControllerDouble
from tests.device.test_story import bound
from tests.support.proxy import Proxy

BEAT_S = 10  # beats come six times as fast as on a mast, and are counted as what they would be
MONTH_MIN = 30 * 24 * 60
SEGMENT_BYTES = 2 * 40 + 29
PROBE_BYTES = 2 * 40  # TCP's own, half a minute after a beat
CLIPS = 100
AIRINGS_A_MONTH = 20 * 30
STATUSES_AN_AIRING = 6


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=3.0)
    minutes = parser.parse_args().minutes
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        broker = Broker(folder)
        road = Proxy(broker.port)
        controller = ControllerDouble(
            broker.port, config=lambda d: replace(bound(d), status_interval_s=BEAT_S)
        )
        node = NodeProcess(
            folder / "node", broker, controller, broker_url=f"mqtt://127.0.0.1:{road.port}"
        )
        try:
            measure(controller, road, minutes)
        finally:
            node.stop()
            controller.close()
            road.close()
            broker.kill()
    return 0


def measure(controller: ControllerDouble, road: Proxy, minutes: float) -> None:
    device_id = controller.wait(lambda: next(iter(controller.statuses), None))
    threading.Event().wait(5.0)
    before, beats = road.up + road.down, len(controller.beats)
    threading.Event().wait(minutes * 60)
    beats = len(controller.beats) - beats
    beat = (road.up + road.down - before) / max(beats, 1) + SEGMENT_BYTES
    status = controller.status(device_id)
    small = sealed_bytes(replace(status, holds=(), holds_same=True)) + 2 * SEGMENT_BYTES
    whole = sealed_bytes(replace(status, holds=("f" * 64,) * CLIPS)) + 2 * SEGMENT_BYTES
    month = (beat + PROBE_BYTES) * MONTH_MIN + whole * 24 * 30
    airings = small * AIRINGS_A_MONTH * STATUSES_AN_AIRING
    print(f"{beats} beats, each on the line     {beat:8.0f} bytes")
    print(f"a status, clips left out         {small:8.0f} bytes")
    print(f"a whole status, {CLIPS} clips        {whole:8.0f} bytes")
    print(f"idle month, a beat a minute      {month / 1e6:8.1f} MB")
    print(f"  with 20 airings a day          {(month + airings) / 1e6:8.1f} MB")
    print(f"idle month, whole status instead {whole * MONTH_MIN / 1e6:8.1f} MB")


def sealed_bytes(status: Status) -> int:
    heading = Heading("main", "site", "d" * 32, 1, status.at, status.at)
    assert to_json(status)
    return len(seal(MessageType.STATUS, heading, status, [SigningKey.generate()])) + 90


if __name__ == "__main__":
    sys.exit(main())
