"""An emergency on many nodes: from the press to the first frame, over a real broker and service.

    python -m benchmarks.emergency [--nodes N]

First with a clip of 10 s that no node has, then once more with the same clip, now held by all. The
nodes are real agents without sound (`loalang simulate`); "first frame" is the
instant their player starts. All of them, broker and controller share this one machine.
"""

import argparse
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine, select

from audio_library.store import Store
from controller import commands, database, schema, settings
from controller.accounts.access import SYSTEM
from controller.area_changes import area_edits
from controller.area_changes.area_edits import AreaInput
from controller.emergency import emergencies
from controller.emergency.emergencies import EmergencyInput
from controller.fleet import nodes
from controller.fleet.nodes import NodeInput
from controller.keys import signing
from controller.models import Airing, ClipVersion, Device, DeviceBinding, Playback
from controller.settings import Settings
from device.identity import load_key
from tests.controller.factories import make_clip
from tests.support.broker import Broker

CLIP_BYTES = 45_000  # 10 s at 36 kbit/s
CLIP_MS = 10_000
PATIENCE_S = 240.0


def settle(engine: Engine, chosen: Settings, folder: Path, count: int) -> tuple[str, str]:
    """An area with `count` nodes whose devices are enrolled, and a clip: (area id, clip id)."""
    now = datetime.now(UTC)
    with database.transaction(engine) as session:
        area = area_edits.create(session, SYSTEM, AreaInput("Xã", "xã"), now - timedelta(days=1))
        for number in range(count):
            data = NodeInput(f"n{number}", f"n{number}", area.id)
            node, _ = nodes.create(session, SYSTEM, data, now - timedelta(days=1))
            place = folder / f"{number:05d}"
            place.mkdir(parents=True)
            shown = load_key(place).verify_key
            session.add(Device(id=shown.device_id, public_key=shown.hex, first_seen_at=now))
            session.flush()
            session.add(DeviceBinding(node_id=node.id, device_id=shown.device_id, from_at=now))
        clip = make_clip(session, title="Lũ", area_id=area.id, duration_ms=CLIP_MS)
        version = session.scalars(select(ClipVersion)).one()
        version.sha256 = Store(chosen.store_dir).put_bytes(secrets.token_bytes(CLIP_BYTES))
        version.bytes = CLIP_BYTES
        return area.id, clip.id


def press(engine: Engine, chosen: Settings, area_id: str, clip_id: str) -> str:
    """Begin an emergency; the id of its airing."""
    with database.transaction(engine) as session:
        data = EmergencyInput(clip_id, [area_id], drill=False)
        emergency = emergencies.begin(session, SYSTEM, data, datetime.now(UTC))
        session.flush()
        query = select(Airing.id).where(Airing.emergency_id == emergency.id)
        airing_id = session.scalars(query).one()
    commands.wake(chosen.wake_path)
    return airing_id


def wait(what: str, done: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while not done():
        if time.monotonic() > deadline_s:
            raise SystemExit(f"{what}: not within {PATIENCE_S:.0f} s")
        time.sleep(0.2)


def measure(engine: Engine, chosen: Settings, place: tuple[str, str], count: int) -> list[float]:
    """Seconds from the press to the first frame of every node, sorted."""
    pressed = datetime.now(UTC)
    airing_id = press(engine, chosen, *place)
    query = select(Playback.started_at).where(
        Playback.airing_id == airing_id,
        Playback.started_at.is_not(None),
        Playback.reported_at.is_not(None),  # before its end a row has the instant of its record
    )

    def started() -> list[datetime]:
        with database.reading(engine) as session:
            return [at for at in session.scalars(query) if at is not None]

    wait("every node sounds", lambda: len(started()) == count)
    return sorted((at - pressed).total_seconds() for at in started())


def told(name: str, delays: list[float]) -> None:
    p99 = delays[min(len(delays) - 1, int(len(delays) * 0.99))]
    middle = delays[len(delays) // 2]
    print(f"{name:20} {len(delays)} nodes, middle {middle:.2f} s, p99 {p99:.2f} s", flush=True)


def run(count: int, folder: Path, broker: Broker) -> None:
    environment = {
        "LOALANG_DATA_DIR": str(folder / "controller"),
        "LOALANG_BROKER_URL": broker.url,
    }
    chosen = settings.load(environment)
    chosen.data_dir.mkdir()
    engine = database.open_engine(chosen.database_url)
    schema.upgrade(engine)
    place = settle(engine, chosen, folder / "nodes", count)
    key = signing.load_or_create(chosen.signing_key_file).verify_key
    python = [sys.executable, "-m"]
    simulate = ["device.simulate", "--nodes", str(count), "--broker-url", broker.url]
    simulate += ["--controller-key", key.hex, "--dir", str(folder / "nodes"), "--report-s", "3600"]
    children = [
        subprocess.Popen(
            [*python, "controller.service"],
            env={**os.environ, **environment},
            stderr=subprocess.DEVNULL,
        ),
        subprocess.Popen([*python, *simulate], stderr=subprocess.DEVNULL),
    ]
    try:
        online = select(Device.status).where(Device.online, Device.status.is_not(None))

        def all_settled() -> bool:
            with database.reading(engine) as session:
                said = [status for status in session.scalars(online) if status]
            busy = ("fetching", "playing")
            ready = [s for s in said if s["schedules"] and not any(s[name] for name in busy)]
            return len(ready) == count

        wait("every node is online", all_settled)
        told("clip not held", measure(engine, chosen, place, count))
        wait("every node is silent again", all_settled)
        told("clip held", measure(engine, chosen, place, count))
    finally:
        for child in reversed(children):
            child.terminate()
            child.wait(20)
        engine.dispose()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=200)
    asked = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as name,
        Broker.started(Path(name) / "broker") as broker,
    ):
        run(asked.nodes, Path(name), broker)


if __name__ == "__main__":
    main()
