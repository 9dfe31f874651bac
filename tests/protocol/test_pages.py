"""Day pages: named by hash, small on the wire, harmless when hostile."""

import hashlib
import zlib

import pytest

from protocol.errors import Malformed
from protocol.examples.make import page
from protocol.pages import MAX_PAGE_BYTES, pack_page, unpack_page


def test_a_page_comes_back_whole_and_is_named_by_its_hash():
    ref, blob = pack_page(page())
    assert unpack_page(blob) == page()
    assert (ref.sha256, ref.bytes) == (hashlib.sha256(blob).hexdigest(), len(blob))


def test_the_same_page_is_always_the_same_bytes():
    assert pack_page(page()) == pack_page(page())


@pytest.mark.parametrize("blob", [b"", b"x", zlib.compress(b"[]"), zlib.compress(b"{")])
def test_what_is_no_page_is_malformed(blob):
    with pytest.raises(Malformed):
        unpack_page(blob)


def test_a_page_that_unpacks_without_end_is_malformed():
    with pytest.raises(Malformed, match="more than"):
        unpack_page(zlib.compress(b" " * (MAX_PAGE_BYTES + 1)))
