"""Batches: few at a time, again until acknowledged, never lost."""

import random

import pytest

from device.sender import BATCH, Sender
from protocol.messages import ReportAck
from tests.device.test_outbox import finished


class Line:
    """Where batches go; `up` False loses the link."""

    def __init__(self):
        self.up = True
        self.batches = []

    def publish(self, batch):
        if self.up:
            self.batches.append([report.seq for report in batch.reports])
        return self.up


@pytest.fixture
def make(open_box):
    def with_reports(reports):
        box = open_box(None)
        for number in range(reports):
            box.note(finished(f"a{number}"))
        line = Line()
        return box, line, Sender(box, line.publish, random.Random(1))

    return with_reports


def test_at_most_two_batches_are_under_way(make):
    _, line, sender = make(BATCH * 4)
    sender.tick(0.0)
    sender.tick(1.0)
    assert [len(batch) for batch in line.batches] == [BATCH, BATCH]


def test_an_acknowledgement_lets_the_next_go(make):
    box, line, sender = make(BATCH * 3)
    sender.tick(0.0)
    sender.acknowledged(ReportAck(box.store_epoch, 0, tuple(line.batches[0])), 1.0)
    assert line.batches[2] == list(range(2 * BATCH + 1, 3 * BATCH + 1))


def test_what_is_not_acknowledged_is_sent_again_after_a_while(make):
    _, line, sender = make(3)
    sender.tick(0.0)
    sender.tick(20.0)
    assert len(line.batches) == 1
    sender.tick(40.0)
    assert line.batches == [[1, 2, 3], [1, 2, 3]]


def test_a_new_connection_sends_everything_again(make):
    _, line, sender = make(3)
    sender.tick(0.0)
    sender.connected()
    sender.tick(0.1)
    assert line.batches == [[1, 2, 3], [1, 2, 3]]


def test_without_a_link_nothing_counts_as_sent(make):
    _, line, sender = make(3)
    line.up = False
    sender.tick(0.0)
    line.up = True
    sender.tick(0.1)
    assert line.batches == [[1, 2, 3]]


def test_a_year_of_backlog_drains(make):
    box, line, sender = make(7300)
    now = 0.0
    sender.tick(now)
    while len(box):
        batch = line.batches.pop(0)
        now += 0.1
        sender.acknowledged(ReportAck(box.store_epoch, 0, tuple(batch)), now)
    assert len(box) == 0 and now < 60


def test_what_happens_now_goes_before_the_backlog(make):
    box, line, sender = make(BATCH * 4)
    sender.connected()
    sender.tick(0.0)
    box.note(finished("live"))
    sender.acknowledged(ReportAck(box.store_epoch, 0, tuple(line.batches[0])), 0.5)
    assert line.batches[2] == [BATCH * 4 + 1]
    sender.acknowledged(ReportAck(box.store_epoch, 0, tuple(line.batches[2])), 1.0)
    assert line.batches[3] == list(range(2 * BATCH + 1, 3 * BATCH + 1))


def test_on_a_slow_line_batches_shrink_and_grow_again(make):
    box, line, sender = make(BATCH * 8)
    now = 0.0
    sender.tick(now)
    for took_s, size in ((9.0, 25), (9.0, 12), (1.0, 24), (1.0, 48), (1.0, 50)):
        before = len(line.batches)
        oldest = line.batches[before - 2]
        now += took_s
        for sent in sender._sent:
            sent.sent_at = now - took_s
        sender.acknowledged(ReportAck(box.store_epoch, 0, tuple(oldest)), now)
        assert len(line.batches[before]) == size
