"""Delivering a clip: nodes that lack it pull it from a real broker while the seeder publishes.

    python -m benchmarks.delivery [--nodes N] [--megabytes M]

Prints bytes, publishes and CPU of the controller, CPU of the broker, and when the last node was
whole; beside it the plain alternative, a copy of every chunk for every node. Then one node on a
counted wire: its bytes in relation to the clip, once undisturbed and once with four cuts; and on a
line of 1 Mbit/s how long urgent commands take that are sent while it downloads.
The nodes are the real fetcher and link, all on one loop in a process of their own, which is what
bounds the time: on the air each has a machine to itself.
"""

import argparse
import hashlib
import multiprocessing
import os
import secrets
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from multiprocessing.synchronize import Event
from pathlib import Path

from audio_library.store import Store
from benchmarks.wire import Wire
from controller.mqtt.clip_seeder import Blob, ClipSeeder
from controller.mqtt.ledger import FileLedger
from controller.mqtt.link import BrokerAddress, Link
from controller.publishing.desk import BlobSource
from device.blobs import BlobStore
from device.fetcher import Fetcher
from device.link import Link as NodeLink
from device.loop import Loop
from device.passport import Identity
from device.settings import Settings
from protocol.chunks import chunk_count, chunk_span
from protocol.messages import Want
from protocol.topics import Topics
from tests.support.broker import Broker

TOPICS = Topics("main")
COMMANDS = TOPICS.area_command("village")
SLOW_BYTES_S = 125_000.0  # 1 Mbit/s
CUTS = 4


class Node:
    """The delivering half of a node: link and fetcher."""

    def __init__(self, loop: Loop, url: str, folder: Path, whole: Callable[[str], None]) -> None:
        self.link = NodeLink(
            loop,
            replace(Settings(), broker_url=url),
            partial(Identity, secrets.token_hex(16)),
            will=lambda: None,
            on_connected=lambda: self.fetcher.connected(),
            on_lost=lambda: self.fetcher.lost(),
            on_message=lambda topic, raw, retained: self._arrived(topic, raw),
        )
        self.fetcher = Fetcher(
            loop, TOPICS, BlobStore(folder), self.link, ask=self._ask, on_whole=whole
        )
        self.commands: list[float] = []  # when each urgent one arrived, monotonic

    def _ask(self, _want: Want) -> bool:
        return True  # everything is being published; a real node would ask the controller

    def _arrived(self, topic: str, raw: bytes) -> None:
        if topic == COMMANDS:
            self.commands.append(time.monotonic() - float(raw))
        else:
            self.fetcher.take(topic, raw)


def nodes_process(
    url: str, folder: str, count: int, blob: tuple[str, int], ready: Event, done: Event
) -> None:
    """`count` nodes on one loop, until every one holds the blob."""
    loop = Loop()
    whole: list[str] = []

    def note(sha256: str) -> None:
        whole.append(sha256)
        if len(whole) == count:
            loop.stop()

    nodes = [Node(loop, url, Path(folder) / str(n), note) for n in range(count)]
    for node in nodes:
        node.link.start()
        node.fetcher.aim([blob])

    def check() -> None:
        if all(node.link.connected for node in nodes):
            ready.set()
        else:
            loop.call_later(0.1, check)

    check()
    loop.run()
    done.set()


def cpu_s(pid: int) -> float:
    """User and system time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=200)
    parser.add_argument("--megabytes", type=float, default=3.0)
    asked = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as name,
        Broker.started(Path(name) / "broker") as broker,
    ):
        measure(asked.nodes, int(asked.megabytes * 1e6), broker, Path(name))


def measure(count: int, size: int, broker: Broker, folder: Path) -> None:
    content = secrets.token_bytes(size)
    sha256 = hashlib.sha256(content).hexdigest()
    store = Store(folder / "store")
    store.put_bytes(content)
    published = published_bytes = 0

    def publish(topic: str, raw: bytes, *, retain: bool, expires_in_s: int | None) -> None:
        nonlocal published, published_bytes
        published += 1
        published_bytes += len(raw) + len(topic)
        link.publish(topic, raw, retain=retain, expires_in_s=expires_in_s)

    link = Link(
        BrokerAddress.from_url(broker.url),
        "bench",
        [],
        make_will=lambda: (TOPICS.controller_state(), b""),
        on_up=lambda _: None,
        on_arrival=lambda _: None,
    )
    link.start()
    ledger = FileLedger(folder / "seeded.json")
    seeder = ClipSeeder(publish, TOPICS, BlobSource(store), ledger, time.monotonic)
    ready, done = multiprocessing.Event(), multiprocessing.Event()
    arguments = (broker.url, str(folder / "nodes"), count, (sha256, size), ready, done)
    process = multiprocessing.Process(target=nodes_process, args=arguments)
    process.start()
    ready.wait(120)
    broker_pid = broker.process.pid
    broker_before, ours_before, began = cpu_s(broker_pid), time.process_time(), time.monotonic()
    seeder.plan([Blob(sha256, size)])
    while (pause_s := seeder.step()) is not None:
        done.wait(pause_s)
    seeded_s = time.monotonic() - began
    done.wait(600)
    took_s = time.monotonic() - began
    process.join()
    ours_ms = (time.process_time() - ours_before) * 1000
    broker_s = cpu_s(broker_pid) - broker_before
    print(f"{count} nodes, {size / 1e6:.1f} MB, {count * size / 1e6:.0f} MB in all")
    print(
        f"controller   {published} publishes, {published_bytes / size:.3f} of the clip, "
        f"{ours_ms:.0f} ms CPU; all on the broker after {seeded_s:.2f} s"
    )
    print(f"broker       {broker_s:.2f} s CPU")
    print(f"last node    whole after {took_s:.1f} s ({count * size / took_s / 1e6:.0f} MB/s)")
    a_copy_each(link, content, count)
    with Wire(broker.port) as wire:
        fetch_alone(wire, folder / "plain", (sha256, size), cuts=0)
    with Wire(broker.port) as wire:
        fetch_alone(wire, folder / "cut", (sha256, size), cuts=CUTS)
    with Wire(broker.port, SLOW_BYTES_S) as wire:
        urgent_while_fetching(link, wire, folder / "slow", (sha256, size))
    link.stop()


def a_copy_each(link: Link, content: bytes, count: int) -> None:
    """The plain alternative: every chunk published once for every node."""
    ours_before, sent, sent_bytes = time.process_time(), 0, 0
    for index in range(chunk_count(len(content))):
        offset, length = chunk_span(len(content), index)
        for node in range(count):
            topic = TOPICS.to_device(f"{node:032}", str(index))
            link.publish(topic, content[offset : offset + length])
            sent += 1
            sent_bytes += length + len(topic)
    link.drain(60)
    ours_ms = (time.process_time() - ours_before) * 1000
    print(
        f"a copy each  {sent} publishes, {sent_bytes / len(content):.1f} of the clip, "
        f"{ours_ms:.0f} ms CPU"
    )


def fetch_alone(wire: Wire, folder: Path, blob: tuple[str, int], cuts: int) -> None:
    """One node on a counted wire that breaks `cuts` times, evenly over the download."""
    loop = Loop()
    node = Node(loop, wire.url, folder, lambda _: loop.stop())
    limits = [blob[1] * (n + 1) // (cuts + 1) for n in range(cuts)]

    def watch() -> None:
        if limits and wire.down_bytes > limits[0]:
            limits.pop(0)
            wire.cut()
        loop.call_later(0.002, watch)

    node.link.start()
    node.fetcher.aim([blob])
    watch()
    loop.run()
    node.link.stop()
    loop.close()
    both = wire.down_bytes + wire.up_bytes
    print(
        f"one node     {wire.down_bytes / blob[1]:.3f} of the clip down, "
        f"{both / blob[1]:.3f} both ways, {cuts - len(limits)} cuts"
    )


def urgent_while_fetching(ours: Link, wire: Wire, folder: Path, blob: tuple[str, int]) -> None:
    """How long urgent commands wait behind the clip on a slow line."""
    loop = Loop()
    node = Node(loop, wire.url, folder, lambda _: loop.stop())
    sent = 0

    def send() -> None:
        nonlocal sent
        if node.fetcher.progress():
            ours.publish(COMMANDS, str(time.monotonic()).encode())
            sent += 1
        loop.call_later(1.0, send)

    node.link.want([COMMANDS])
    node.link.start()
    node.fetcher.aim([blob])
    began = time.monotonic()
    loop.call_later(1.0, send)
    loop.run()
    took_s = time.monotonic() - began
    node.link.stop()
    loop.close()
    waited = sorted(node.commands)
    print(
        f"1 Mbit/s     whole after {took_s:.1f} s; {len(waited)} of {sent} commands meanwhile, "
        f"the slowest after {waited[-1]:.2f} s"
    )


if __name__ == "__main__":
    main()
