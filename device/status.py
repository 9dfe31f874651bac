"""What the node says about itself: one status, and the problems in it as reason codes."""

import os
import shutil
from datetime import datetime
from typing import TYPE_CHECKING

from device.channel import Message
from protocol.messages import Status

if TYPE_CHECKING:
    from device.node import Node

_LOW_SPACE_BYTES = 64 << 20


class Health:
    """Gathers; keeps only what events have told."""

    def __init__(self, node: "Node") -> None:
        self._node = node
        self._began = node.loop.monotonic()
        self._sink_problem = ""
        self._amplifier_fault = ""
        self._xruns = 0

    def heard(self, event: Message) -> None:
        """What player and keeper tell of their devices."""
        kind = event.get("event")
        if kind == "sink_lost":
            self._sink_problem = str(event.get("detail") or "lost")
        elif kind == "sink_open":
            self._sink_problem = ""
        elif kind == "fault":
            self._amplifier_fault = str(event.get("reason"))
        elif kind == "ready":
            self._amplifier_fault = ""

    def status(self) -> Status:
        node = self._node
        now = node.clock.now()
        coming = node.planner.coming(now)
        wanted = node.documents.wanted_clips(now)
        free = shutil.disk_usage(node.settings.data_dir).free
        return Status(
            at=now,
            uptime_s=int(node.loop.monotonic() - self._began),
            clock=node.clock.reading(),
            schedules=node.schedules.held(),
            holds=tuple(sorted(sha for sha in wanted if node.clips.holds(sha))),
            fetching=node.fetcher.progress(),
            free_bytes=free,
            outbox=len(node.outbox),
            next_airing_id=coming.airing_id if coming else "",
            next_airing_at=coming.starts_at if coming else None,
            playing=node.stage.playing,
            amplifier_on=node.stage.amplifier_on_at is not None,
            sink=node.settings.sink.partition(":")[0],
            xruns=node.stage.xruns,
            problems=self.problems(free),
            refused=dict(node.gate.refused),
        )

    def problems(self, free_bytes: int | None = None) -> tuple[str, ...]:
        """Reason codes of what is wrong now, the same words on every node."""
        node = self._node
        free = free_bytes if free_bytes is not None else _free(node.settings.data_dir)
        found = {
            "clock_untrusted": not node.clock.trusted,
            "sound_device": bool(self._sink_problem),
            "amplifier_fault": bool(self._amplifier_fault) or not node.sound.healthy(),
            "storage_fault": node.outbox.quarantined or node.documents.damaged > 0,
            "storage_full": node.outbox.full or node.fetcher.full or node.counters.full,
            "storage_low": free < _LOW_SPACE_BYTES,
            "clip_unusable": bool(node.clips.unusable),
            "counters_lost": node.counters.lost,
            "muted_here": _is_ahead(node.documents.local_mute, node.clock.now()),
            "unbound": not node.documents.bound,
        }
        return tuple(code for code, true in found.items() if true)


def _is_ahead(moment: datetime | None, now: datetime) -> bool:
    return moment is not None and moment > now


def _free(path: os.PathLike[str]) -> int:
    return shutil.disk_usage(path).free
