"""Who is there: late wills, retained repeats and devices that fell silent are told apart."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from controller.database import reading, transaction
from controller.models import Change, Device, NodeEvent
from controller.mqtt.presence import SILENT_AFTER, lose_silent, take_presence, take_status
from protocol.envelope import Heading
from protocol.keys import SigningKey
from protocol.messages import Board, ClockReading, Presence, Status
from tests.controller.mqtt.conftest import NOW


@pytest.fixture
def device_id(place, bind):
    node_id, _ = place()
    return bind(node_id, SigningKey.generate())


@pytest.fixture
def device(engine, device_id):
    def read():
        with reading(engine) as session:
            return session.get_one(Device, device_id)

    return read


@pytest.fixture
def presence(engine, device_id):
    def say(seq, *, online=True, session_no=1, at=NOW, speaks=(1,)):
        said = Presence(online, "boot", session_no, "nonce", "1.0", speaks, "epoch")
        with transaction(engine) as session:
            row = session.get_one(Device, device_id)
            return take_presence(session, row, Heading(seq=seq), said, at)

    return say


@pytest.fixture
def status(engine, device_id):
    def say(seq, at=NOW, **fields):
        with transaction(engine) as session:
            row = session.get_one(Device, device_id)
            return take_status(session, row, Heading(seq=seq), Status(**fields), at)

    return say


def test_a_device_that_comes_is_online_with_what_it_says(presence, device):
    assert presence(5, session_no=3)
    row = device()
    assert (row.online, row.session, row.presence_seq) == (True, 3, 5)
    assert (row.boot_id, row.store_epoch, row.version) == ("boot", "epoch", "1.0")
    assert row.last_seen_at == NOW


def test_the_will_of_this_session_takes_it_offline_although_it_was_sealed_first(presence, device):
    presence(5)
    assert presence(4, online=False, at=NOW + timedelta(minutes=1))
    assert not device().online
    assert device().last_seen_at == NOW


def test_a_late_will_of_an_earlier_session_says_nothing(presence, device):
    presence(5, session_no=1)
    presence(9, session_no=2)
    assert not presence(4, online=False, session_no=1)
    assert device().online


def test_a_retained_presence_heard_again_is_old_news(presence, device):
    presence(5)
    presence(6, online=False)
    assert not presence(5)
    assert not device().online


def test_a_will_heard_again_after_the_device_came_back_changes_nothing(presence, device):
    presence(5, session_no=1)
    presence(4, online=False, session_no=1)
    presence(7, session_no=2)
    assert not presence(4, online=False, session_no=1)
    assert device().online


def test_a_status_is_kept_and_proves_presence(status, device):
    assert status(3, holds=("a" * 64,), outbox=2)
    assert device().online
    assert device().status["outbox"] == 2
    assert not status(4, holds=("a" * 64,))


def test_an_older_status_does_not_replace_a_newer_one(status, device):
    status(9, outbox=1)
    assert not status(8, outbox=7)
    assert device().status["outbox"] == 1


def test_a_device_that_says_nothing_for_long_is_offline(engine, status, device):
    status(1)
    with transaction(engine) as session:
        assert lose_silent(session, NOW + SILENT_AFTER) == 0
        assert lose_silent(session, NOW + SILENT_AFTER + timedelta(seconds=1)) == 1
        assert lose_silent(session, NOW + SILENT_AFTER + timedelta(seconds=2)) == 0
    assert not device().online


def test_pages_hear_of_the_node_in_its_area(engine, presence, commune):
    with reading(engine) as session:
        before = len(session.scalars(select(Change)).all())
    presence(5)
    with reading(engine) as session:
        told = session.scalars(select(Change).order_by(Change.seq)).all()[before:]
    assert [(change.kind, change.area_id) for change in told] == [("node", commune.areas["upper"])]


def story(engine):
    with reading(engine) as session:
        rows = session.scalars(select(NodeEvent).order_by(NodeEvent.id)).all()
        return [(row.kind.value, row.detail) for row in rows]


def test_coming_going_and_starting_anew_are_written_into_the_story(engine, device_id):
    def say(seq, boot, online):
        said = Presence(online, boot, seq, "nonce", "1.0", (1,), "epoch")
        with transaction(engine) as session:
            row = session.get_one(Device, device_id)
            take_presence(session, row, Heading(seq=seq), said, NOW)

    say(1, "first", True)
    say(2, "first", False)
    say(3, "second", True)
    assert story(engine) == [("came", ""), ("went", ""), ("restarted", ""), ("came", "")]


def test_the_first_status_says_why_it_started_anew(engine, device_id, presence, status):
    with transaction(engine) as session:
        session.get_one(Device, device_id).boot_id = "earlier"
    presence(1)
    status(2, board=Board(boot_reason="power"))
    assert ("restarted", "power") in story(engine)


def test_a_lost_clock_and_new_problems_are_told_once(engine, presence, status):
    presence(1)
    status(2, clock=ClockReading(trusted=True))
    status(3, problems=("Thẻ nhớ đầy.",))
    status(4, problems=("Thẻ nhớ đầy.",))
    status(5, clock=ClockReading(trusted=True))
    assert story(engine)[1:] == [
        ("clock_lost", ""),
        ("trouble", "Thẻ nhớ đầy."),
        ("clock_found", ""),
        ("well", ""),
    ]


def test_who_falls_silent_leaves_a_line(engine, presence):
    presence(1)
    with transaction(engine) as session:
        lose_silent(session, NOW + SILENT_AFTER + timedelta(seconds=1))
    assert story(engine)[-1] == ("went", "")


def test_a_device_that_reads_no_version_of_ours_is_shown_until_it_does(presence, status, device):
    presence(1, speaks=(7, 8))
    assert device().status["problems"] == ["other_version"]
    status(2, problems=("amplifier",))
    assert device().status["problems"] == ["amplifier", "other_version"]
    presence(3, session_no=2, speaks=(1, 2))
    assert device().status["problems"] == ["amplifier"]
    status(4, problems=())
    assert device().status["problems"] == []
