"""What the node says about itself: one status, and the problems in it as reason codes."""

import os
import shutil
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from device.channel import Message
from device.durable import is_full
from device.life import Life
from device.listener import Listener
from device.outbox import is_full as ledger_is_full
from device.voice import program_version
from protocol.messages import EPOCH, Board, Status
from protocol.outcomes import Problem

if TYPE_CHECKING:
    from device.node import Node

_LOW_SPACE_BYTES = 64 << 20
_HOT_C = 80.0  # here a Pi begins to slow down
_WORN_PCT = 90
_BOARD_S = 10.0  # a board is not read more often
_LINGERS_S = 60.0  # power that flickers is one problem, and not a message each time
_LASTING_FAULTS = {"input", "dead"}  # told over by the keeper itself


class Health:
    """Gathers; keeps only what events have told."""

    def __init__(self, node: "Node", life: Life | None, listener: Listener) -> None:
        self._node = node
        self._life = life
        self._listener = listener
        self._began = node.loop.monotonic()
        self._sink_problem = ""
        self._amplifier_faults: set[str] = set()
        self._inputs: set[str] = set()
        self._board = Board()
        self._board_at = float("-inf")
        self._strained: dict[str, float] = {}  # what ails the board → when it was last seen

    def heard(self, event: Message) -> None:
        """What player and keeper tell of their devices."""
        kind = event.get("event")
        if kind == "sink_lost":
            self._sink_problem = str(event.get("detail") or "lost")
        elif kind == "sink_open":
            self._sink_problem = ""
        elif kind == "fault":
            self._amplifier_faults.add(str(event.get("reason")))
        elif kind == "fault_over":
            self._amplifier_faults.discard(str(event.get("reason")))
        elif kind == "pin" and event.get("on"):
            self._amplifier_faults &= _LASTING_FAULTS  # it works again
        elif kind == "input":
            change = self._inputs.add if event.get("active") else self._inputs.discard
            change(str(event.get("name")))
        elif kind == "ready":
            self._amplifier_faults.clear()
            self._inputs.clear()

    @property
    def uptime_s(self) -> int:
        return int(self._node.loop.monotonic() - self._began)

    def board(self) -> Board:
        """The hardware, at most some seconds old."""
        now = self._node.loop.monotonic()
        if self._life and now - self._board_at > _BOARD_S:
            self._board, self._board_at = self._life.board(), now
        return self._board

    def _strains(self) -> set[str]:
        """Reason codes of power and heat; gone when they were not seen for a while."""
        board, now = self.board(), self._node.loop.monotonic()
        if board.under_voltage:
            self._strained["under_voltage"] = now
        if (board.temperature_c or 0.0) >= _HOT_C:
            self._strained["too_hot"] = now
        return {code for code, at in self._strained.items() if now - at < _LINGERS_S}

    def status(self) -> Status:
        node = self._node
        now = node.clock.now()
        coming = node.planner.coming(now)
        wanted = node.documents.wanted_clips(now)
        free = _free(node.settings.data_dir)
        problems = self.problems(free)
        kind, _, device = node.settings.sink.partition(":")
        return Status(
            at=now,
            uptime_s=self.uptime_s,
            clock=node.clock.reading(),
            schedules=node.schedules.held(),
            holds=tuple(sorted(sha for sha in wanted if node.clips.holds(sha))),
            fetching=node.fetcher.progress(),
            free_bytes=free,
            outbox=len(node.sender),
            next_airing_id=coming.airing_id if coming else "",
            next_airing_at=coming.starts_at if coming else None,
            playing=node.stage.playing,
            amplifier_on=node.stage.amplifier_on_at is not None,
            sink=kind,
            xruns=node.stage.xruns,
            problems=problems,
            refused=dict(node.gate.refused),
            version=program_version(),
            sound_device=device if kind == "alsa" else "",
            details=self._details(problems, free),
            board=self.board(),
            zones=tuple(zone.name for zone in node.settings.zones),
        )

    def problems(self, free_bytes: int | None = None) -> tuple[str, ...]:
        """Reason codes of what is wrong now, the same words on every node."""
        node = self._node
        free = free_bytes if free_bytes is not None else _free(node.settings.data_dir)
        strains = self._strains()
        found = {
            Problem.CLOCK_UNTRUSTED: not node.clock.trusted,
            Problem.SOUND_DEVICE: bool(self._sink_problem),
            Problem.AMPLIFIER_FAULT: bool(self._amplifier_faults) or not node.sound.healthy(),
            Problem.AMPLIFIER_BUSY: "busy" in self._inputs,
            Problem.TAMPER: "tamper" in self._inputs,
            Problem.STORAGE_FAULT: bool(self.storage_fault()),
            Problem.STORAGE_FULL: self.storage_is_full(),
            Problem.NOT_UNDERSTOOD: bool(node.documents.unread),
            Problem.STORAGE_LOW: free < _LOW_SPACE_BYTES,
            Problem.CLIP_UNUSABLE: bool(node.clips.unusable),
            Problem.COUNTERS_LOST: node.counters.lost,
            Problem.MUTED_HERE: _is_ahead(node.documents.local_mute, node.clock.now()),
            Problem.UNBOUND: not node.documents.bound,
            Problem.NOT_HEARD: self._listener.not_heard,
            Problem.MICROPHONE: bool(self._listener.problem),
            Problem.UNDER_VOLTAGE: "under_voltage" in strains,
            Problem.TOO_HOT: "too_hot" in strains,
            Problem.CARD_WORN: (self.board().card_life_pct or 0) >= _WORN_PCT,
        }
        return tuple(code.value for code, true in found.items() if true)

    def storage_is_full(self) -> bool:
        node = self._node
        refusals = [node.fetcher.refusal, node.clips.refusal, node.counters.refusal]
        refusals += [node.inbox.refusal, *(error for _, error in node.documents.unkept.values())]
        return ledger_is_full(node.outbox.refusal) or any(map(is_full, refusals))

    def storage_fault(self) -> str:
        """What is wrong with what is kept, or with the disk; empty when nothing is."""
        node = self._node
        refusals = (node.counters.refusal, node.fetcher.refusal, node.clips.refusal)
        found = list({str(error): 0 for error in refusals if error and not is_full(error)})
        if node.outbox.refusal and not ledger_is_full(node.outbox.refusal):
            found.append(f"reports: {node.outbox.refusal}")
        set_aside = "reports in memory only" if node.outbox.homeless else "reports set aside"
        found += [set_aside] if node.outbox.quarantined else []
        found += ["documents damaged"] if node.documents.damaged else []
        unkept = [error for _, error in node.documents.unkept.values() if not is_full(error)]
        found += ["documents not stored"] if unkept else []
        refusal = node.inbox.refusal
        found += ["messages not taken"] if refusal and not is_full(refusal) else []
        return "; ".join(found)

    def _details(self, problems: tuple[str, ...], free_bytes: int) -> dict[str, str]:
        """What was seen of a problem, for a technician."""
        node = self._node
        seen = {
            "clock_untrusted": self._clock_told(),
            "sound_device": self._sink_problem,
            "storage_fault": self.storage_fault(),
            "amplifier_fault": " ".join(sorted(self._amplifier_faults)) or "not ready",
            "microphone": self._listener.problem,
            "not_understood": "; ".join(f"{k}: {why}" for k, why in node.documents.unread.items()),
            "storage_low": f"{free_bytes >> 20} MB",
            "clip_unusable": " ".join(sorted(sha[:12] for sha in node.clips.unusable)),
            "too_hot": f"{self.board().temperature_c} °C",
            "card_worn": f"{self.board().card_life_pct} %",
        }
        return {code: seen[code][:200] for code in problems if seen.get(code)}

    def _clock_told(self) -> str:
        clock = self._node.clock
        off_s = clock.reading().offset_ms / 1000
        return (
            f"synchronised, but {off_s:+.0f} s off the controller's" if clock.contradicted else ""
        )


def gist(status: Status) -> Status:
    """What of a status somebody would act on: two with the same gist are not worth two messages."""
    board = replace(
        status.board,
        temperature_c=None,
        boot_s=0,
        written_bytes=None,
        signal_dbm=None,
        signal_pct=None,
    )
    return replace(
        status,
        at=EPOCH,
        uptime_s=0,
        clock=replace(status.clock, offset_ms=0),
        free_bytes=0,
        outbox=status.outbox.bit_length(),
        fetching={sha256: pct // 25 for sha256, pct in status.fetching.items()},
        refused={name: count.bit_length() for name, count in status.refused.items()},
        details={},
        board=board,
    )


def _is_ahead(moment: datetime | None, now: datetime) -> bool:
    return moment is not None and moment > now


def _free(path: os.PathLike[str]) -> int:
    try:
        return shutil.disk_usage(path).free
    except OSError:  # a card that answers nothing
        return 0
