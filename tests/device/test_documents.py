"""What a node was told: kept as it was signed, read back only when it can be, merged by area."""

from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from device.blobs import BlobStore
from device.documents import Documents
from device.identity import Counters
from device.schedule_store import ScheduleStore
from device.trust import Gate
from protocol.envelope import Heading, MessageType, seal
from protocol.keys import SigningKey
from protocol.messages import (
    EPOCH,
    Airing,
    AreaState,
    DayPage,
    NodeConfig,
    PinnedSound,
    ScheduleHead,
    Trust,
    TrustedKey,
    TrustRule,
)
from protocol.pages import pack_page
from protocol.topics import Topics
from tests.device.fakes import START, FakeClock, an_airing, emergency

KEY = SigningKey.generate()
DEVICE = "d" * 32
TOPICS = Topics("main")
CONFIG = NodeConfig(node_id="n1", area_path=("top", "leaf"), languages=("vi",))


@dataclass(frozen=True, slots=True)
class NewerConfig:
    """What a later version might send: a field of another shape."""

    node_id: str = "n2"
    area_path: str = "no list"


class Desk:
    """Documents in a folder, and the controller's pen."""

    def __init__(self, folder):
        self.folder = folder
        self.seq = 0
        self.clock = FakeClock()
        self.open()

    def open(self):
        counters = Counters(self.folder, self.clock.wall)
        gate = Gate("main", DEVICE, {KEY.verify_key.kid: KEY.verify_key}, counters, self.clock)
        store = ScheduleStore(self.folder / "schedules", BlobStore(self.folder).load)
        self.documents = Documents(self.folder, gate, store, self.clock)
        self.documents.restore()
        return self.documents

    def sealed(self, type_, to, message):
        self.seq += 1
        heading = Heading("main", to, "controller", self.seq, START, START + timedelta(days=30))
        return seal(type_, heading, message, [KEY])

    def config(self, config):
        return self.documents.take_config(
            self.sealed(MessageType.CONFIG, f"device:{DEVICE}", config)
        )

    def state(self, area_id, **state):
        raw = self.sealed(
            MessageType.AREA_STATE, f"area:{area_id}", AreaState(area_id, self.seq, **state)
        )
        return self.documents.take_area_state(TOPICS.area_state(area_id), raw)


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path)


def test_a_config_binds_and_is_back_after_a_restart(desk):
    assert not desk.documents.bound
    assert desk.config(CONFIG)
    assert desk.documents.bound_at == START
    assert desk.open().config == CONFIG
    assert desk.documents.bound_at == START


def test_a_signed_config_it_cannot_read_changes_nothing_now_or_later(desk):
    desk.config(CONFIG)
    assert not desk.config(NewerConfig())
    assert desk.documents.config == CONFIG
    assert desk.open().config == CONFIG


def test_what_is_signed_and_cannot_be_read_is_a_problem_until_it_can(desk):
    desk.config(CONFIG)
    assert desk.documents.unread == {}
    desk.config(NewerConfig())
    assert "area_path" in desk.documents.unread["config"]
    desk.config(replace(CONFIG, name="Hạ"))
    assert desk.documents.unread == {}


@dataclass(frozen=True, slots=True)
class NewerAiring(Airing):
    """One of a class of tomorrow."""

    class_: str = "lullaby"


@dataclass(frozen=True, slots=True)
class NewerPage(DayPage):
    """Hours of another shape."""

    windows: str = "all day"


def hold(desk, page):
    """The page on the disk, and the leaf's schedule in force that names it."""
    ref, blob = pack_page(page)
    path = desk.folder / "blobs" / ref.sha256[:2] / ref.sha256
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(blob)
    documents = desk.open()
    head = ScheduleHead("leaf", desk.seq, START + timedelta(days=30), (ref,))
    raw = desk.sealed(MessageType.SCHEDULE, "area:leaf", head)
    assert documents.take_schedule(TOPICS.schedule("leaf"), raw)
    documents.activate(START)
    return documents


def test_an_airing_it_cannot_read_is_planned_as_one_of_an_unknown_kind(desk):
    desk.config(CONFIG)
    odd = NewerAiring("odd", START + timedelta(minutes=5), parts=an_airing().parts)
    day = START.date().isoformat()
    documents = hold(desk, DayPage("leaf", day, (an_airing("a1"), odd)))
    plan = {placed.airing_id: placed for placed in documents.plan(START)}
    assert plan.keys() == {"a1", "odd"}
    assert "lullaby" in plan["odd"].unknown_kind
    assert plan["odd"].starts_at == odd.starts_at
    assert not plan["a1"].unknown_kind
    assert documents.wanted_clips(START).keys() == set(plan["a1"].needs())
    assert documents.unread == {}  # it is reported by itself, at its time


def test_an_airing_without_a_time_and_a_page_of_another_shape_are_problems(desk):
    desk.config(CONFIG)
    day = START.date().isoformat()
    documents = hold(desk, DayPage("leaf", day, (an_airing("a1"), Airing("timeless"))))
    assert [p.airing_id for p in documents.plan(START) if p.airing.starts_at > EPOCH] == ["a1"]
    assert "no time" in documents.unread[f"page {day}"]
    documents = hold(desk, NewerPage("leaf", day))
    assert documents.plan(START) == []
    assert "windows" in documents.unread[f"page {day}"]
    documents = hold(desk, DayPage("leaf", day))
    documents.plan(START)
    assert documents.unread == {}


def test_a_damaged_file_is_dropped_and_told_until_it_has_come_again(desk):
    desk.config(CONFIG)
    path = desk.folder / "documents" / "config"
    path.write_bytes(path.read_bytes()[:-3])
    documents = desk.open()
    assert not documents.bound and documents.damaged == {"config"} and not path.exists()
    assert desk.config(CONFIG)
    assert documents.damaged == set()


def test_the_damage_of_a_schedule_and_of_a_state_ends_when_each_has_come_again(desk):
    desk.config(CONFIG)
    head = ScheduleHead("leaf", 1)
    raw = desk.sealed(MessageType.SCHEDULE, "area:leaf", head)
    desk.documents.take_schedule(TOPICS.schedule("leaf"), raw)
    desk.state("leaf", cancelled=("x",))
    (stored,) = (desk.folder / "schedules").iterdir()
    for path in (stored, desk.folder / "documents" / "state.leaf"):
        path.write_bytes(b"\0" * 40)
    documents = desk.open()
    assert documents.damaged == {"schedule/leaf", "state.leaf"}
    assert documents.take_schedule(TOPICS.schedule("leaf"), raw)
    assert documents.damaged == {"state.leaf"}
    desk.state("leaf", cancelled=("x",))
    assert documents.damaged == set()


def test_states_of_all_areas_on_the_path_count(desk):
    desk.config(CONFIG)
    desk.state("top", muted_until=START + timedelta(hours=1), cancelled=("x",))
    desk.state("leaf", muted_until=START + timedelta(hours=2), stopped_at=START)
    orders = desk.documents.orders
    assert orders.muted_until == START + timedelta(hours=2)
    assert (orders.stopped_at, orders.cancelled) == (START, frozenset({"x"}))
    assert desk.open().orders == orders


def test_the_state_of_another_area_is_nothing_to_us(desk):
    desk.config(CONFIG)
    assert not desk.state("elsewhere", stopped_at=START)


def test_emergencies_of_the_state_are_planned_and_their_clips_wanted_first(desk):
    desk.config(CONFIG)
    urgent = emergency()
    desk.state("top", airings=(urgent,))
    assert [placed.airing_id for placed in desk.documents.plan(START)] == ["e1"]
    assert desk.documents.wanted(START)[0] == (urgent.parts[0].sha256, 10)
    assert urgent.parts[0].sha256 in desk.documents.due_soon(START)


def test_a_cancelled_emergency_that_had_begun_is_planned_until_it_has_its_outcome(desk):
    """A repeat due while the node was away: the state that comes then names only its id."""
    desk.config(CONFIG)
    due, coming = emergency("due", after_s=-5), emergency("coming", after_s=300)
    desk.state("top", airings=(due, coming))
    desk.state("top", cancelled=("due", "coming"))
    assert [placed.airing_id for placed in desk.documents.plan(START)] == ["due"]
    desk.state("top", cancelled=("due", "coming"), stopped_at=START)
    assert [placed.airing_id for placed in desk.documents.plan(START)] == ["due"]
    desk.state("top")
    assert desk.documents.plan(START) == []


def test_who_moves_away_leaves_the_old_areas_behind(desk):
    desk.config(CONFIG)
    desk.state("leaf", stopped_at=START)
    assert desk.config(replace(CONFIG, area_path=("top", "other")))
    assert desk.documents.orders.stopped_at is None
    assert TOPICS.schedule("leaf") in desk.documents.left_topics(TOPICS)
    assert TOPICS.schedule("other") in desk.documents.area_topics(TOPICS)


def test_ready_made_sounds_are_wanted_before_the_next_airing_and_never_dropped(desk):
    desk.config(CONFIG)
    head = ScheduleHead("leaf", 1, START + timedelta(days=30), pinned=(PinnedSound("d" * 64, 7),))
    raw = desk.sealed(MessageType.SCHEDULE, "area:leaf", head)
    assert desk.documents.take_schedule(TOPICS.schedule("leaf"), raw)
    assert desk.documents.wanted_clips(START) == {"d" * 64: 7}
    assert "d" * 64 in desk.documents.due_soon(START)
    assert not desk.documents.later_clips(START)  # no emergency waits for a lot or for the night
    assert desk.open().due_soon(START) == {"d" * 64}


def test_where_two_must_sign_an_emergency_a_schedule_is_none(desk):
    desk.config(CONFIG)
    alarm = replace(emergency("a1"), starts_at=START + timedelta(hours=1))
    for area_id in CONFIG.area_path:
        airing = replace(alarm, airing_id=area_id)
        ref, page = pack_page(DayPage(area_id, START.date().isoformat(), (airing,)))
        path = desk.folder / "blobs" / ref.sha256[:2] / ref.sha256
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(page)
        head = ScheduleHead(area_id, 1, START + timedelta(days=30), pages=(ref,))
        to = f"area:{area_id}"
        desk.documents.take_schedule(
            TOPICS.schedule(area_id), desk.sealed(MessageType.SCHEDULE, to, head)
        )
    desk.open()  # the blobs are found at the start
    desk.documents.activate(START)
    planned = {placed.airing.airing_id: placed.emergency for placed in desk.documents.plan(START)}
    assert planned == {"top": True, "leaf": True}
    second = TrustedKey(SigningKey.generate().verify_key.hex, "second")
    rule = TrustRule("play", ("area:top",), ("controller", "second"), 2)
    trust = Trust(1, (TrustedKey(KEY.verify_key.hex), second), (rule,))
    assert desk.documents.take_trust(desk.sealed(MessageType.TRUST, "site", trust))
    planned = {placed.airing.airing_id: placed.emergency for placed in desk.documents.plan(START)}
    assert planned == {"top": False, "leaf": True}
