"""Day pages as blobs: JSON, compressed, named by the SHA-256 of the compressed bytes."""

import hashlib
import json
import zlib

from protocol.codec import from_json, to_json
from protocol.errors import Malformed
from protocol.messages import DayPage, PageRef

MAX_PAGE_BYTES = 8 * 1024 * 1024  # unpacked; a day of a province is a tenth of it


def pack_page(page: DayPage) -> tuple[PageRef, bytes]:
    """The blob of `page` and the reference to put into its head. The same page, the same bytes."""
    text = json.dumps(to_json(page), ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    blob = zlib.compress(text.encode(), 9)
    return PageRef(page.day, hashlib.sha256(blob).hexdigest(), len(blob)), blob


def unpack_page(blob: bytes) -> DayPage:
    """The page in `blob`, whose hash the caller has checked. Raises Malformed."""
    unpacker = zlib.decompressobj()
    try:
        text = unpacker.decompress(blob, MAX_PAGE_BYTES)
        if unpacker.unconsumed_tail:
            raise Malformed(f"a day page unpacks to more than {MAX_PAGE_BYTES} bytes")
        return from_json(DayPage, json.loads(text))
    except (zlib.error, ValueError, RecursionError) as error:
        raise Malformed(f"not a day page: {error}") from error
