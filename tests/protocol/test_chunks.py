"""Cutting a blob and putting it together again, whatever order the chunks come in."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.chunks import (
    MAX_BLOB_BYTES,
    Bitmap,
    chunk_bytes,
    chunk_count,
    chunk_span,
)
from protocol.errors import Malformed

SIZES = st.integers(1, 9 * 1024 * 1024)


@given(SIZES)
def test_the_spans_cover_the_blob_exactly_once(size):
    spans = [chunk_span(size, index) for index in range(chunk_count(size))]
    assert spans[0][0] == 0
    assert all(a + n == b for (a, n), (b, _) in pairwise(spans))
    assert sum(spans[-1]) == size
    assert all(0 < length <= chunk_bytes(size) for _, length in spans)


@pytest.mark.parametrize("size", [0, -1, MAX_BLOB_BYTES + 1])
def test_a_blob_of_an_absurd_size_is_malformed(size):
    with pytest.raises(Malformed):
        chunk_count(size)


@pytest.mark.parametrize("index", [-1, 2])
def test_a_chunk_outside_the_blob_is_malformed(index):
    with pytest.raises(Malformed):
        chunk_span(20_000, index)


@given(st.integers(1, 300), st.data())
def test_a_bitmap_says_what_is_missing_and_survives_the_wire(count, data):
    held = data.draw(st.sets(st.integers(0, count - 1)))
    bitmap = Bitmap(count)
    for index in held:
        bitmap.add(index)
    copy = Bitmap.from_text(count, bitmap.to_text())
    assert list(copy.missing()) == [i for i in range(count) if i not in held]
    assert copy.complete == (len(held) == count)


def test_a_bitmap_of_the_wrong_length_is_read_as_far_as_it_goes():
    assert list(Bitmap(10, b"\xff").missing()) == [8, 9]
    assert Bitmap(2, b"\xff\xff\xff").complete


def test_a_bitmap_that_is_not_base64_is_malformed():
    with pytest.raises(Malformed):
        Bitmap.from_text(8, "?")
