"""How a blob (a clip or a day page) is cut into retained chunks, and which of them a node holds.

Chunks are raw bytes: the index is in the topic and the hash of the whole is in a signed document,
so a chunk needs neither a header nor a signature of its own.
"""

import base64
import binascii
from collections.abc import Iterator

from protocol.errors import Malformed

SMALLEST_CHUNK = 16 * 1024
_LARGE = 32 * 1024
_LARGE_FROM = 4 * 1024 * 1024
MAX_BLOB_BYTES = 256 * 1024 * 1024


def chunk_bytes(size_bytes: int) -> int:
    """The chunk size for a blob of `size_bytes`: 16 KiB, from 4 MiB on 32 KiB."""
    return SMALLEST_CHUNK if size_bytes < _LARGE_FROM else _LARGE


def chunk_count(size_bytes: int) -> int:
    """How many chunks a blob of `size_bytes` (≥ 1) has. Raises Malformed beyond the limit."""
    if not 0 < size_bytes <= MAX_BLOB_BYTES:
        raise Malformed(f"a blob of {size_bytes} bytes cannot be delivered")
    return -(-size_bytes // chunk_bytes(size_bytes))


def chunk_span(size_bytes: int, index: int) -> tuple[int, int]:
    """(offset, length) in bytes of chunk `index`. Raises Malformed when there is no such chunk."""
    if not 0 <= index < chunk_count(size_bytes):
        raise Malformed(f"no chunk {index} in a blob of {size_bytes} bytes")
    step = chunk_bytes(size_bytes)
    offset = index * step
    return offset, min(step, size_bytes - offset)


_NAME_BYTES, _INDEX_BYTES = 16, 4


def address(sha256: str, index: int, chunk: bytes) -> bytes:
    """A chunk as it travels on a device's own topic: half the hash, the number, the bytes."""
    return bytes.fromhex(sha256[: 2 * _NAME_BYTES]) + index.to_bytes(_INDEX_BYTES) + chunk


def addressed(payload: bytes) -> tuple[str, int, bytes]:
    """(first 32 hex digits of the hash, number, bytes) of such a chunk. Raises Malformed."""
    head = _NAME_BYTES + _INDEX_BYTES
    if len(payload) <= head:
        raise Malformed("a chunk without bytes")
    name, index = payload[:_NAME_BYTES], payload[_NAME_BYTES:head]
    return name.hex(), int.from_bytes(index), payload[head:]


class Bitmap:
    """Which chunks of a blob are held; the first chunk is the lowest bit of the first byte."""

    def __init__(self, count: int, bits: bytes = b"") -> None:
        self.count = count
        self._bits = bytearray(bits[: (count + 7) // 8].ljust((count + 7) // 8, b"\0"))

    @classmethod
    def from_text(cls, count: int, text: str) -> "Bitmap":
        """From `text` in base64. Raises Malformed."""
        try:
            return cls(count, base64.b64decode(text, validate=True))
        except (binascii.Error, ValueError) as error:
            raise Malformed("a bitmap is not base64") from error

    def to_text(self) -> str:
        return base64.b64encode(bytes(self._bits)).decode()

    def to_bytes(self) -> bytes:
        return bytes(self._bits)

    def add(self, index: int) -> None:
        self._bits[index // 8] |= 1 << index % 8

    def __contains__(self, index: int) -> bool:
        return bool(self._bits[index // 8] & (1 << index % 8))

    def missing(self) -> Iterator[int]:
        """The chunks not held, lowest first."""
        return (index for index in range(self.count) if index not in self)

    @property
    def complete(self) -> bool:
        return next(self.missing(), None) is None
