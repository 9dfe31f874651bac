"""Slots: no two horns within earshot share one, and a new horn moves few."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from controller.calendar.echo import Horn, distance_m, hearing, slots

METRE = 1 / 111_320


def row(*metres, slot=0):
    """Horns along a street."""
    return [Horn(f"h{i}", 20 + at * METRE, 105.0, slot) for i, at in enumerate(metres)]


def test_neighbours_get_different_slots_and_strangers_share():
    found = slots(row(0, 500, 1000), 700)
    assert found["h0"] != found["h1"] != found["h2"]
    assert set(found.values()) == {0, 1}


def test_a_horn_alone_has_the_first_slot():
    assert slots([Horn("a", 20, 105, slot=3)], 700) == {"a": 0}


def test_two_at_one_place_are_told_apart():
    assert sorted(slots(row(0, 0, 0), 700).values()) == [0, 1, 2]


def test_a_good_placing_is_kept():
    first = row(0, 500, 1000)
    given_ = slots(first, 700)
    placed = [Horn(h.id, h.lat, h.lon, given_[h.id]) for h in first]
    with_one_more = [*placed, Horn("new", 20 + 5000 * METRE, 105.0)]
    assert slots(with_one_more, 700) == {**given_, "new": 0}


def test_distance_is_that_of_the_ground():
    assert round(distance_m(Horn("a", 20, 105), Horn("b", 20, 105.01))) == 1046


@given(st.integers(0, 2**32 - 1), st.integers(1, 60))
@settings(max_examples=50, deadline=None)
def test_no_neighbours_share_a_slot(seed, count):
    dice = random.Random(seed)
    horns = [
        Horn(f"h{i}", dice.uniform(19.98, 20.02), dice.uniform(104.98, 105.02), dice.randrange(4))
        for i in range(count)
    ]
    found = slots(horns, 900)
    for horn_id, others in hearing(horns, 900).items():
        assert all(found[horn_id] != found[other] for other in others)
        assert found[horn_id] <= len(others)


def test_the_grid_finds_every_neighbour():
    dice = random.Random(1)
    horns = [Horn(f"h{i}", dice.uniform(60, 60.05), dice.uniform(10, 10.05)) for i in range(80)]
    for horn in horns:
        near = {o.id for o in horns if o.id != horn.id and distance_m(horn, o) <= 800}
        assert hearing(horns, 800)[horn.id] == near
