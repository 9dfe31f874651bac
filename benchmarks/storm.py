"""A whole province back at once: thousands of connections to one broker and one service.

    python -m benchmarks.storm [--nodes N]

Each node is a bare MQTT 5 client with a session, a will, the subscriptions of a node and a signed
presence. All are on line; the broker is then killed and started with nothing on its disk, and every
node comes back by the product's own rule of waiting (drawn by lot, doubling). Prints when half and
95 % have their beacon from the service again, when the broker has every retained document again,
and how much memory broker and service took. The clients share this one machine with both.
"""

import argparse
import asyncio
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine

from controller import database, schema, settings
from controller.accounts.access import SYSTEM
from controller.area_changes import area_edits
from controller.area_changes.area_edits import AreaInput
from controller.fleet import nodes
from controller.fleet.nodes import NodeInput
from controller.keys import signing
from controller.models import Device, DeviceBinding
from protocol.envelope import Heading, MessageType, seal
from protocol.keys import SigningKey
from protocol.messages import Presence
from protocol.topics import Topics
from tests.support.broker import Broker

TOPICS = Topics("main")
QUICK_TRIES = 5
LONGEST_S = 120.0


def text(value: str | bytes) -> bytes:
    raw = value.encode() if isinstance(value, str) else value
    return len(raw).to_bytes(2) + raw


def packet(kind: int, body: bytes) -> bytes:
    length, rest = b"", len(body)
    while True:
        rest, digit = divmod(rest, 128)
        length += bytes([digit | (0x80 if rest else 0)])
        if not rest:
            return bytes([kind]) + length + body


class Client:
    """One node's connection, in as few bytes as MQTT needs."""

    def __init__(self, key: SigningKey, area_id: str, port: int) -> None:
        self.key, self.area_id, self.port = key, area_id, port
        self.device_id = key.verify_key.device_id
        self.back_s = 0.0  # monotonic; when the service's beacon came last
        self._seq = 0

    async def live(self) -> None:
        """Connect for ever, with the waits of a real node."""
        tries = 0
        while True:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
                try:
                    await self._session(reader, writer)
                finally:
                    writer.close()
            except (OSError, asyncio.IncompleteReadError):
                pass
            tries = 0 if self.back_s else tries + 1
            longest = 1.0 if tries < QUICK_TRIES else min(2.0 ** (tries - QUICK_TRIES), LONGEST_S)
            await asyncio.sleep(random.uniform(0.2, max(longest, 1.0)))

    async def _session(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        presence = TOPICS.from_device(self.device_id, "presence")
        will = b"\x00" + text(presence) + text(self._presence(online=False))
        properties = b"\x05\x11" + (3600).to_bytes(4)
        head = text("MQTT") + b"\x05\x26" + (60).to_bytes(2) + properties
        writer.write(packet(0x10, head + text(self.device_id) + will))
        own = [TOPICS.to_device(self.device_id, c) for c in ("config", "command", "ack", "beacon")]
        area = [TOPICS.schedule(self.area_id), TOPICS.area_state(self.area_id)]
        topics = [*own, *area, TOPICS.area_command(self.area_id), TOPICS.trust()]
        writer.write(packet(0x82, b"\x00\x01\x00" + b"".join(text(t) + b"\x00" for t in topics)))
        writer.write(packet(0x33, text(presence) + b"\x00\x02\x00" + self._presence(online=True)))
        while True:
            kind, length, shift = (await reader.readexactly(1))[0], 0, 0
            while (digit := (await reader.readexactly(1))[0]) & 0x80:
                length, shift = length | (digit & 0x7F) << shift, shift + 7
            body = await reader.readexactly(length | digit << shift)
            if kind >> 4 == 3 and body[2:].startswith(
                TOPICS.to_device(self.device_id, "beacon").encode()
            ):
                self.back_s = time.monotonic()

    def _presence(self, *, online: bool) -> bytes:
        self._seq += 1
        now = datetime.now(UTC)
        seq = time.time_ns() // 1000 + self._seq
        heading = Heading("main", "site", self.device_id, seq, now, now + timedelta(days=1))
        said = Presence(online, "boot", seq, f"n{self._seq}", "0", store_epoch="e")
        return seal(MessageType.PRESENCE, heading, said, [self.key])


def settle(engine: Engine, keys: list[SigningKey]) -> str:
    """An area with a bound node for every key; the area's id."""
    now = datetime.now(UTC)
    with database.transaction(engine) as session:
        area = area_edits.create(
            session, SYSTEM, AreaInput("Tỉnh", "tỉnh"), now - timedelta(days=1)
        )
        for number, key in enumerate(keys):
            data = NodeInput(f"n{number}", f"n{number}", area.id)
            node, _ = nodes.create(session, SYSTEM, data, now - timedelta(days=1))
            shown = key.verify_key
            session.add(Device(id=shown.device_id, public_key=shown.hex, first_seen_at=now))
            session.flush()
            session.add(DeviceBinding(node_id=node.id, device_id=shown.device_id, from_at=now))
        return area.id


def memory_mb(pid: int) -> int:
    """Resident memory of a process."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) // 1024


async def share(clients: list[Client], since_s: float, patience_s: float) -> list[float]:
    """When each had its beacon, in seconds from `since_s`; the list ends when patience does."""
    while time.monotonic() - since_s < patience_s:
        if all(client.back_s > since_s for client in clients):
            break
        await asyncio.sleep(0.2)
    return sorted(c.back_s - since_s for c in clients if c.back_s > since_s)


async def run(keys: list[SigningKey], area_id: str, broker: Broker, service: int) -> None:
    clients = [Client(key, area_id, broker.port) for key in keys]
    began_s = time.monotonic()
    lives = [asyncio.create_task(client.live()) for client in clients]
    told("all connect at once", await share(clients, began_s, 300.0), len(keys))
    for client in clients:
        client.back_s = 0.0
    broker.kill()
    broker.forget()
    await asyncio.sleep(2.0)
    broker.start()
    began_s = time.monotonic()
    told("broker killed, its state wiped", await share(clients, began_s, 300.0), len(keys))
    assert broker.process is not None
    print(f"memory: broker {memory_mb(broker.process.pid)} MB, service {memory_mb(service)} MB")
    for life in lives:
        life.cancel()
    await asyncio.gather(*lives, return_exceptions=True)


def told(name: str, back_s: list[float], count: int) -> None:
    enough = int(count * 0.95)
    last = f"95 % after {back_s[enough - 1]:.1f} s" if len(back_s) >= enough else "95 % never"
    half = back_s[len(back_s) // 2] if back_s else float("nan")
    print(f"{name:32} {len(back_s)} of {count} back, half after {half:.1f} s, {last}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=2000)
    asked = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with Broker.started(folder / "broker") as broker:
            environment = {
                "LOALANG_DATA_DIR": str(folder / "controller"),
                "LOALANG_BROKER_URL": broker.url,
            }
            chosen = settings.load(environment)
            chosen.data_dir.mkdir()
            engine = database.open_engine(chosen.database_url)
            schema.upgrade(engine)
            signing.load_or_create(chosen.signing_key_file)
            keys = [SigningKey.generate() for _ in range(asked.nodes)]
            area_id = settle(engine, keys)
            engine.dispose()
            service = subprocess.Popen(
                [sys.executable, "-m", "controller.service"],
                env={**os.environ, **environment},
                stderr=subprocess.DEVNULL,
            )
            try:
                asyncio.run(run(keys, area_id, broker, service.pid))
            finally:
                service.terminate()
                began_s = time.monotonic()
                service.wait(60)
                print(f"the service stopped in {time.monotonic() - began_s:.1f} s")


if __name__ == "__main__":
    main()
