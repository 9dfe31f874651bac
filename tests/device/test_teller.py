"""Reports are told from memory when the disk does not take them, each once."""

import sqlite3

import pytest

from device.outbox import Outbox, prepared
from device.teller import Teller
from protocol.messages import ReportAck
from tests.device.test_outbox import Refusing, card, finished, started


class Road:
    """A link that carries batches while it is up; the controller acknowledges on demand."""

    def __init__(self):
        self.up = True
        self.batches = []

    def publish(self, batch):
        if self.up:
            self.batches.append(batch)
        return self.up

    def told(self):
        """(store, number, airing) of every report that was carried."""
        return [(b.store_epoch, r.seq, r.airing_id) for b in self.batches for r in b.reports]

    def acknowledge(self, teller, now):
        for batch in self.batches:
            seqs = tuple(report.seq for report in batch.reports)
            teller.acknowledged(ReportAck(batch.store_epoch, 0, seqs), now)


@pytest.fixture
def road():
    return Road()


@pytest.fixture
def teller(tmp_path, road):
    card.read_only = False
    box = Outbox(
        tmp_path / "outbox", lambda name: prepared(sqlite3.connect(name, factory=Refusing))
    )
    teller = Teller(box, road.publish, lambda: road.up)
    yield teller
    teller.close()


def ledger_of(teller):
    return teller.ledgers[0]


def test_on_a_card_that_takes_nothing_reports_are_told_under_another_stores_name(teller, road):
    box = ledger_of(teller)
    box.note(started())
    card.read_only = True
    box.note(finished())
    for now in range(12):
        teller.tick(float(now))
    epochs = [epoch for epoch, _, _ in road.told()]
    assert len(set(epochs)) == 2 and epochs[0] == box.store_epoch
    assert len(teller) == 2
    road.acknowledge(teller, 13.0)
    assert len(teller) == 0
    carried = len(road.batches)
    for now in range(14, 200):
        teller.tick(float(now))
    assert len(road.batches) == carried, "what was acknowledged is told again"
    teller.spare.close()


def test_a_disk_that_refuses_for_a_moment_keeps_its_own_numbers(teller, road):
    card.read_only = True
    ledger_of(teller).note(finished())
    teller.tick(0.0)
    teller.tick(9.0)
    assert road.batches == []
    card.read_only = False
    assert ledger_of(teller).retry()
    teller.tick(20.0)
    assert [epoch for epoch, _, _ in road.told()] == [ledger_of(teller).store_epoch]
    assert teller.spare is None


def test_without_a_link_they_wait_for_the_disk_or_the_link(teller, road):
    road.up = False
    card.read_only = True
    ledger_of(teller).note(finished())
    for now in range(60):
        teller.tick(float(now))
    assert teller.spare is None and len(teller) == 1
    card.read_only = False
    assert ledger_of(teller).retry()
    road.up = True
    teller.connected()
    teller.tick(61.0)
    assert [epoch for epoch, _, _ in road.told()] == [ledger_of(teller).store_epoch]
