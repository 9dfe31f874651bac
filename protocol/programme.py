"""Which parts of an airing a node plays, and how long that takes: the same answer on both sides."""

from collections.abc import Iterable, Sequence
from itertools import groupby

from protocol.messages import Airing, Part


def parts_for(parts: Sequence[Part], languages: Sequence[str]) -> tuple[Part, ...]:
    """The parts a node with these languages plays, in its order of languages.

    Parts without a language always play. Of a group of language versions (same `item`) those in
    the node's languages play; where there is none, the first version (Vietnamese) does.
    """
    chosen: list[Part] = []
    for _, group in groupby(parts, key=lambda part: part.item):
        chosen += _of_group(list(group), languages)
    return tuple(chosen)


def length_ms(parts: Sequence[Part]) -> int:
    """The programme's exact length: every playing and every gap but the one after the last."""
    if not parts:
        return 0
    whole = sum(part.times * (part.duration_ms + part.gap_ms) for part in parts)
    return whole - parts[-1].gap_ms


def longest_ms(airing: Airing, slots: int = 1) -> int:
    """The worst case for clashes and minutes: all languages, the last stagger slot."""
    return length_ms(airing.parts) + max(slots - 1, 0) * airing.stagger_step_ms


def blobs_of(parts: Iterable[Part]) -> dict[str, int]:
    """SHA-256 → bytes of every sound the parts need, fallbacks included."""
    wanted = {part.sha256: part.bytes for part in parts if part.sha256}
    wanted |= {p.fallback_sha256: p.fallback_bytes for p in parts if p.fallback_sha256}
    return wanted


def _of_group(group: list[Part], languages: Sequence[str]) -> list[Part]:
    spoken = [part for part in group if part.language]
    if not spoken:
        return group
    own = [part for language in languages for part in spoken if part.language == language]
    return own or spoken[:1]
