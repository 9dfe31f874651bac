"""Thirty days with no link, the power going now and then; then the link, and everything is told.

The node's own clock is moved along, so a month takes seconds; planner, stage, ledger and sender are
the real ones.
"""

import random

import pytest

from device.sender import Sender
from protocol.messages import ReportAck
from tests.device.fakes import World, an_airing

A_DAY = 86_400
TIMES_S = tuple(5 * 3600 + n * 2400 for n in range(20))  # twenty a day


def month(days):
    return [
        an_airing(f"d{day:02d}-{number:02d}", after_s=day * A_DAY + at, length_s=30.0)
        for day in range(days)
        for number, at in enumerate(TIMES_S)
    ]


def live(world, airings, chance):
    """Let the days pass; the power goes once in three days, at any instant near an airing."""
    for number, airing in enumerate(airings):
        if number % 20 == 0:  # the plan holds some days, as the agent has it
            day = airings[number : number + 40]
            world.plan(*day)
        ahead = airing.starts_at.timestamp() - world.clock.unix - 20.0
        world.clock.pass_time(max(ahead, 0.0))
        if number % 60 == 37:
            world.run(chance.uniform(0.0, 55.0), step=0.5)
            world.crash()
            world.boot()
            world.plan(*airings[number : number + 40])
        world.run(60.0, step=1.0)


def drain(world):
    """Airing → its outcomes as a controller gets them that acknowledges each batch at once."""
    told, batches = {}, []
    sender = Sender(world.outbox, lambda batch: batches.append(batch) or True, random.Random(3))
    sender.connected()
    now = 0.0
    sender.tick(now)
    while batches:
        batch = batches.pop(0)
        for report in batch.reports:
            if report.kind == "finished":
                told.setdefault(report.airing_id, set()).add((report.outcome, report.seq))
        now += 0.1
        seqs = tuple(report.seq for report in batch.reports)
        sender.acknowledged(ReportAck(world.outbox.store_epoch, 0, seqs), now)
    return told


def check(tmp_path, days, seed):
    world = World(tmp_path)
    airings = month(days)
    live(world, airings, random.Random(seed))
    sounded = [airing_id for airing_id, _ in world.sounded]
    assert len(sounded) == len(set(sounded)), "an airing sounded twice"
    late = [
        at - a.starts_at.timestamp() for a in airings for i, at in world.sounded if i == a.airing_id
    ]
    assert max(late) <= 120.0
    told = drain(world)
    assert told.keys() == {airing.airing_id for airing in airings}
    assert all(len(outcomes) == 1 for outcomes in told.values())
    played = sum(next(iter(outcomes))[0] == "played" for outcomes in told.values())
    assert played >= len(airings) - 2 * (days // 3 + 1)
    assert len(world.outbox) == 0
    world.close()


def test_three_days_without_a_link_are_told_in_the_end(tmp_path):
    check(tmp_path, 3, seed=1)


@pytest.mark.faults
@pytest.mark.timeout(900)
def test_thirty_days_without_a_link_are_told_in_the_end(tmp_path):
    check(tmp_path, 30, seed=2)
