"""From rows to the broker: only what changed is said, and what nodes lack is offered."""

import pytest

from audio_library.store import Store
from controller.accounts.access import SYSTEM
from controller.database import transaction
from controller.fleet import node_care, nodes
from controller.fleet.enrolment import Bound
from controller.models import ClipVersion
from controller.mqtt.clip_seeder import ClipSeeder
from controller.mqtt.ledger import FileLedger
from controller.mqtt.publisher import Publisher
from controller.publishing.desk import BlobSource, Desk
from controller.scheduling import approvals, schedules
from protocol import envelope
from protocol.codec import from_json
from protocol.envelope import MessageType
from protocol.keys import SigningKey
from protocol.messages import NodeConfig, ScheduleHead, ZoneAreas
from protocol.pages import unpack_page
from protocol.topics import Topics
from tests.controller.factories import DAY, NOW, make_clip, make_node, schedule_input, serve
from tests.fakes.link import FakeLink

TOPICS = Topics("main")


class Bench:
    """A desk over a real database and stores, publishing to no broker."""

    def __init__(self, engine, folder):
        self.now = NOW
        self.link = FakeLink()
        self.key = SigningKey.generate()
        self.clips, self.pages = Store(folder / "store"), Store(folder / "pages")
        self.publisher = Publisher(engine, self.link, self.key, TOPICS, lambda: self.now)
        self.seeder = ClipSeeder(
            self.link.publish,
            TOPICS,
            BlobSource(self.pages, self.clips),
            FileLedger(folder / "seeded.json"),
            lambda: 0.0,
        )
        self.desk = Desk(engine, self.publisher, self.seeder, self.pages, 30, lambda: self.now)

    def heads(self):
        """Area id → the head last said."""
        said = [sent for sent in self.link.sent if sent.topic.endswith("/dn/schedule")]
        found = (self._open(s.payload, MessageType.SCHEDULE, ScheduleHead) for s in said)
        return {head.area_id: head for head in found}

    def config(self, device_id):
        sent = self.link.last(TOPICS.to_device(device_id, "config"))
        return self._open(sent.payload, MessageType.CONFIG, NodeConfig)

    def seeded(self):
        """Publish every chunk the plan wants; the blobs' short names in order."""
        self.link.sent.clear()
        while self.seeder.step() is not None:
            pass
        return list(dict.fromkeys(s.topic.split("/")[4] for s in self.link.sent if s.payload))

    def _open(self, raw, type_, cls):
        shown = self.key.verify_key
        return from_json(cls, envelope.verify(raw, type_, {shown.kid: shown}))


@pytest.fixture
def bench(engine, tmp_path):
    return Bench(engine, tmp_path)


@pytest.fixture
def node(engine, cast):
    """A node in the upper village with a device that holds nothing."""
    with transaction(engine) as session:
        node = make_node(session, cast.areas["upper"])
        return node, serve(session, node)


@pytest.fixture
def sound(engine, bench):
    """Put a real blob behind a clip's version; its hash."""

    def make(clip_id):
        with transaction(engine) as session:
            version = session.query(ClipVersion).filter_by(clip_id=clip_id).one()
            version.sha256 = bench.clips.put_bytes(clip_id.encode() * 100)
            version.bytes = len(clip_id) * 100
            return version.sha256

    return make


@pytest.fixture
def on_air(engine, cast, sound):
    def make(area="commune", starts_at="2026-11-23T17:00", **more):
        with transaction(engine) as session:
            clip = make_clip(session, area_id=cast.areas["commune"], title=starts_at)
        sha256 = sound(clip.id)
        with transaction(engine) as session:
            data = schedule_input(clip.id, cast.areas[area], starts_at, **more)
            made, _ = schedules.create(session, cast.erin, data, NOW)
            approvals.approve_schedule(session, cast.bob, made.id, NOW)
        return made, sha256

    return make


def test_every_area_of_a_node_s_path_gets_its_head(bench, node, cast):
    assert bench.desk.refresh() == 2
    assert set(bench.heads()) == {cast.areas["commune"], cast.areas["upper"]}


def test_the_pages_a_head_names_are_kept_and_can_be_read(bench, node, on_air, cast):
    made, _ = on_air()
    bench.desk.refresh()
    head = bench.heads()[cast.areas["commune"]]
    said = [
        airing.title
        for ref in head.pages
        for airing in unpack_page(bench.pages.path(ref.sha256).read_bytes()).airings
    ]
    assert said == [made.title]


def test_an_unchanged_area_is_not_said_again(bench, node):
    bench.desk.refresh()
    assert bench.desk.refresh() == 0


def test_only_the_area_that_changed_is_said_again(bench, node, on_air, cast):
    bench.desk.refresh()
    bench.link.sent.clear()
    on_air("upper")
    assert bench.desk.refresh([cast.areas["upper"], cast.areas["commune"]]) == 1
    assert bench.heads()[cast.areas["upper"]].revision == 2


def test_the_next_day_moves_the_dated_range_on(bench, node):
    bench.desk.refresh()
    before = bench.heads()
    bench.now += DAY
    assert bench.desk.refresh() == 2
    assert all(head.until == before[area].until + DAY for area, head in bench.heads().items())


def test_near_pages_go_first_then_clips_somebody_lacks_then_far_pages(bench, node, on_air, cast):
    _, sha256 = on_air()
    bench.desk.refresh()
    head = bench.heads()[cast.areas["commune"]]
    order = bench.seeded()
    near = {ref.sha256[:32] for ref in head.pages if ref.day <= "2026-11-23"}
    far = {ref.sha256[:32] for ref in head.pages if ref.day > "2026-11-23"}
    place = order.index(sha256[:32])
    assert near <= set(order[:place])
    assert far <= set(order[place + 1 :])


def test_an_edit_offers_what_is_new_and_nothing_else(bench, node, on_air, cast):
    bench.desk.refresh()
    bench.seeded()
    _, sha256 = on_air("upper")
    bench.desk.refresh([cast.areas["upper"]])
    assert sha256[:32] in bench.seeded()
    assert bench.seeded() == []


def test_an_edit_looks_at_no_node(bench, node, on_air, cast, monkeypatch):
    bench.desk.refresh()
    on_air("upper")
    monkeypatch.setattr("controller.publishing.readiness.holders", None)
    assert bench.desk.refresh([cast.areas["upper"]]) == 1


def test_a_node_that_comes_is_offered_what_its_area_has_long_known(bench, engine, on_air, cast):
    _, sha256 = on_air("upper")
    bench.desk.refresh()
    bench.seeded()
    with transaction(engine) as session:
        late = make_node(session, cast.areas["upper"], code="LATE")
        serve(session, late)
    bench.desk.refresh_for_node(late.id)
    assert sha256[:32] in bench.seeded()


def test_a_clip_that_every_node_holds_is_taken_off_the_broker(bench, node, on_air, engine):
    _, sha256 = on_air()
    bench.desk.refresh()
    assert sha256[:32] in bench.seeded()
    with transaction(engine) as session:
        session.merge(node[1]).status = {"holds": [sha256]}
    bench.desk.seed()
    bench.link.sent.clear()
    while bench.seeder.step() is not None:
        pass
    assert [s.topic.split("/")[4] for s in bench.link.sent] == [sha256[:32]]
    assert bench.link.sent[0].payload == b""


def test_a_device_gets_the_config_of_the_node_it_serves(bench, node, cast):
    place, device = node
    assert bench.desk.configure() == 1
    config = bench.config(device.id)
    assert (config.node_id, config.area_path[-1]) == (place.id, cast.areas["upper"])
    assert bench.desk.configure(place.id) == 0


def test_hardware_that_was_replaced_loses_its_place(bench, node):
    place, device = node
    bench.desk.configure()
    bench.desk.bind([Bound(place.id, device.id, ("0" * 32,))])
    assert bench.config("0" * 32) == NodeConfig()
    assert bench.config(device.id).node_id == place.id


def test_a_node_given_up_silences_its_hardware(bench, node, engine):
    place, device = node
    bench.desk.configure()
    with transaction(engine) as session:
        nodes.retire(session, SYSTEM, place.id, NOW)
    assert bench.desk.configure(place.id) == 1
    assert bench.config(device.id) == NodeConfig()


def test_old_pages_are_removed_once_no_head_names_them(bench, node, on_air, cast):
    bench.desk.refresh()
    former = set(bench.pages.hashes())
    on_air("upper")
    bench.desk.refresh()
    assert bench.desk.collect() == 0
    bench.now += 3 * DAY
    assert bench.desk.collect() > 0
    assert former - set(bench.pages.hashes())


def test_a_damaged_blob_counts_as_not_held(bench, tmp_path):
    source = BlobSource(bench.pages, bench.clips)
    sha256 = bench.clips.put_bytes(b"sound")
    with source(sha256) as content:
        assert content.read() == b"sound"
    path = bench.clips.path(sha256)
    path.chmod(0o640)
    path.write_bytes(b"other")
    assert source(sha256) is None
    assert source("0" * 64) is None


def test_what_each_amplifier_carries_reaches_the_device(bench, engine, node, cast):
    place, device = node
    with transaction(engine) as session:
        pairs = [("market", [cast.areas["commune"]]), ("main", [])]
        node_care.choose_zones(session, SYSTEM, place.id, pairs, NOW)
    bench.desk.configure(place.id)
    assert bench.config(device.id).zones == (ZoneAreas("market", (cast.areas["commune"],)),)
