"""Which parts a node plays, and exactly how long they take."""

from protocol.messages import Airing, Part
from protocol.programme import blobs_of, length_ms, longest_ms, parts_for

TUNE = Part(sha256="t", bytes=1, duration_ms=3_000)
VI = Part(sha256="v", bytes=2, duration_ms=10_000, item=1, language="vi", times=2, gap_ms=1_000)
TAY = Part(sha256="y", bytes=3, duration_ms=12_000, item=1, language="tyz")
NEXT = Part(sha256="n", bytes=4, duration_ms=5_000, item=2, language="vi", gap_ms=700)
PARTS = (TUNE, VI, TAY, NEXT)


def test_a_node_plays_its_own_languages_in_its_order():
    assert parts_for(PARTS, ["tyz", "vi"]) == (TUNE, TAY, VI, NEXT)


def test_where_its_language_is_missing_the_first_version_plays():
    assert parts_for(PARTS, ["khm"]) == (TUNE, VI, NEXT)


def test_the_length_counts_every_gap_but_the_last():
    assert length_ms((TUNE, VI)) == 3_000 + 2 * 10_000 + 1_000
    assert length_ms((VI, NEXT)) == 2 * 11_000 + 5_000
    assert length_ms(()) == 0


def test_the_worst_case_counts_all_languages_and_the_last_slot():
    airing = Airing(parts=PARTS, stagger_step_ms=900)
    assert longest_ms(airing, slots=3) == length_ms(PARTS) + 1_800


def test_fallbacks_are_wanted_too():
    part = Part(sha256="new", bytes=9, fallback_sha256="old", fallback_bytes=8)
    assert blobs_of([TUNE, part]) == {"t": 1, "new": 9, "old": 8}
