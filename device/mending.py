"""A disk that is full or refuses: room is made, and what was not written is tried again.

The ledger gets the ballast; clips give way to newer clips; documents and messages that could not be
stored are stored some seconds later. What the fetcher and the clip cache were refused they try
again by themselves.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from device.outbox import is_full
from device.room import NoRoom, tidy

if TYPE_CHECKING:
    from device.node import Node

_PATIENCE_S = 5.0
_LESS = 0.9  # of what is held, when a newer clip finds no room


class Mending:
    """`tick` about once a second."""

    def __init__(self, node: "Node") -> None:
        self._node = node
        self._next_at = 0.0
        self._told: tuple[tuple[str, ...], str] = ((), "")
        self._no_room = NoRoom()

    def tick(self) -> None:
        node = self._node
        trouble = node.health.problems(), node.health.storage_fault()
        if trouble != self._told:
            self._told = trouble
            node.changed()
        if node.outbox.full and not node.outbox.retry() and self._gave_ballast():
            node.outbox.retry()
        if node.fetcher.full or node.clips.full:
            self._give_way()
        if node.loop.monotonic() >= self._next_at:
            self._next_at = node.loop.monotonic() + _PATIENCE_S
            self._store_again()

    def make_room(self, quota_bytes: int) -> int:
        """Drop clips until they fit into `quota_bytes`; how many went."""
        node = self._node
        now = node.clock.now()
        wanted = node.documents.wanted_clips(now)
        keep = node.documents.due_soon(now) | node.documents.page_hashes()
        held = node.clips.sizes()
        gone = tidy(held, wanted, keep, quota_bytes, node.clips.drop)
        self._no_room.note({sha256: held[sha256] for sha256 in gone}, quota_bytes)
        return len(gone)

    def fitting(self, wanted: Iterable[tuple[str, int]]) -> list[tuple[str, int]]:
        """Without what was dropped to make room, until there is some or it is due within days."""
        node = self._node
        left_out = self._no_room.left_out(node.clips.sizes())
        left_out -= node.documents.due_soon(node.clock.now()) if left_out else set()
        return [each for each in wanted if each[0] not in left_out]

    def _gave_ballast(self) -> bool:
        return is_full(self._node.outbox.refusal) and self._node.ballast.drop()

    def _give_way(self) -> None:
        node = self._node
        if self.make_room(int(sum(node.clips.sizes().values()) * _LESS)):
            node.fetcher.retry_disk()
            node.clips.retry()

    def _store_again(self) -> None:
        node = self._node
        if node.counters.full:
            node.counters.save()
        node.documents.retry()
        node.inbox.retry()
