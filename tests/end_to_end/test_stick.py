"""A village with no link: the controller's stick to the node, the node's back, and once more.

Both sides are the real ones, the database too; only the road between them is a folder.
"""

import hashlib
import io
import shutil
import zipfile
from datetime import timedelta

import pytest

from audio_library.store import Store
from controller.accounts.access import SYSTEM
from controller.cli import main
from controller.commands import CommandKind
from controller.database import reading, transaction
from controller.models import Device, NodeOrder, NodeReport, Playback
from controller.mqtt.publisher import Retained
from controller.publishing import commander
from controller.publishing.commander import Commander
from controller.publishing.desk import Desk
from controller.usb import stick_files, sticks
from controller.usb.stick_files import StickFiles
from device.settings import Settings
from protocol.envelope import MessageType
from protocol.messages import Airing, DayPage, NodeConfig, Part, Report, ScheduleHead
from protocol.outcomes import Outcome, ReportKind
from protocol.pack import Pack
from protocol.pages import pack_page
from protocol.topics import Topics
from tests.controller.mqtt.conftest import (
    bind,
    clock,
    commune,
    controller_key,
    engine,
    link,
    place,
    publisher,
)
from tests.device.conftest import free_port
from tests.device.living import Living

__all__ = ["bind", "clock", "commune", "controller_key", "engine", "link", "place", "publisher"]
TOPICS = Topics("main")
CLIP = b"the bytes of a clip"
SHA256 = hashlib.sha256(CLIP).hexdigest()


@pytest.fixture
def living(tmp_path, controller_key):
    settings = Settings(
        broker_url=f"mqtt://127.0.0.1:{free_port()}",
        controller_keys=(controller_key.verify_key.hex,),
        data_dir=tmp_path / "node",
        sink="null",
        clock="trusted",
        stick_dirs=(str(tmp_path / "media"),),
    )
    living = Living(settings, log_tail=lambda count: "a line of the log")
    yield living
    assert living.end() == 0


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "store")
    store.put_bytes(CLIP)
    return store


class Road:
    """A stick that is here or there."""

    def __init__(self, folder, living):
        self.office = folder / "office"
        self.village = folder / "media" / "stick"
        self.village.parent.mkdir()
        self.office.mkdir()
        self.living = living

    def to_the_village(self):
        shutil.move(self.office, self.village)
        sticks = self.living.node.care.sticks
        sticks.look()
        self.living.until(lambda: not sticks.visiting)

    def to_the_office(self):
        shutil.move(self.village, self.office)
        self.living.node.care.sticks.look()


@pytest.fixture
def road(tmp_path, living):
    return Road(tmp_path, living)


@pytest.fixture
def served(place, bind, living, publisher, commune, clock, store):
    """A node whose device has a config and a schedule, as they stand on the broker."""
    node_id, _ = place()
    device_id = bind(node_id, living.node.key)
    clock.now = living.node.clock.now()
    area_id = commune.areas["upper"]
    path = (commune.areas["commune"], area_id)
    config = NodeConfig(node_id, "loa-01", "Đình làng", path)
    topic = TOPICS.to_device(device_id, "config")
    publisher.retain(Retained(topic, MessageType.CONFIG, f"device:{device_id}", config))
    starts_at = clock() + timedelta(hours=3)
    part = Part(sha256=SHA256, bytes=len(CLIP), duration_ms=1000)
    blobs, refs = {}, []
    for day in range(2):
        date = (clock() + timedelta(days=day)).date().isoformat()
        mine = (Airing("a1", starts_at, parts=(part,)),) * (starts_at.date().isoformat() == date)
        ref, page = pack_page(DayPage(area_id, date, mine))
        store.put_bytes(page)
        refs.append(ref)
        blobs[ref.sha256] = len(page)
    head = ScheduleHead(area_id, until=clock() + timedelta(days=30), pages=tuple(refs))
    topic = TOPICS.schedule(area_id)
    publisher.retain(Retained(topic, MessageType.SCHEDULE, f"area:{area_id}", head, blobs))
    return node_id


@pytest.fixture
def office(engine, store, controller_key, clock, road, served):
    """What an official does at the office with the stick."""

    class Office:
        def export(self):
            with transaction(engine) as session:
                find = store_find(store)
                return sticks.export(
                    session, SYSTEM, Pack(road.office), [served], find, site="main", now=clock()
                )

        def take_in(self):
            stick = Pack(road.office)
            with transaction(engine) as session:
                taken = sticks.take_in(session, SYSTEM, stick, site="main", now=clock())
            with transaction(engine) as session:
                sticks.acknowledge(session, stick, taken.devices, controller_key, "main", clock())
            return taken

    return Office()


def store_find(store):
    return lambda sha256: store.open(sha256) if store.has(sha256) else None


def finished(number, now):
    return Report(
        kind=ReportKind.FINISHED,
        airing_id=f"r{number}",
        planned_at=now - timedelta(minutes=number),
        at=now,
        outcome=Outcome.PLAYED,
    )


def count(engine, table):
    with reading(engine) as session:
        return session.query(table).count()


def test_a_schedule_goes_out_and_every_outcome_comes_back_once(office, road, living, engine, clock):
    made = office.export()
    assert (made.documents, made.missing) == (2, 0)
    road.to_the_village()
    node = living.node
    assert node.planner.coming(node.clock.now()).airing_id == "a1"
    assert node.blobs.load(SHA256) == CLIP
    for number in range(70):
        node.outbox.note(finished(number, clock()))
    road.to_the_office()
    road.to_the_village()
    road.to_the_office()
    taken = office.take_in()
    assert (taken.reports, taken.logs, taken.refused) == (70, 1, {})
    assert office.take_in().reports == 70
    assert (count(engine, NodeReport), count(engine, Playback)) == (70, 70)
    assert count(engine, NodeOrder) == 1
    with reading(engine) as session:
        device = session.get(Device, node.device_id)
        assert (device.online, device.status["outbox"]) == (False, 70)
    office.export()
    road.to_the_village()
    assert len(node.outbox) == 0
    road.to_the_office()
    assert office.take_in().reports == 0


def packed_onto(folder, engine, store, served, clock):
    """The ZIP of the page, unpacked where the stick is."""
    place, find = folder.parent / "tmp", store_find(store)
    asked = (engine, SYSTEM, [served], find, place)
    with stick_files.packed(*asked, site="main", now=clock()) as path:
        with zipfile.ZipFile(path) as archive:
            archive.extractall(folder)
        assert not any(info.compress_type for info in archive.infolist())
    assert list(place.iterdir()) == []


def sent_back(folder, engine, clock):
    """The stick's folder as somebody would compress it, handed in; with rubbish beside it."""
    pressed = io.BytesIO()
    with zipfile.ZipFile(pressed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, path.relative_to(folder))
        archive.writestr("loalang-pack/up/x/photo.msg", b"no message")
    files = StickFiles([("usb.zip", pressed), ("note.txt", io.BytesIO(b"hello"))], 10**8)
    taken = stick_files.take_in(engine, SYSTEM, files, site="main", now=clock())
    return taken, files.problems


def test_a_stick_travels_as_files_through_the_pages(
    engine, store, road, living, served, publisher, clock
):
    packed_onto(road.office, engine, store, served, clock)
    road.to_the_village()
    node = living.node
    assert node.blobs.load(SHA256) == CLIP
    for number in range(120):
        node.outbox.note(finished(number, clock()))
    road.to_the_office()
    road.to_the_village()
    road.to_the_office()
    for _ in range(2):  # handed in twice, counted once
        taken, problems = sent_back(road.office, engine, clock)
        assert (taken.reports, taken.refused) == (120, {})
        assert problems == {
            "loalang-pack/up/x/photo.msg": stick_files.NOT_OURS,
            "note.txt": stick_files.NOT_OURS,
        }
    assert (count(engine, NodeReport), count(engine, Playback)) == (120, 120)
    desk = Desk(engine, publisher, None, store, 30, clock)
    kind = CommandKind.STICK_TAKEN
    service = Commander(engine, {kind: commander.ordinary(desk)[kind]}, clock)
    while service.step():
        pass
    shutil.rmtree(road.office)
    road.office.mkdir()
    packed_onto(road.office, engine, store, served, clock)
    road.to_the_village()
    assert len(node.outbox) == 0


def test_what_was_changed_on_the_way_is_named_by_its_file(
    engine, store, road, living, served, clock
):
    packed_onto(road.office, engine, store, served, clock)
    living.node.outbox.note(finished(1, clock()))
    road.to_the_village()
    road.to_the_office()
    (path,) = road.office.glob("loalang-pack/up/*/reports-*.msg")
    raw = path.read_bytes()
    spoilt = [("spoilt.msg", io.BytesIO(raw[:-9])), ("huge.msg", io.BytesIO(raw + b" " * 300_000))]
    files = StickFiles([*spoilt, ("cut.zip", io.BytesIO(b"PK\x03\x04cut"))], 10**8)
    taken = stick_files.take_in(engine, SYSTEM, files, site="main", now=clock())
    assert taken.reports == count(engine, NodeReport) == 0
    assert files.problems == {
        "spoilt.msg": stick_files.REFUSED["bad_signature"],
        "huge.msg": stick_files.TOO_LARGE,
        "cut.zip": stick_files.DAMAGED,
    }


def test_what_a_stranger_left_is_refused(office, road, living, engine, clock):
    office.export()
    living.node.outbox.note(finished(1, clock()))
    road.to_the_village()
    road.to_the_office()
    up = road.office / "loalang-pack" / "up"
    mine = up / living.node.device_id
    for number, path in enumerate(sorted(mine.glob("*.msg"))):
        raw = path.read_bytes()
        path.write_bytes(raw[:-5] if number % 2 else raw.replace(b'"from"', b'"form"'))
    shutil.copytree(mine, up / ("f" * 32))
    taken = office.take_in()
    assert taken.reports == 0
    assert sum(taken.refused.values()) >= 3
    assert count(engine, NodeReport) == 0


def test_the_console_does_both(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("LOALANG_DATA_DIR", str(tmp_path / "data"))
    stick = tmp_path / "stick"
    stick.mkdir()
    assert main(["migrate"]) == 0
    assert main(["stick", "export", str(stick), "--json"]) == 0
    assert main(["stick", "import", str(stick), "--json"]) == 0
    assert '"reports": 0' in capsys.readouterr().out
