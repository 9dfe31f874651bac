"""Each chunk once for all nodes, again for a broker that forgot, and gone when nobody needs it."""

import hashlib
import io

import pytest

from controller.mqtt import clip_seeder
from controller.mqtt.clip_seeder import Blob, ClipSeeder
from controller.mqtt.errors import LinkDown
from protocol.chunks import Bitmap, addressed, chunk_count
from protocol.errors import Malformed
from protocol.messages import Want
from protocol.topics import Topics

TOPICS = Topics("main")
CHUNK = 16 * 1024


class MemoryLedger:
    def __init__(self, blobs=None):
        self.blobs = blobs or {}

    def read(self):
        return dict(self.blobs)

    def note(self, added, gone=()):
        self.blobs = {k: v for k, v in (self.blobs | added).items() if k not in gone}


class Bench:
    """A seeder over blobs in memory, with a broker's retained store and a clock of its own."""

    def __init__(self, ledger=None):
        self.now_s = 1000.0
        self.blobs = {}
        self.retained = {}
        self.published = []
        self.sent = []
        self.down = False
        self.ledger = ledger or MemoryLedger()
        self.seeder = self.restarted()

    def restarted(self):
        self.seeder = ClipSeeder(self.publish, TOPICS, self.find, self.ledger, lambda: self.now_s)
        return self.seeder

    def add(self, seed, size):
        content = bytes([seed]) * size
        sha256 = hashlib.sha256(content).hexdigest()
        self.blobs[sha256] = content
        return Blob(sha256, size)

    def find(self, sha256):
        return io.BytesIO(self.blobs[sha256]) if sha256 in self.blobs else None

    def publish(self, topic, payload, *, retain, expires_in_s):
        if self.down:
            raise LinkDown
        self.published.append(topic)
        if not retain:
            self.sent.append((topic, payload))
            return
        if payload:
            assert expires_in_s
            self.retained[topic] = payload
        else:
            self.retained.pop(topic, None)

    def drain(self):
        """Step until there is nothing to do, letting the clock pass."""
        while (pause_s := self.seeder.step()) is not None:
            self.now_s += pause_s

    def stands(self, blob):
        chunks = [TOPICS.chunk(blob.sha256, i) for i in range(chunk_count(blob.bytes))]
        return b"".join(self.retained.get(c, b"") for c in chunks) == self.blobs[blob.sha256]


@pytest.fixture
def bench():
    return Bench()


def bitmap(blob, *held):
    found = Bitmap(chunk_count(blob.bytes))
    for index in held:
        found.add(index)
    return found.to_text()


def test_a_planned_blob_is_published_once_chunk_by_chunk(bench):
    blob = bench.add(1, 3 * CHUNK + 5)
    bench.seeder.plan([blob])
    bench.drain()
    bench.seeder.plan([blob])
    bench.drain()
    assert bench.stands(blob)
    assert len(bench.published) == 4


def test_the_most_urgent_blob_goes_first(bench):
    late, soon = bench.add(1, CHUNK), bench.add(2, CHUNK)
    bench.seeder.plan([soon, late])
    bench.drain()
    assert bench.published == [TOPICS.chunk(soon.sha256, 0), TOPICS.chunk(late.sha256, 0)]


def test_a_new_plan_overtakes_what_is_still_waiting(bench):
    big, urgent = bench.add(1, 5 * CHUNK), bench.add(2, CHUNK)
    bench.seeder.plan([big])
    bench.seeder.step()
    bench.seeder.plan([urgent, big])
    bench.seeder.step()
    assert bench.published[1] == TOPICS.chunk(urgent.sha256, 0)
    bench.drain()
    assert bench.stands(big)
    assert len(bench.published) == 6


def test_a_blob_nobody_needs_any_more_is_cleared(bench):
    blob = bench.add(1, 2 * CHUNK)
    bench.seeder.plan([blob])
    bench.drain()
    bench.seeder.plan([])
    bench.drain()
    assert bench.retained == {}
    assert bench.ledger.blobs == {}


def test_a_restarted_service_clears_what_the_former_one_left(bench):
    blob = bench.add(1, 2 * CHUNK)
    bench.seeder.plan([blob])
    bench.drain()
    bench.restarted()
    bench.seeder.plan([])
    bench.drain()
    assert bench.retained == {}


def test_a_broker_that_forgot_is_filled_again(bench):
    blob = bench.add(1, 2 * CHUNK)
    bench.seeder.plan([blob])
    bench.drain()
    bench.retained.clear()
    bench.seeder.forget()
    bench.drain()
    assert bench.stands(blob)


def test_chunks_a_node_misses_are_published_for_it(bench):
    blob = bench.add(1, 4 * CHUNK)
    assert bench.seeder.want(blob.sha256, blob.bytes, bitmap(blob, 0, 2))
    bench.drain()
    assert bench.published == [TOPICS.chunk(blob.sha256, 1), TOPICS.chunk(blob.sha256, 3)]


def test_many_nodes_that_miss_the_same_chunk_cost_one_publish(bench):
    blob = bench.add(1, CHUNK)
    for _ in range(200):
        bench.seeder.want(blob.sha256, blob.bytes, bitmap(blob))
    bench.drain()
    bench.seeder.want(blob.sha256, blob.bytes, bitmap(blob))
    bench.drain()
    assert len(bench.published) == 1


def test_a_node_that_still_misses_it_later_is_served_again(bench):
    blob = bench.add(1, CHUNK)
    bench.seeder.want(blob.sha256, blob.bytes, bitmap(blob))
    bench.drain()
    bench.now_s += 30
    bench.seeder.want(blob.sha256, blob.bytes, bitmap(blob))
    bench.drain()
    assert len(bench.published) == 2


def test_what_was_asked_for_stays_for_a_while_whatever_the_plan_says(bench):
    blob = bench.add(1, CHUNK)
    bench.seeder.want(blob.sha256, blob.bytes, bitmap(blob))
    bench.drain()
    bench.seeder.plan([])
    bench.drain()
    assert bench.stands(blob)
    bench.now_s += 3600
    bench.seeder.plan([])
    bench.drain()
    assert bench.retained == {}


def test_a_blob_wanted_while_it_is_cleared_stands_again(bench):
    blob = bench.add(1, 3 * CHUNK)
    bench.seeder.plan([blob])
    bench.drain()
    bench.seeder.plan([])
    bench.seeder.step()
    bench.seeder.want(blob.sha256, blob.bytes, bitmap(blob))
    bench.drain()
    assert bench.stands(blob)


def test_an_unknown_blob_is_nobody_s_wish(bench):
    assert not bench.seeder.want("0" * 64, 100, Bitmap(1).to_text())
    assert bench.seeder.step() is None


def test_a_wish_of_another_size_is_not_followed(bench):
    blob = bench.add(1, CHUNK)
    assert not bench.seeder.want(blob.sha256, CHUNK + 1, Bitmap(2).to_text())


def test_a_wish_that_cannot_be_read_is_refused(bench):
    blob = bench.add(1, CHUNK)
    with pytest.raises(Malformed):
        bench.seeder.want(blob.sha256, blob.bytes, "not base64!")
    with pytest.raises(Malformed):
        bench.seeder.want(blob.sha256, -1, "")


def test_nothing_is_lost_while_the_link_is_down(bench):
    blob = bench.add(1, 2 * CHUNK)
    bench.seeder.plan([blob])
    bench.down = True
    assert bench.seeder.step() > 0
    bench.down = False
    bench.drain()
    assert bench.stands(blob)


def test_a_large_blob_goes_at_the_rate_after_the_burst(bench):
    blob = bench.add(1, 40_000_000)
    bench.seeder.plan([blob])
    began_s = bench.now_s
    bench.drain()
    assert bench.now_s - began_s == pytest.approx((40e6 - 8e6) / 16e6, rel=0.05)


def test_the_broker_s_memory_is_not_filled_beyond_its_share(bench, monkeypatch):
    monkeypatch.setattr(clip_seeder, "_ACTIVE_BYTES", 3 * CHUNK)
    blobs = [bench.add(n, CHUNK) for n in range(1, 6)]
    bench.seeder.plan(blobs)
    bench.drain()
    assert len(bench.published) == 3
    assert bench.seeder.active_bytes() == 3 * CHUNK


def test_what_stays_needed_is_said_again_before_it_expires(bench):
    blob = bench.add(1, CHUNK)
    bench.seeder.plan([blob])
    bench.drain()
    bench.now_s += clip_seeder.CHUNK_EXPIRY_S * 0.6
    bench.seeder.plan([blob])
    bench.drain()
    assert len(bench.published) == 2


def test_a_device_whose_broker_forgets_is_sent_what_it_has_room_for(bench):
    blob = bench.add(7, 6 * CHUNK)
    want = Want(blob.sha256, blob.bytes, bitmap(blob, 0, 2), 3 * CHUNK)
    assert bench.seeder.asked_by("d1", want)
    bench.drain()
    assert not bench.sent  # first the broker gets its chance
    bench.retained.clear()
    bench.now_s += 6
    assert bench.seeder.asked_by("d1", want)
    assert bench.seeder.asked_by("d1", want)  # once more, before the first was answered
    bench.drain()
    assert {topic for topic, _ in bench.sent} == {TOPICS.to_device("d1", "chunk")}
    found = [addressed(payload) for _, payload in bench.sent]
    assert [(name, index) for name, index, _ in found] == [(blob.sha256[:32], n) for n in (1, 3, 4)]
    assert not bench.retained


def test_a_greedy_device_gets_a_window_and_shares_the_rate_with_the_others(bench):
    blob = bench.add(7, 255 * CHUNK)
    bench.seeder.plan([blob])
    bench.drain()
    bench.now_s += 6
    began_s = bench.now_s
    for number in range(300):
        want = Want(blob.sha256, blob.bytes, bitmap(blob), 10**9)
        assert bench.seeder.asked_by(f"d{number}", want)
    bench.drain()
    sizes = sum(len(payload) for _, payload in bench.sent)
    assert sizes <= 300 * (64 * 1024 + 200)
    assert bench.now_s - began_s >= (sizes - 8e6) / 17e6


def test_nobody_is_sent_what_is_not_held_here(bench):
    assert not bench.seeder.asked_by("d1", Want("f" * 64, 10, "", 1000))
    with pytest.raises(Malformed):
        bench.seeder.asked_by("d1", Want("f" * 64, 0, "", 1000))
