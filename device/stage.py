"""The stage: airings that are armed, under way or just over, between planner and player.

Arms an airing with the player, writes `started` down before any sound, follows the wall clock
with `retime`, takes the events of player and amplifier keeper, and writes the outcome.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from device.airing import (
    Heard,
    Placed,
    Run,
    Stamp,
    checkpoint_report,
    choose_sounds,
    finished_report,
    from_unix,
    lay_out,
    started_report,
    unplayed_report,
)
from device.channel import Message
from device.clip_cache import ClipCache
from device.clock import Clock
from device.identity import Counters
from device.outbox import Outbox
from device.sound import SoundPort
from device.windows import Band
from device.wiring import MAIN
from protocol.messages import Report
from protocol.outcomes import Outcome, Reason
from protocol.programme import length_ms

log = logging.getLogger(__name__)

_STEP_S = 0.05  # a larger change of the wall clock is a jump, not a correction
_MOVED_S = 20e-6
_PIN_WAIT_S = 6.0
_SHIFT_MARGIN_S = 0.15  # for `started` to reach the disk and `go` the player
_CHECKPOINT_MS = 60_000
ALL_OF_ONE = (MAIN,)


@dataclass(frozen=True, slots=True)
class Amplifier:
    """How an airing's amplifiers are to be switched; `present` False: there are none.

    `zones`: those it is for; none named: all of them.
    """

    present: bool
    settle_ms: int
    tail_ms: int
    zones: tuple[str, ...] = ()


@dataclass
class _Armed:
    """What the player was told of an airing: its start, and how long it is as chosen."""

    start: float
    length_ms: int
    amplifier: Amplifier
    sounds: list[Message] = field(default_factory=list)
    gone: bool = False
    delay_s: float = 0.0  # an emergency that came late is shifted, and loses no word


@dataclass
class Stage:
    """`on_report` when the outbox grew, `on_change` when a status would tell something new."""

    clock: Clock
    outbox: Outbox
    counters: Counters
    clips: ClipCache
    sound: SoundPort
    stamp: Callable[[], Stamp]
    amplifier: Callable[[Placed], Amplifier]
    on_report: Callable[[], None]
    on_change: Callable[[], None]
    runs: dict[str, Run] = field(default_factory=dict)
    blocked: dict[str, Reason] = field(default_factory=dict)  # why not yet, by airing
    xruns: int = 0
    heard_of: Callable[[Run], Heard | None] = lambda run: None
    _armed: dict[str, _Armed] = field(default_factory=dict)
    _zones_on: dict[str, datetime] = field(default_factory=dict)

    @property
    def playing(self) -> str:
        """The airing that sounds, or is about to; empty when none does."""
        return next((airing_id for airing_id, run in self.runs.items() if run.sounding), "")

    @property
    def amplifier_on_at(self) -> datetime | None:
        """Since when the first of the amplifiers is on; None while all are off."""
        return min(self._zones_on.values(), default=None)

    @property
    def suspended(self) -> list[Run]:
        """What has given way and may go on."""
        return [run for run in self.runs.values() if run.suspended]

    @property
    def busy(self) -> bool:
        return bool(self._armed or self.runs)

    @property
    def armed(self) -> list[str]:
        """Armed, and not yet begun."""
        return [airing_id for airing_id in self._armed if airing_id not in self.runs]

    def dealt_with(self, airing_id: str) -> bool:
        """Whether the airing has begun or has its outcome: it must not begin again."""
        return (
            airing_id in self.runs
            or self.outbox.knows(airing_id)
            or airing_id in self.counters.last_started
        )

    # --- before the sound ---------------------------------------------------------------------

    def arm(self, placed: Placed) -> bool:
        """Hand the sounds to the player; False, and noted why, when that cannot be done yet."""
        if placed.airing_id in self._armed:
            return True
        if placed.unknown_kind:
            self.skip(placed, Outcome.MISSED, Reason.UNKNOWN_KIND, placed.unknown_kind)
            return False
        chosen, missing = choose_sounds(placed.parts, self.clips)
        if missing or not chosen:
            self.blocked[placed.airing_id] = Reason.CLIP_MISSING
            return False
        start, offset = self._instant(placed)
        amplifier = self.amplifier(placed)
        length = length_ms(chosen)
        sounds = lay_out(chosen, self.clips)
        message = {
            "cmd": "arm",
            "airing_id": placed.airing_id,
            "start": start,
            "wall_offset": offset,
            "sounds": sounds,
            "length_ms": length,
            "volume_pct": 0,
            "settle_ms": amplifier.settle_ms,
            "tail_ms": amplifier.tail_ms,
            "zones": amplifier.zones,
        }
        if not self.sound.healthy() or not self.sound.send(message):
            self.blocked[placed.airing_id] = Reason.DEVICE_ERROR
            return False
        self._armed[placed.airing_id] = _Armed(start, length, amplifier, sounds)
        return True

    def _instant(self, placed: Placed) -> tuple[float, float]:
        """The airing's start on the monotonic clock, and the offset that gave it."""
        offset = self.clock.wall_minus_monotonic()
        return placed.starts_at.timestamp() - offset, offset

    def retime(self, placed: Placed) -> None:
        """Follow the wall clock; once released, follow corrections but no jump."""
        armed = self._armed[placed.airing_id]
        start, offset = self._instant(placed)
        start += armed.delay_s
        moved = abs(start - armed.start)
        if moved < _MOVED_S or (armed.gone and moved > _STEP_S):
            return
        armed.start = start
        self.sound.send(
            {"cmd": "retime", "airing_id": placed.airing_id, "start": start, "wall_offset": offset}
        )

    def _shift_if_late(self, placed: Placed) -> None:
        """An emergency begins with its first word, even when that cannot be at its instant."""
        armed = self._armed[placed.airing_id]
        switched_on = all(zone in self._zones_on for zone in armed.amplifier.zones or ALL_OF_ONE)
        settle_s = 0.0 if switched_on else armed.amplifier.settle_ms / 1000
        possible = self.clock.monotonic() + settle_s + _SHIFT_MARGIN_S
        if possible > armed.start:
            armed.delay_s = possible - armed.start
            self.retime(placed)

    def retime_running(self) -> None:
        """Keep long programmes on the wall clock."""
        for run in self.runs.values():
            if not run.over and run.placed.airing_id in self._armed:
                self.retime(run.placed)

    def disarm(self, airing_id: str) -> None:
        if self._armed.pop(airing_id, None) is not None:
            self.sound.send({"cmd": "stop", "airing_id": airing_id})

    def begin(self, placed: Placed, node_pct: int, bands: tuple[Band, ...] = ()) -> None:
        """Write `started` down, then let it sound, at so much of the node's own volume."""
        if placed.emergency:
            self._shift_if_late(placed)
        armed = self._armed[placed.airing_id]
        run = Run(placed, node_pct, armed.length_ms, bands, amplified=armed.amplifier.present)
        run.waited = self.blocked.get(placed.airing_id) is Reason.PREEMPTED
        self.runs[placed.airing_id] = run
        self.note(started_report(run, self.stamp()))
        if self.outbox.full:
            self.counters.note_started(placed.airing_id)
        self._release(run)

    def _release(self, run: Run) -> None:
        airing_id = run.placed.airing_id
        self._armed[airing_id].gone = True
        self.sound.send({"cmd": "volume", "airing_id": airing_id, "pct": run.node_pct})
        self.sound.send({"cmd": "go", "airing_id": airing_id, "bands": run.envelope()})

    def follow_volume(self, node_pct: int) -> None:
        """The node's own volume has changed: what sounds follows on a ramp."""
        for airing_id, run in self.runs.items():
            if not run.over and node_pct != run.node_pct:
                run.node_pct = node_pct
                self.sound.send({"cmd": "volume", "airing_id": airing_id, "pct": node_pct})

    def halt(self, run: Run, cause: Reason, *, hard: bool = False) -> None:
        """Make an airing under way fall silent, for good; `hard`: without a fade."""
        if run.over or run.cause is not Reason.NONE:
            return
        run.cause = cause
        if run.suspended and run.placed.airing_id not in self._armed:
            run.over = True
            self._close(run)
        else:
            run.suspended = False
            order = {"cmd": "stop", "airing_id": run.placed.airing_id}
            self.sound.send({**order, "hard": True} if hard else order)

    def suspend(self, run: Run) -> None:
        """Make an airing give way; `resume` lets it go on where it would be by then."""
        run.gave_way = run.suspended = True
        self.sound.send({"cmd": "stop", "airing_id": run.placed.airing_id})

    def resume(self, run: Run) -> None:
        """The higher class is over: the same airing again, in its place."""
        airing_id = run.placed.airing_id
        if airing_id in self._armed or not self.arm(run.placed):
            return  # its end has not been told yet, or it cannot be played now
        run.suspended = False
        self._release(run)

    def stop_all(self, cause: Reason, *, hard: bool = False) -> int:
        """Silence, now; how many airings that ended."""
        running = [run for run in self.runs.values() if not run.over]
        for run in running:
            self.halt(run, cause, hard=hard)
        return len(running)

    # --- what player and keeper tell ----------------------------------------------------------

    def heard(self, event: Message) -> None:
        """An event of the player's or the keeper's."""
        kind, airing_id = event.get("event"), str(event.get("airing_id", ""))
        if kind == "children_lost":
            self._children_lost()
            return
        if kind == "pin":
            self._pin_moved(event)
        elif kind == "sink_open":
            self._sink_open()
        run = self.runs.get(airing_id)
        if kind == "unplayable":
            self.blocked[airing_id] = Reason.DEVICE_ERROR
            self._armed.pop(airing_id, None)
        if run is None:
            return
        if kind == "started":
            self._sound_began(run, event)
        elif kind in ("finished", "cancelled"):
            self._sound_ended(run, event)
        elif kind == "fault":
            run.details.append(f"amplifier: {event.get('reason')}")
            run.amplifier_failed |= event.get("reason") != "stray"
        self.on_change()

    def sounds_of(self, airing_id: str) -> tuple[list[Message], int]:
        """What the player was given of an airing under way, and its length in ms."""
        armed = self._armed.get(airing_id)
        return (armed.sounds, armed.length_ms) if armed else ([], 0)

    def sink_lost(self, detail: str) -> None:
        """The sound device went away; told in the reports of what was under way."""
        told = f"sound device: {detail}"
        for run in self.runs.values():
            if run.device_lost_at is None:
                run.device_lost_at = self.clock.monotonic()
            if told not in run.details:  # it is tried again twice a second
                run.details.append(told)

    def _sink_open(self) -> None:
        for run in self.runs.values():
            run.device_lost_at = None

    def _sound_began(self, run: Run, event: Message) -> None:
        first = float(event["first_frame"])
        run.first_frame = first
        if run.amplified and self.amplifier_on_at:
            run.amplifier_on_at = run.amplifier_on_at or self.amplifier_on_at
            run.amplifier_off_at = None
        if run.started_at is not None:
            return  # it goes on after it gave way
        run.started_at = from_unix(first + self.clock.wall_minus_monotonic())
        run.skipped_frames = int(event["skipped"])
        armed = self._armed[run.placed.airing_id]
        error_s = first - (armed.start - armed.delay_s)
        run.start_error_ms = round(error_s * 1000, 3)

    def _sound_ended(self, run: Run, event: Message) -> None:
        if event["event"] == "finished":
            offset = self.clock.wall_minus_monotonic()
            run.ended_at = from_unix(float(event["last_frame"]) + offset)
            run.played_frames += int(event["played"])
            run.xruns += int(event["xruns"])
            self.xruns += int(event["xruns"])
        run.first_frame = None
        self._armed.pop(run.placed.airing_id, None)
        if run.suspended:
            return
        run.over = True
        alone = not any(other.sounding for other in self.runs.values())
        if alone and run.amplifier_on_at and not run.amplifier_off_at:
            return  # the report tells when the amplifier went off: at most the tail away
        self._close(run)

    def _pin_moved(self, event: Message) -> None:
        at = from_unix(float(event["mono"]) + self.clock.wall_minus_monotonic())
        zone = str(event.get("zone", MAIN))
        if event["on"]:
            self._zones_on[zone] = at
            run = self.runs.get(str(event.get("airing_id")))
            if run:
                run.amplifier_on_at = run.amplifier_on_at or at
                run.amplifier_off_at = None
            return
        self._zones_on.pop(zone, None)
        if self._zones_on:
            return
        for run in list(self.runs.values()):
            if run.amplifier_on_at:
                run.amplifier_off_at = at
            if run.over:
                self._close(run)

    def _children_lost(self) -> None:
        for run in self.runs.values():
            run.player_died(self.clock.monotonic())
        self._armed.clear()
        self._zones_on.clear()
        for run in [run for run in self.runs.values() if not run.suspended]:
            if not run.over and run.cause is Reason.NONE:
                run.cause = Reason.DEVICE_ERROR
                run.details.append("player or amplifier keeper died")
            self._close(run)

    def note_progress(self) -> None:
        """A checkpoint a minute, so that a power cut does not cost what had sounded."""
        now = self.clock.monotonic()
        for run in self.runs.values():
            if run.over or run.first_frame is None:
                continue
            played_ms = run.played_ms + int((now - run.first_frame) * 1000)
            if played_ms - run.noted_ms >= _CHECKPOINT_MS:
                run.noted_ms = played_ms
                self.note(checkpoint_report(run, self.stamp(), played_ms))

    def overdue(self) -> None:
        """Close what waits for an amplifier that never told of going off."""
        now = self.clock.now()
        for run in list(self.runs.values()):
            if run.over and run.ended_at and (now - run.ended_at).total_seconds() > _PIN_WAIT_S:
                self._close(run)

    def _close(self, run: Run) -> None:
        airing_id = run.placed.airing_id
        if self.runs.pop(airing_id, None) is not None:
            self._armed.pop(airing_id, None)
            self.note(finished_report(run, self.stamp(), self.heard_of(run)))

    # --- outcomes -----------------------------------------------------------------------------

    def skip(self, placed: Placed, outcome: Outcome, reason: Reason, detail: str = "") -> None:
        """Write the outcome of an airing that did not begin."""
        self.disarm(placed.airing_id)
        log.info("airing %s: %s (%s)", placed.airing_id, outcome, reason)
        self.note(unplayed_report(placed, self.stamp(), outcome, reason, detail))

    def note(self, report: Report) -> None:
        self.outbox.note(report)
        self.blocked.pop(report.airing_id, None)
        self.on_report()
        self.on_change()
