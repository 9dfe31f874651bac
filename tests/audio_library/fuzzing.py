"""Broken files by the thousand: recordings with mutated headers, the same for a seed."""

import random
from collections.abc import Sequence

_EXTREMES = (b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\x00\x00\x00\x00", b"\x80\x00\x00\x00",
             b"\x00\x00\x00\x01", b"\xff\xff\xff\x7f")  # fmt: skip
_HEADER = 600


def mutated(seed: int, recordings: Sequence[bytes]) -> bytes:
    """One recording, damaged in one to four ways."""
    chance = random.Random(seed)
    content = bytearray(chance.choice(recordings))
    for _ in range(chance.randint(1, 4)):
        if content:
            chance.choice(_WAYS)(chance, content, recordings)
    return bytes(content)


def _place(chance: random.Random, content: bytearray) -> int:
    """Mostly in the header, sometimes at the end, where indexes live, or anywhere."""
    kind = chance.random()
    if kind < 0.7:
        return chance.randrange(min(len(content), _HEADER))
    if kind < 0.85:
        return max(len(content) - 1 - chance.randrange(_HEADER), 0)
    return chance.randrange(len(content))


def _flip(chance: random.Random, content: bytearray, _: Sequence[bytes]) -> None:
    for _flip_number in range(chance.randint(1, 12)):
        content[_place(chance, content)] ^= 1 << chance.randrange(8)


def _extreme(chance: random.Random, content: bytearray, _: Sequence[bytes]) -> None:
    at = _place(chance, content)
    content[at : at + 4] = chance.choice(_EXTREMES)


def _cut(chance: random.Random, content: bytearray, _: Sequence[bytes]) -> None:
    del content[chance.randrange(1, len(content) + 1) :]


def _drop(chance: random.Random, content: bytearray, _: Sequence[bytes]) -> None:
    at = _place(chance, content)
    del content[at : at + chance.randint(1, 64)]


def _insert(chance: random.Random, content: bytearray, _: Sequence[bytes]) -> None:
    at = _place(chance, content)
    content[at:at] = chance.randbytes(chance.randint(1, 64))


def _repeat(chance: random.Random, content: bytearray, _: Sequence[bytes]) -> None:
    at = _place(chance, content)
    content[at:at] = content[at : at + chance.randint(8, 200)] * chance.randint(1, 20)


def _splice(chance: random.Random, content: bytearray, recordings: Sequence[bytes]) -> None:
    other = chance.choice(recordings)
    content[_place(chance, content) :] = other[chance.randrange(len(other)) :]


_WAYS = (_flip, _flip, _extreme, _extreme, _cut, _drop, _insert, _repeat, _splice)
