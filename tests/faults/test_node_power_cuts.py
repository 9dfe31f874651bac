"""The ledger and the power: whatever was noted is there after any cut, and the store opens."""

import contextlib
import random
from datetime import timedelta

import pytest

from device.outbox import Outbox, prepared
from protocol.messages import Report
from protocol.outcomes import Outcome, ReportKind
from tests.device.fakes import START
from tests.faults.crashing_disk import Connection, Disk, PowerCut

# A cut inside SQLite's own callbacks has nobody to raise to.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


class Promised:
    """What calls have returned from before the cut."""

    def __init__(self):
        self.begun: set[str] = set()
        self.ended: set[str] = set()
        self.acknowledged = 0


def open_ledger(disk, tmp_path):
    return Outbox(tmp_path / "none", connect=lambda _: prepared(Connection(disk)))


def work(ledger, promised):
    """Airings begin and end, the controller acknowledges; `promised` holds what was returned."""
    for number in range(40):
        airing_id = f"a{number:02d}"
        ledger.note(Report(kind=ReportKind.STARTED, airing_id=airing_id, planned_at=START))
        promised.begun.add(airing_id)
        ledger.note(
            Report(
                kind=ReportKind.FINISHED,
                airing_id=airing_id,
                planned_at=START + timedelta(minutes=number),
                outcome=Outcome.PLAYED,
            )
        )
        promised.ended.add(airing_id)
        if number % 5 == 4:
            owed = ledger.owed(6)
            ledger.acknowledge(ledger.store_epoch, owed[-1].seq, [])
            promised.acknowledged = owed[-1].seq


def one_cut(seed, tmp_path):
    chance = random.Random(seed)
    disk = Disk(chance, cut_after=chance.randrange(8, 700))
    promised = Promised()
    try:
        ledger = open_ledger(disk, tmp_path)
        work(ledger, promised)
    except PowerCut:
        pass
    ledger = open_ledger(disk.after_the_cut(), tmp_path)
    assert not ledger.quarantined
    assert all(ledger.knows(airing_id) for airing_id in promised.begun)
    owed = ledger.owed(1000)
    told = {report.airing_id for report in owed if report.kind == "finished"}
    done = {r.airing_id for r in ledger.orphans()}
    for number, airing_id in enumerate(sorted(promised.ended)):
        assert airing_id not in done
        assert airing_id in told or 2 * (number + 1) <= promised.acknowledged + 6
    assert len({report.seq for report in owed}) == len(owed)
    ledger.close()
    return len(promised.ended)


def one_cut_on_a_lying_card(seed, tmp_path):
    """Whether the store had to be set aside; it must open and work in any case."""
    chance = random.Random(seed)
    disk = Disk(chance, cut_after=chance.randrange(150, 700))
    disk.lies_after = chance.randrange(5, 60)
    with contextlib.suppress(PowerCut):
        work(open_ledger(disk, tmp_path), Promised())
    disks = [disk.after_the_cut(), Disk(chance)]
    ledger = Outbox(tmp_path / "none", connect=lambda _: prepared(Connection(disks.pop(0))))
    for number in range(20):
        ledger.note(Report(kind=ReportKind.STARTED, airing_id=f"b{number}", planned_at=START))
    assert len({report.airing_id for report in ledger.owed(999)} & {"b0", "b19"}) == 2
    ledger.close()
    return ledger.quarantined


def test_a_card_that_lies_costs_the_store_and_not_the_node(tmp_path):
    set_aside = sum(one_cut_on_a_lying_card(seed, tmp_path) for seed in range(100))
    assert set_aside > 0


@pytest.mark.parametrize("block", range(4))
def test_a_cut_at_any_write_loses_nothing_that_was_noted(tmp_path, block):
    ended = [one_cut(block * 1000 + seed, tmp_path) for seed in range(60)]
    assert max(ended) > min(ended)


@pytest.mark.faults
@pytest.mark.timeout(900)
def test_a_thousand_cuts_lose_nothing_that_was_noted(tmp_path):
    for seed in range(1500):
        one_cut(100_000 + seed, tmp_path)
