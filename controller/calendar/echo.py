"""Neighbours that echo: horns within earshot of each other get different stagger slots.

Sound needs 3 ms a metre, so speech that starts together at two horns is heard twice. A graph
colouring gives neighbours different slots; what has a slot that still fits keeps it, so that one
new horn does not make a whole commune change. Pure.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

# Speech of neighbours that hear each other starts this much apart, slot by slot.
STAGGER_STEP_MS = 2000
_METRES_A_DEGREE = 111_320.0
Cell = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Horn:
    """A place with horns: where it is, in degrees, and the slot it has."""

    id: str
    lat: float
    lon: float
    slot: int = 0


def slots(horns: Sequence[Horn], earshot_m: float) -> dict[str, int]:
    """Id → slot, such that no two within earshot share one; slots count up from 0."""
    neighbours = hearing(horns, earshot_m)
    given: dict[str, int] = {}
    # Those that are well placed stay first; then by how many they hear, which needs fewest slots.
    order = sorted(horns, key=lambda h: (-len(neighbours[h.id]), h.slot, h.id))
    for horn in order:
        taken = {given[other] for other in neighbours[horn.id] if other in given}
        fits = horn.slot not in taken and horn.slot <= len(neighbours[horn.id])
        given[horn.id] = horn.slot if fits else _first_free(taken)
    return given


def hearing(horns: Sequence[Horn], earshot_m: float) -> dict[str, set[str]]:
    """Id → the ids within earshot; a grid keeps it from comparing every pair."""
    found: dict[str, set[str]] = {horn.id: set() for horn in horns}
    cells: dict[Cell, list[Horn]] = defaultdict(list)
    for horn in horns:
        cells[_cell(horn, earshot_m)].append(horn)
    for horn in horns:
        for other in _around(cells, _cell(horn, earshot_m)):
            if other.id != horn.id and distance_m(horn, other) <= earshot_m:
                found[horn.id].add(other.id)
    return found


def distance_m(one: Horn, other: Horn) -> float:
    """Metres between two places some kilometres apart at most."""
    middle = math.radians((one.lat + other.lat) / 2)
    north = (one.lat - other.lat) * _METRES_A_DEGREE
    east = (one.lon - other.lon) * _METRES_A_DEGREE * math.cos(middle)
    return math.hypot(north, east)


def _cell(horn: Horn, earshot_m: float) -> Cell:
    # A degree of longitude shrinks towards the poles: cells as wide as at 60° hold everywhere
    # people live, and only cost a few more comparisons at the equator.
    size = earshot_m / _METRES_A_DEGREE
    return math.floor(horn.lat / size), math.floor(horn.lon / (2 * size))


def _around(cells: dict[Cell, list[Horn]], cell: Cell) -> Iterator[Horn]:
    row, column = cell
    for r in range(row - 1, row + 2):
        for c in range(column - 1, column + 2):
            yield from cells.get((r, c), ())


def _first_free(taken: Iterable[int]) -> int:
    known = set(taken)
    return next(slot for slot in range(len(known) + 1) if slot not in known)
