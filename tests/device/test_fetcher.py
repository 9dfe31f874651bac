"""Pulling blobs: by windows, the urgent first, with a bitmap when the broker has forgotten."""

import hashlib
import os
import random

import pytest

from device.blobs import BlobStore
from device.fetcher import Fetcher
from device.loop import Loop
from protocol.chunks import Bitmap, address, chunk_count, chunk_span
from protocol.topics import Topics


class Broker:
    """Retained chunks behind a link; answers a subscription when the test lets it."""

    def __init__(self):
        self.connected = True
        self.retained = {}
        self.subscribed = set()
        self.waiting = []
        self.subscriptions = 0
        self.widest = 0

    def want(self, topics, qos=1):
        topics = list(topics)
        self.subscriptions += len(topics)
        self.subscribed.update(topics)
        self.widest = max(self.widest, len(self.subscribed))
        self.waiting += [topic for topic in topics if topic in self.retained]

    def unwant(self, topics):
        self.subscribed.difference_update(topics)


class Bench:
    def __init__(self, tmp_path):
        self.now = 0.0
        self.loop = Loop(lambda: self.now)
        self.topics = Topics("main")
        self.broker = Broker()
        self.store = BlobStore(tmp_path)
        self.asked = []
        self.whole = []
        self.fetcher = self.make()

    def make(self):
        return Fetcher(
            self.loop,
            self.topics,
            self.store,
            self.broker,
            ask=lambda want: self.asked.append(want) or True,
            on_whole=self.whole.append,
            jitter=random.Random(1),
        )

    def retain(self, content, skip=()):
        sha256 = hashlib.sha256(content).hexdigest()
        for index in range(chunk_count(len(content))):
            offset, length = chunk_span(len(content), index)
            if index not in skip:
                chunk = content[offset : offset + length]
                self.broker.retained[self.topics.chunk(sha256, index)] = chunk
        return sha256

    def deliver(self, limit=10_000):
        while self.broker.waiting and limit:
            topic = self.broker.waiting.pop(0)
            if topic in self.broker.subscribed:
                self.fetcher.take(topic, self.broker.retained[topic])
                limit -= 1

    def run(self, seconds):
        for _ in range(round(seconds * 10)):
            self.now += 0.1
            self.loop.turn(0.0)
            self.deliver()


@pytest.fixture
def bench(tmp_path):
    bench = Bench(tmp_path)
    yield bench
    bench.fetcher.aim([])
    bench.loop.close()


def test_a_blob_comes_whole_and_nothing_stays_subscribed(bench):
    content = os.urandom(300_000)
    sha256 = bench.retain(content)
    bench.fetcher.aim([(sha256, len(content))])
    bench.deliver()
    assert bench.whole == [sha256]
    assert bench.store.load(sha256) == content
    assert not bench.broker.subscribed


def test_no_chunk_is_asked_for_twice_and_the_window_stays_narrow(bench):
    content = os.urandom(700_000)
    sha256 = bench.retain(content)
    bench.fetcher.aim([(sha256, len(content))])
    bench.deliver()
    assert bench.broker.subscriptions == chunk_count(len(content))
    assert bench.broker.widest == 4


def test_the_most_urgent_comes_first(bench):
    later, urgent = os.urandom(200_000), os.urandom(100_000)
    bench.fetcher.aim([(bench.retain(later), len(later))])
    bench.deliver(limit=1)
    goals = [(bench.retain(urgent), len(urgent)), (bench.retain(later), len(later))]
    bench.fetcher.aim(goals)
    bench.deliver()
    assert bench.whole == [goals[0][0], goals[1][0]]


def test_what_the_broker_forgot_is_asked_for_with_a_bitmap(bench):
    content = os.urandom(120_000)
    sha256 = bench.retain(content, skip=(3,))
    bench.fetcher.aim([(sha256, len(content))])
    bench.run(4.0)
    assert bench.asked
    have = Bitmap.from_text(chunk_count(len(content)), bench.asked[-1].have)
    assert 3 in list(have.missing())
    bench.retain(content)
    bench.run(10.0)
    assert bench.whole == [sha256]


def test_patience_grows_while_nobody_answers(bench):
    content = os.urandom(20_000)
    bench.fetcher.aim([(hashlib.sha256(content).hexdigest(), len(content))])
    bench.run(300.0)
    assert 4 <= len(bench.asked) <= 14


def test_a_missing_blob_does_not_hold_up_the_others_for_long(bench):
    missing, there = os.urandom(20_000), os.urandom(20_000)
    sha256 = bench.retain(there)
    bench.fetcher.aim([(hashlib.sha256(missing).hexdigest(), 20_000), (sha256, 20_000)])
    bench.run(60.0)
    assert bench.whole == [sha256]


def test_a_broken_link_costs_at_most_one_window(bench):
    content = os.urandom(500_000)
    sha256 = bench.retain(content)
    bench.fetcher.aim([(sha256, len(content))])
    for _ in range(4):
        bench.deliver(limit=6)
        bench.broker.connected = False
        bench.broker.subscribed.clear()
        bench.broker.waiting.clear()
        bench.fetcher.lost()
        bench.broker.connected = True
        bench.fetcher.connected()
    bench.deliver()
    assert bench.whole == [sha256]
    assert bench.broker.subscriptions <= chunk_count(len(content)) + 4 * 8


def test_a_strangers_bytes_do_not_pass(bench):
    content = os.urandom(40_000)
    sha256 = bench.retain(content)
    right = dict(bench.broker.retained)
    for topic in right:
        bench.broker.retained[topic] = os.urandom(len(right[topic]))
    bench.fetcher.aim([(sha256, len(content))])
    bench.deliver(limit=20)
    assert bench.whole == [] and not bench.store.holds(sha256)
    bench.broker.retained.update(right)
    bench.run(60.0)
    assert bench.whole == [sha256]


def test_what_the_broker_keeps_damaged_is_asked_for_anew_and_not_fetched_without_end(bench):
    content = os.urandom(100_000)
    sha256 = bench.retain(content)
    topic = bench.topics.chunk(sha256, 2)
    right = bench.broker.retained[topic]
    bench.broker.retained[topic] = os.urandom(len(right))
    bench.fetcher.aim([(sha256, len(content))])
    bench.run(120.0)
    assert {(want.sha256, want.have, want.room) for want in bench.asked} == {
        (sha256, Bitmap(chunk_count(len(content))).to_text(), 0)
    }
    assert len(bench.asked) < 8  # of some forty that two seconds' patience would make
    bench.broker.retained[topic] = right
    bench.run(200.0)
    assert bench.whole == [sha256]


def test_a_blob_too_large_is_given_up_at_once(bench):
    bench.fetcher.aim([("a" * 64, 1 << 40)])
    bench.run(5.0)
    assert bench.asked == []


def test_what_is_no_longer_wanted_is_let_go_in_mid_download(bench):
    old, new = os.urandom(200_000), os.urandom(60_000)
    bench.fetcher.aim([(bench.retain(old), len(old))])
    bench.deliver(limit=3)
    sha256 = bench.retain(new)
    bench.fetcher.aim([(sha256, len(new))])
    bench.deliver()
    assert bench.whole == [sha256]
    assert not bench.fetcher.full


def test_an_emergency_does_not_wait_behind_a_blob_nobody_has(bench):
    content = os.urandom(50_000)
    bench.fetcher.aim([("b" * 64, 20_000)])
    bench.run(8.0)
    urgent = bench.retain(content)
    bench.fetcher.aim([(urgent, len(content)), ("b" * 64, 20_000)])
    bench.deliver()
    assert bench.whole == [urgent]


def test_what_is_needed_days_from_now_waits_its_turn_until_it_is_urgent(bench):
    content = os.urandom(50_000)
    sha256 = bench.retain(content)
    bench.fetcher.aim([(sha256, len(content))], later={sha256}, wait_s=(100.0, 200.0))
    bench.run(99.0)
    assert not bench.broker.subscribed
    bench.fetcher.aim([(sha256, len(content))])
    bench.deliver()
    assert bench.whole == [sha256]


def test_on_a_line_slower_than_its_patience_it_still_comes_whole(bench):
    """32 kbit/s: two chunks take eight seconds, and what was asked for in vain comes after all."""
    content = os.urandom(120_000)
    sha256 = bench.retain(content)
    bench.fetcher.aim([(sha256, len(content))])
    sent, sending, bytes_sent = 0.0, None, 0
    while not bench.whole and bench.now < 120.0:
        bench.now += 0.1
        bench.loop.turn(0.0)
        sending = sending or (bench.broker.waiting.pop(0) if bench.broker.waiting else None)
        sent += 400.0 if sending else 0.0
        if sending and sent >= len(bench.broker.retained[sending]):
            bench.fetcher.take(sending, bench.broker.retained[sending])
            bytes_sent += len(bench.broker.retained[sending])
            sent, sending = 0.0, None
    assert bench.whole == [sha256]
    assert bytes_sent < 1.5 * len(content)


def test_a_broker_that_keeps_nothing_is_given_up_for_the_nodes_own_topic(bench):
    """What is said while it listens reaches the node; what was said before does not."""
    content = os.urandom(600_000)
    sha256 = bench.retain(content)
    kept, bench.broker.retained = bench.broker.retained, {}
    bench.fetcher.aim([(sha256, len(content))])
    while not bench.whole and bench.now < 120.0:
        bench.run(0.5)
        for want in bench.asked:
            listening = set(bench.broker.subscribed)
            missing = list(Bitmap.from_text(chunk_count(len(content)), want.have).missing())
            for index in missing if not want.room else missing[: want.room // 16384]:
                topic = bench.topics.chunk(sha256, index)
                if want.room:
                    bench.fetcher.take_private(address(sha256, index, kept[topic]))
                elif topic in listening:
                    bench.fetcher.take(topic, kept[topic])
        bench.asked.clear()
    assert bench.whole == [sha256]
    assert bench.now < 60.0
    assert bench.fetcher._patience_s < 20


def test_a_controller_that_is_away_is_no_reason_to_give_the_broker_up(bench):
    content = os.urandom(200_000)
    sha256 = bench.retain(content)
    kept, bench.broker.retained = bench.broker.retained, {}
    bench.fetcher.aim([(sha256, len(content))])
    bench.run(200.0)
    bench.asked.clear()
    bench.broker.retained = kept
    bench.run(300.0)
    assert bench.whole == [sha256]
    assert len(bench.asked) <= 3  # it is there again, and there is nothing to ask for


def test_what_is_no_chunk_on_the_nodes_own_topic_is_ignored(bench):
    content = os.urandom(40_000)
    sha256 = bench.retain(content)
    bench.fetcher.aim([(sha256, len(content))])
    for junk in (b"", b"x" * 20, address(sha256, 99, b"y"), address("0" * 64, 0, b"y")):
        bench.fetcher.take_private(junk)
    bench.deliver()
    assert bench.whole == [sha256]
