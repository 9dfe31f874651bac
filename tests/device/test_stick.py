"""The node and a stick, with no broker in the world: a friend's, a stranger's, a full one."""

import errno
import hashlib
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from device.settings import Settings
from device.stick import Visit
from protocol.codec import from_json
from protocol.envelope import Heading, MessageType, seal, verify
from protocol.keys import SigningKey
from protocol.messages import (
    Airing,
    Answer,
    Command,
    DayPage,
    Part,
    Report,
    ReportAck,
    ReportBatch,
    ScheduleHead,
)
from protocol.pack import Pack
from protocol.pages import pack_page
from protocol.topics import Topics, parse
from tests.device.conftest import free_port
from tests.device.living import Living
from tests.device.test_story import AREA, bound

TOPICS = Topics("main")
CLIP = b"the bytes of a clip"
SHA256 = hashlib.sha256(CLIP).hexdigest()


class Office:
    """Where sticks are written: a controller's key and what it says."""

    def __init__(self):
        self.key = SigningKey.generate()
        self.seq = 100

    def say(self, pack, topic, type_, message, to, key=None):
        self.seq += 1
        now = datetime.now(UTC)
        heading = Heading("main", to, "controller", self.seq, now, now + timedelta(days=45))
        pack.say_down(topic, seal(type_, heading, message, [key or self.key]))

    def write(self, pack, device_id, key=None):
        """Config, a schedule of one airing tomorrow, its page and its clip."""
        config = bound(device_id)
        topic = TOPICS.to_device(device_id, "config")
        self.say(pack, topic, MessageType.CONFIG, config, f"device:{device_id}", key)
        starts_at = datetime.now(UTC) + timedelta(hours=20)
        part = Part(sha256=SHA256, bytes=len(CLIP), duration_ms=1000)
        days = [(datetime.now(UTC) + timedelta(days=n)).date().isoformat() for n in range(2)]
        refs = []
        for day in days:
            mine = (Airing("a1", starts_at, parts=(part,)),) * (starts_at.date().isoformat() == day)
            ref, page = pack_page(DayPage(AREA, day, mine))
            pack.put_blob(ref.sha256, iter([page]))
            refs.append(ref)
        pack.put_blob(SHA256, iter([CLIP]))
        head = ScheduleHead(AREA, 1, starts_at + timedelta(days=9), tuple(refs))
        topic = TOPICS.schedule(AREA)
        self.say(pack, topic, MessageType.SCHEDULE, head, f"area:{AREA}", key)


@pytest.fixture
def office():
    return Office()


@pytest.fixture
def media(tmp_path):
    folder = tmp_path / "media"
    folder.mkdir()
    return folder


@pytest.fixture
def settings(tmp_path, office, media):
    return Settings(
        broker_url=f"mqtt://127.0.0.1:{free_port()}",
        controller_keys=(office.key.verify_key.hex,),
        claim_code="7KQ2-MXWD-9RTA",
        data_dir=tmp_path / "data",
        sink="null",
        clock="trusted",
        stick_dirs=(str(media),),
    )


@pytest.fixture
def living(settings):
    living = Living(settings, log_tail=lambda count: "a line of the log")
    yield living
    assert living.end() == 0


def visit(living):
    """Plug in what is in the media folder, and wait until the node is done with it."""
    living.node.care.sticks.look()
    assert living.node.care.sticks.visiting
    living.until(lambda: not living.node.care.sticks.visiting)


def stick(media, name="stick"):
    (media / name).mkdir()
    return Pack(media / name)


def pull(living, pack, to):
    """Pull the stick out; where it is now."""
    shutil.move(pack.root.parent, to)
    living.node.care.sticks.look()
    return Pack(to)


def said_by(living, pack):
    """channel → bodies of what the node left, each verified with its key."""
    key = living.node.key.verify_key
    found = {}
    for topic, raw in pack.said_up():
        channel = parse(topic).channel
        type_ = MessageType.REPORTS if channel == "report" else MessageType(channel)
        found.setdefault(channel, []).append(verify(raw, type_, {key.kid: key}))
    return found


def report(number):
    return Report(airing_id=f"r{number}", planned_at=datetime.now(UTC) - timedelta(minutes=number))


def test_a_stick_brings_the_schedule_and_its_clips(living, office, media):
    pack = stick(media)
    office.write(pack, living.node.device_id)
    visit(living)
    node = living.node
    assert node.documents.config.name == "Bản Mới"
    assert node.planner.coming(node.clock.now()).airing_id == "a1"
    assert node.blobs.load(SHA256) == CLIP


def test_a_new_device_asks_to_be_bound_by_stick(living, media):
    pack = stick(media)
    pack.root.mkdir()
    visit(living)
    said = said_by(living, pack)
    assert said["claim"][0]["public_key"] == living.node.key.verify_key.hex
    assert from_json(Answer, said["answer"][0]).detail == "a line of the log"
    assert said["status"][0]["problems"]


def test_reports_leave_signed_and_go_when_the_next_stick_acknowledges(
    living, office, media, tmp_path
):
    node = living.node
    pack = stick(media)
    office.write(pack, node.device_id)
    for number in range(120):
        node.outbox.note(report(number))
    visit(living)
    batches = [from_json(ReportBatch, body) for body in said_by(living, pack)["report"]]
    seqs = [r.seq for batch in batches for r in batch.reports]
    assert seqs == list(range(1, 121))
    assert len(node.outbox) == 120
    pack = pull(living, pack, tmp_path / "office")
    topic = TOPICS.to_device(node.device_id, "ack")
    ack = ReportAck(node.outbox.store_epoch, 100, (105,))
    office.say(pack, topic, MessageType.ACK, ack, f"device:{node.device_id}")
    shutil.move(tmp_path / "office", media / "stick")
    visit(living)
    assert len(node.outbox) == 19
    assert len(said_by(living, Pack(media / "stick"))["report"]) == 1


def test_reports_the_card_does_not_take_leave_by_stick_under_another_stores_name(
    living, office, media
):
    node = living.node
    pack = stick(media)
    office.write(pack, node.device_id)
    node.outbox.note(report(1))
    node.outbox._db.execute("PRAGMA query_only=ON")
    node.outbox.note(report(2))
    visit(living)
    batches = [from_json(ReportBatch, body) for body in said_by(living, pack)["report"]]
    told = {batch.store_epoch: [r.airing_id for r in batch.reports] for batch in batches}
    assert told == {
        node.outbox.store_epoch: [report(1).airing_id],
        node.sender.spare.store_epoch: [report(2).airing_id],
    }
    node.outbox._db.execute("PRAGMA query_only=OFF")


def test_a_strangers_stick_changes_nothing(living, office, media):
    pack = stick(media)
    office.write(pack, living.node.device_id, key=SigningKey.generate())
    visit(living)
    assert not living.node.documents.bound
    assert living.node.gate.refused["unknown_key"] >= 1
    assert not living.node.blobs.held()


def test_a_command_on_a_stick_is_not_obeyed(living, office, media):
    pack = stick(media)
    me = living.node.device_id
    topic = TOPICS.to_device(me, "command")
    office.say(pack, topic, MessageType.COMMAND, Command("c", "restart"), f"device:{me}")
    restarted = []
    living.node.on_restart = lambda: restarted.append(1)
    visit(living)
    assert restarted == []


def test_an_old_stick_does_not_bring_back_an_old_schedule(living, office, media, tmp_path):
    pack = stick(media)
    office.write(pack, living.node.device_id)
    shutil.copytree(pack.root.parent, tmp_path / "old")
    head = ScheduleHead(AREA, 2, datetime.now(UTC) + timedelta(days=1), ())
    office.say(pack, TOPICS.schedule(AREA), MessageType.SCHEDULE, head, f"area:{AREA}")
    visit(living)
    assert living.node.schedules.held()[0].revision == 2
    pull(living, pack, tmp_path / "away")
    shutil.move(tmp_path / "old", media / "stick")
    visit(living)
    assert living.node.schedules.held()[0].revision == 2
    assert living.node.gate.refused["replayed"] == 1


def test_a_truncated_stick_brings_what_is_whole(living, office, media):
    pack = stick(media)
    office.write(pack, living.node.device_id)
    clip = pack.root / "blob" / SHA256
    clip.write_bytes(CLIP[:-3])
    visit(living)
    assert living.node.documents.bound
    assert not living.node.blobs.holds(SHA256)
    assert not list((living.node.settings.data_dir / "parts").glob("*.stick"))


def test_a_stick_that_takes_nothing_still_brings_everything(living, office, media):
    """As when it is full or switched to read-only: `up` is a file, so no folder can be made."""
    pack = stick(media)
    office.write(pack, living.node.device_id)
    (pack.root / "up").write_bytes(b"")
    visit(living)
    assert living.node.blobs.holds(SHA256)
    assert (pack.root / "up").read_bytes() == b""


class Pulled(Pack):
    """A stick that is pulled out at its n-th operation."""

    def __init__(self, stick, operations):
        super().__init__(stick)
        self.left = operations

    def _tick(self):
        self.left -= 1
        if self.left < 0:
            raise OSError(errno.EIO, "no such device")

    def said_down(self):
        self._tick()
        return super().said_down()

    def copy_blob(self, sha256, size_bytes, target):
        target.write_bytes(b"half")
        try:
            self._tick()
        except OSError:
            target.unlink()
            raise
        return super().copy_blob(sha256, size_bytes, target)

    def say_up(self, device_id, name, topic, envelope):
        self._tick()
        return super().say_up(device_id, name, topic, envelope)


@pytest.mark.parametrize("operations", range(8))
def test_a_stick_pulled_out_at_any_step_costs_nothing(living, office, media, operations):
    living.node.outbox.note(report(1))
    pack = stick(media)
    office.write(pack, living.node.device_id)
    over = []
    Visit(living.node, Pulled(media / "stick", operations), lambda: over.append(1)).begin()
    living.until(lambda: over)
    assert not list((living.node.settings.data_dir / "parts").glob("*.stick"))
    assert len(living.node.outbox) == 1
    visit(living)
    assert living.node.blobs.holds(SHA256)
    assert len(said_by(living, pack)["report"]) == 1


def test_a_stick_full_of_rubbish_holds_nobody_up(living, office, media):
    pack = stick(media)
    office.write(pack, living.node.device_id)
    for number in range(300):
        topic = TOPICS.schedule(f"x{number}")
        pack.say_down(topic, b'{"v":1}\n{}')
    visit(living)
    assert living.node.blobs.holds(SHA256)


def test_without_places_no_stick_is_looked_for(settings, office, media):
    pack = stick(media)
    pack.root.mkdir()
    blind = Living(replace(settings, stick_dirs=()))
    blind.until(lambda: True)
    assert not blind.node.care.sticks.visiting
    assert blind.end() == 0
