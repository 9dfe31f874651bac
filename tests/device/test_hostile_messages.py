"""A hostile broker's messages at the gate: none is let through, each is counted."""

import random

import pytest

from device.identity import Counters
from device.trust import Gate
from protocol.keys import SigningKey
from tests.device.fakes import START, FakeClock
from tests.support.mutations import hostile, originals

KEY = SigningKey.generate()


class InMemory(Counters):
    """Counters whose disk is not asked a hundred thousand times."""

    def _write(self):
        self.refusal = None


def bombard(folder, count, seed):
    """Obey what is genuine, then see `count` hostile messages: (let through, refused)."""
    keys = {KEY.verify_key.kid: KEY.verify_key}
    gate = Gate("main", "d" * 32, keys, InMemory(folder), FakeClock(), area_path=("village",))
    genuine = originals(KEY, START)
    assert all(gate.open(raw, type_, type_) for type_, raw, _ in genuine)
    luck = random.Random(seed)
    let_through = 0
    for _ in range(count):
        type_, raw = hostile(luck, genuine, KEY, START)
        let_through += gate.open(raw, type_, type_) is not None
    return let_through, sum(gate.refused.values())


def test_two_thousand_hostile_messages_are_refused_and_counted(tmp_path):
    assert bombard(tmp_path, 2_000, 1) == (0, 2_000)


@pytest.mark.faults
@pytest.mark.timeout(600)
def test_a_hundred_thousand_hostile_messages_are_refused_and_counted(tmp_path):
    assert bombard(tmp_path, 100_000, 2) == (0, 100_000)
