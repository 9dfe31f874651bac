"""Faults a village reports: open until the repair book has an answer, and news for technicians."""

from datetime import timedelta

import pytest

from controller.accounts.access import Actor
from controller.database import reading, transaction
from controller.errors import BadInput, NotFound
from controller.fleet import faults, node_care
from controller.models import Role
from controller.upkeep import alerts
from tests.controller.factories import NOW, make_node

MINUTE = timedelta(minutes=1)


@pytest.fixture
def head(cast):
    return Actor(None, "Hoa", Role.VILLAGE_HEAD, cast.areas["upper"])


@pytest.fixture
def node(engine, cast):
    with transaction(engine) as session:
        return make_node(session, cast.areas["upper"]).id


@pytest.fixture
def reported(engine, head, node):
    with transaction(engine) as session:
        faults.report(session, head, node, "  Loa \n hú  ", NOW)
    return node


def unanswered(engine, actor):
    with reading(engine) as session:
        return [(note.text, node.id) for note, node in faults.unanswered(session, actor, NOW)]


def test_a_report_stands_in_the_repair_book_until_it_is_answered(engine, cast, reported):
    assert unanswered(engine, cast.tom) == [("Loa hú", reported)]
    assert unanswered(engine, cast.charlie) == []
    with transaction(engine) as session:
        node_care.add_note(session, cast.tom, reported, "Đã thay dây.", NOW + MINUTE)
    assert unanswered(engine, cast.tom) == []
    with transaction(engine) as session:
        assert [note.reported for note in node_care.notes(session, cast.tom, reported)] == [
            False,
            True,
        ]


def test_a_report_is_sent_to_who_hears_of_the_area(engine, cast, reported):
    sent = []
    with transaction(engine) as session:
        alerts.add(session, cast.alice, cast.areas["commune"], "Tâm", "json://h/a", NOW - MINUTE)
        alerts.add(session, cast.charlie, cast.areas["elsewhere"], "Xa", "json://h/b", NOW - MINUTE)

    def send(address, _title, body):
        sent.append((address, body))
        return True

    assert alerts.run(engine, NOW + MINUTE, send) == 1
    assert sent[0][0] == "json://h/a"
    assert "dân báo hỏng: Loa hú" in sent[0][1]
    assert alerts.run(engine, NOW + 40 * MINUTE, send) == 0


def test_an_empty_report_and_one_of_another_village_are_refused(engine, cast, head, node):
    with transaction(engine) as session, pytest.raises(BadInput):
        faults.report(session, head, node, " ", NOW)
    lower = Actor(None, "Bảy", Role.VILLAGE_HEAD, cast.areas["lower"])
    with transaction(engine) as session, pytest.raises(NotFound):
        faults.report(session, lower, node, "Hỏng", NOW)
