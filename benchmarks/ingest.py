"""Taking in reports: the real handler (signatures, folding, acknowledgements) beside bare inserts.

    python -m benchmarks.ingest [--devices N] [--batches N] [--database URL]

Prints reports per second: `bare` is the same reports in batched INSERT … ON CONFLICT DO NOTHING,
500 a transaction, nothing else done; `handler` is ingest as the service runs it, without a broker
(it verifies, reads, folds, and writes a playback beside every two reports); `end to end` is the
same once more, through a real mosquitto, from nodes in another process on this machine, each with
two batches on their way, until every node has the controller's own acknowledgement.
The first two take turns, and the middle of five counts: how fast a disk answers varies more from
one second to the next than what is compared. The database is a file with synchronous=FULL unless a
PostgreSQL URL is given.
"""

import argparse
import json
import multiprocessing
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue
from statistics import median

from sqlalchemy import Engine, delete

from controller import schema
from controller.accounts.access import SYSTEM
from controller.area_changes.area_edits import AreaInput, create
from controller.database import open_engine, sqlite_url, transaction
from controller.fleet import nodes
from controller.fleet.nodes import NodeInput
from controller.models import Device, DeviceBinding, NodeReport, Playback
from controller.mqtt.ingest import Ingest, Listeners
from controller.mqtt.link import Arrival, BrokerAddress, Link
from controller.mqtt.publisher import Publisher
from controller.upsert import insert_missing
from protocol import envelope
from protocol.codec import to_json
from protocol.envelope import Heading, MessageType
from protocol.keys import SigningKey
from protocol.messages import ClockReading, Report, ReportBatch
from protocol.outcomes import Outcome, ReportKind
from protocol.topics import Topics
from tests.support.broker import Broker

NOW = datetime(2026, 11, 22, 5, 0, tzinfo=UTC)
TOPICS = Topics("main")
BATCH = 50
TURNS = 5


class SilentLink(Link):
    """Counts what would be published."""

    def __init__(self) -> None:
        super().__init__(
            BrokerAddress("none", 1),
            "bench",
            [],
            make_will=lambda: ("", b""),
            on_up=lambda _: None,
            on_arrival=lambda _: None,
        )
        self.published = 0

    def publish(
        self,
        topic: str,
        payload: bytes,
        *,
        retain: bool = False,
        expires_in_s: int | None = None,
        timeout_s: float = 10.0,
    ) -> None:
        self.published += 1


def reports(first: int) -> tuple[Report, ...]:
    """A batch: started and finished of 25 airings."""
    found = []
    for seq in range(first, first + BATCH):
        kind = ReportKind.STARTED if seq % 2 else ReportKind.FINISHED
        at = NOW + timedelta(seconds=seq)
        found.append(
            Report(
                seq=seq,
                kind=kind,
                airing_id=f"airing-{(seq + 1) // 2:06}",
                planned_at=at,
                at=at,
                clock=ClockReading(True, "ntp", 3),
                outcome=Outcome.PLAYED if kind is ReportKind.FINISHED else None,
                started_at=at,
                start_error_ms=0.04,
                played_ms=60_000,
                length_ms=60_000,
            )
        )
    return tuple(found)


def settle(engine: Engine, keys: list[SigningKey]) -> None:
    """A village with a node for each key's device."""
    with transaction(engine) as session:
        area = create(session, SYSTEM, AreaInput("Xã", "xã"), NOW - timedelta(days=1))
        for number, key in enumerate(keys):
            shown = key.verify_key
            data = NodeInput(f"n{number}", f"n{number}", area.id)
            node, _code = nodes.create(session, SYSTEM, data, NOW - timedelta(days=1))
            session.add(Device(id=shown.device_id, public_key=shown.hex, first_seen_at=NOW))
            session.flush()
            binding = DeviceBinding(
                node_id=node.id, device_id=shown.device_id, from_at=NOW - timedelta(days=1)
            )
            session.add(binding)


def arrivals(keys: list[SigningKey], batches: int) -> Iterator[Arrival]:
    for number in range(batches):
        for key in keys:
            device_id = key.verify_key.device_id
            heading = Heading("main", "site", device_id, number + 1, NOW, NOW + timedelta(days=30))
            said = ReportBatch("epoch", reports(1 + number * BATCH))
            raw = envelope.seal(MessageType.REPORTS, heading, said, [key])
            yield Arrival(TOPICS.from_device(device_id, "report"), raw, 1, 1)


def bare(engine: Engine, keys: list[SigningKey], batches: int) -> float:
    """Reports per second of inserts alone."""
    rows = [
        {
            "device_id": key.verify_key.device_id,
            "store_epoch": "epoch",
            "seq": report.seq,
            "airing_id": report.airing_id,
            "received_at": NOW,
            "body": to_json(report),
        }
        for number in range(batches)
        for key in keys
        for report in reports(1 + number * BATCH)
    ]
    began = time.perf_counter()
    for start in range(0, len(rows), 500):
        with transaction(engine) as session:
            insert_missing(session, NodeReport, rows[start : start + 500])
    took_s = time.perf_counter() - began
    forget_reports(engine)
    return len(rows) / took_s


def made_ingest(engine: Engine, link: Link, done: Callable[[Arrival], None]) -> Ingest:
    return Ingest(
        engine,
        Publisher(engine, link, SigningKey.generate(), TOPICS, lambda: NOW),
        done,
        Listeners(lambda _: None, lambda *_: None, lambda: None),
        lambda: NOW,
        time.monotonic,
    )


def handled(engine: Engine, keys: list[SigningKey], batches: int) -> tuple[float, int]:
    """Reports per second of the real handler, and the acknowledgements it published."""
    link = SilentLink()
    ingest = made_ingest(engine, link, lambda _: None)
    waiting = list(arrivals(keys, batches))
    began = time.perf_counter()
    for arrival in waiting:
        ingest.put(arrival)
    while ingest.step(0):
        pass
    took_s = time.perf_counter() - began
    return len(waiting) * BATCH / took_s, link.published


def end_to_end(engine: Engine, keys: list[SigningKey], batches: int, url: str) -> float:
    """Reports per second through the broker, from nodes in another process until all have acks."""
    context = multiprocessing.get_context("spawn")
    told, tells = context.Pipe(duplex=False)
    hexes = [key.raw.hex() for key in keys]
    nodes = context.Process(target=send_all, args=(url, hexes, batches, tells))
    ours = Link(
        BrokerAddress.from_url(url),
        "ingest",
        TOPICS.everything_from_devices(),
        make_will=lambda: (TOPICS.controller_state(), b""),
        on_up=lambda _: nodes.start(),
        on_arrival=lambda arrival: ingest.put(arrival),
    )
    ingest = made_ingest(engine, ours, ours.acknowledge)
    ours.start()
    while not told.poll():
        ingest.step(0.1)
    took_s: float = told.recv()
    nodes.join()
    ours.stop()
    return len(keys) * batches * BATCH / took_s


def send_all(url: str, hexes: list[str], batches: int, tells: Connection) -> None:
    """Be the nodes: each has two batches on their way, and the next goes when one has its ack."""
    keys = [SigningKey.from_hex(text) for text in hexes]
    waiting: dict[str, list[Arrival]] = {}
    for arrival in arrivals(keys, batches):
        waiting.setdefault(arrival.topic.split("/")[4], []).append(arrival)
    up, acks = threading.Event(), SimpleQueue[Arrival]()
    link = Link(
        BrokerAddress.from_url(url),
        "nodes",
        [TOPICS.to_device("+", "ack")],
        make_will=None,
        on_up=lambda _: up.set(),
        on_arrival=acks.put,
    )
    link.start()
    up.wait(30)
    began = time.perf_counter()
    sent = dict.fromkeys(waiting, 0)
    done = dict.fromkeys(waiting, 0)
    while min(done.values()) < batches:
        for device_id, batch in waiting.items():
            while sent[device_id] < min(done[device_id] + 2, batches):
                said = batch[sent[device_id]]
                link.publish(said.topic, said.payload)
                sent[device_id] += 1
        ack = acks.get()
        link.acknowledge(ack)
        upto = json.loads(ack.payload.partition(b"\n")[2])["upto"]
        device_id = ack.topic.split("/")[4]
        done[device_id] = max(done[device_id], upto // BATCH)
    tells.send(time.perf_counter() - began)
    link.stop()


def forget_reports(engine: Engine) -> None:
    with transaction(engine) as session:
        for table in (NodeReport, Playback):
            session.execute(delete(table))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--devices", type=int, default=50)
    parser.add_argument("--batches", type=int, default=8)
    parser.add_argument("--database", help="postgresql://… instead of a SQLite file")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        engine = open_engine(asked.database or sqlite_url(Path(folder) / "bench.db"))
        schema.upgrade(engine)
        keys = [SigningKey.generate() for _ in range(asked.devices)]
        settle(engine, keys)
        turns = []
        for _ in range(TURNS):
            rate_bare = bare(engine, keys, asked.batches)
            rate, acknowledgements = handled(engine, keys, asked.batches)
            forget_reports(engine)
            turns.append((rate / rate_bare, rate, rate_bare))
        ratio, rate, rate_bare = (median(column) for column in zip(*turns, strict=True))
        with Broker.started(Path(folder) / "broker") as broker:
            rate_through = end_to_end(engine, keys, asked.batches, broker.url)
        engine.dispose()
    count = asked.devices * asked.batches * BATCH
    print(f"{count} reports, {asked.devices} devices, {engine.dialect.name}")
    print(f"bare inserts   {rate_bare:9.0f} reports/s")
    print(f"handler        {rate:9.0f} reports/s   {acknowledgements} acknowledgements")
    each = " ".join(f"{turn[0]:.2f}" for turn in turns)
    print(f"ratio          {ratio:9.2f}             ({each})")
    print(f"end to end     {rate_through:9.0f} reports/s through mosquitto, the nodes beside it")


if __name__ == "__main__":
    main()
