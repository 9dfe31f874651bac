"""What is due: walks the plan by wall time, checked anew on every turn, and plays each airing once.

An airing is prepared a minute ahead, armed at T - 15 s, written down as `started` and released
(`go`) just before the amplifier must be on, and reported when it is over. What cannot be played
gets its outcome with a reason. Waiting is on monotonic time; a wall clock that jumps makes an
airing neither sound twice nor disappear unreported.
"""

import bisect
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from device.airing import (
    RATE,
    Placed,
    Run,
    Stamp,
    choose_sounds,
    finished_report,
    from_unix,
    interrupted_report,
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
from device.windows import CLOSED, Hours
from protocol.messages import NodeConfig, Report
from protocol.outcomes import Outcome, Reason
from protocol.programme import length_ms

log = logging.getLogger(__name__)

PREPARE_AHEAD = timedelta(seconds=60)
ARM_AHEAD = timedelta(seconds=15)
GO_MARGIN_S = 0.75  # `started` is on the disk by then, on a slow card too
_STEP_S = 0.05  # a larger change of the wall clock is a jump, not a correction
_TURN_S = 1.0
_ARMED_TURN_S = 0.25
_PIN_WAIT_S = 2.0
_LEAST_SETTLE_MS = 300


@dataclass
class Orders:
    """What holds beside the schedule: mutes, stops and cancellations of the areas and of here."""

    muted_until: datetime | None = None
    stopped_at: datetime | None = None
    cancelled: frozenset[str] = frozenset()

    def silences(self, placed: Placed, now: datetime) -> Reason | None:
        """Why an airing must not sound now, or None."""
        if placed.airing_id in self.cancelled:
            return Reason.WITHDRAWN
        if self.stopped_at and placed.airing.starts_at <= self.stopped_at:
            return Reason.OPERATOR
        if self.muted_until and now < self.muted_until and not placed.emergency:
            return Reason.MUTED
        return None


@dataclass
class _Armed:
    """What the player was told of an airing: its start, and how long it is as chosen."""

    start: float
    length_ms: int
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Amplifier:
    """How this node's amplifier is to be switched; `present` False: there is none."""

    present: bool
    settle_ms: int
    tail_ms: int


@dataclass
class Planner:
    """`tick` does what is due and says in how many seconds it wants to be called again."""

    clock: Clock
    outbox: Outbox
    counters: Counters
    clips: ClipCache
    sound: SoundPort
    stamp: Callable[[], Stamp]
    amplifier: Callable[[], Amplifier]
    on_report: Callable[[], None]
    on_change: Callable[[], None]
    config: NodeConfig = field(default_factory=NodeConfig)
    hours: Hours = CLOSED
    orders: Orders = field(default_factory=Orders)
    bound_at: datetime | None = None
    active_since: Callable[[str], datetime | None] = lambda _: None
    runs: dict[str, Run] = field(default_factory=dict)
    amplifier_on: bool = False
    xruns: int = 0
    _plan: list[Placed] = field(default_factory=list)
    _armed: dict[str, _Armed] = field(default_factory=dict)
    _blocked: dict[str, Reason] = field(default_factory=dict)
    _began: float = 0.0
    _trusted_since: datetime | None = None

    def start(self) -> None:
        """Once, before the first tick: what a former life left open is closed."""
        self._began = self.clock.monotonic()
        for report in self.outbox.orphans():
            log.warning("airing %s was interrupted in a former life", report.airing_id)
            self._note(interrupted_report(report, self.stamp()))

    def set_plan(self, placed: Iterable[Placed], hours: Hours) -> None:
        """Replace what is planned; airings dealt with before are left out."""
        self.hours = hours
        fresh = [p for p in placed if not self._dealt_with(p.airing_id)]
        self._plan = sorted(fresh, key=lambda each: (each.starts_at, each.airing_id))
        known = {each.airing_id for each in self._plan}
        for airing_id in [a for a in self._armed if a not in known and a not in self.runs]:
            self._disarm(airing_id)

    def add_live(self, placed: Placed) -> None:
        """An airing a command asks for, beside the plan."""
        if not self._dealt_with(placed.airing_id):
            bisect.insort(self._plan, placed, key=lambda each: (each.starts_at, each.airing_id))

    @property
    def playing(self) -> str:
        """The airing that sounds, or is about to; empty when none does."""
        return next((airing_id for airing_id, run in self.runs.items() if not run.over), "")

    def coming(self, now: datetime) -> Placed | None:
        """The next airing that has not begun."""
        return next((each for each in self._plan if each.starts_at >= now), None)

    # --- the turn -----------------------------------------------------------------------------

    def tick(self) -> float:
        now = self.clock.now()
        trusted = self.clock.trusted
        if trusted and self._trusted_since is None:
            self._trusted_since = now
            self.outbox.created(now)
        elif not trusted:
            self._trusted_since = None
        self._obey_orders(now)
        for run in self.runs.values():
            if not run.over and run.placed.airing_id in self._armed:
                self._retime(run.placed)
        for placed in list(self._plan):
            if placed.starts_at > now + PREPARE_AHEAD:
                break
            self._consider(placed, now, trusted)
        self._plan = [each for each in self._plan if not self._dealt_with(each.airing_id)]
        return self._until_next(now)

    def _until_next(self, now: datetime) -> float:
        if self._armed or self.runs:
            return _ARMED_TURN_S
        if self._plan:
            ahead = (self._plan[0].starts_at - ARM_AHEAD - now).total_seconds()
            return min(max(ahead, 0.05), _TURN_S)
        return _TURN_S

    def _consider(self, placed: Placed, now: datetime, trusted: bool) -> None:
        airing_id = placed.airing_id
        if self._dealt_with(airing_id):
            return
        if not trusted and not placed.live:
            self._blocked[airing_id] = Reason.CLOCK_UNTRUSTED
            self._disarm(airing_id)
            return
        born = self.outbox.created_at
        if born and placed.starts_at < born and not placed.live:
            self._too_old(placed, born)
        elif now > placed.last_start:
            self._miss(placed, now)
        else:
            self._prepare(placed, now)

    def _prepare(self, placed: Placed, now: datetime) -> None:
        for part in placed.parts:
            self.clips.prepare(part.sha256)
            if part.fallback_sha256:
                self.clips.prepare(part.fallback_sha256)
        if now < placed.starts_at - ARM_AHEAD:
            return
        if placed.airing_id not in self._armed and not self._arm(placed):
            return
        self._retime(placed)
        lead = timedelta(seconds=GO_MARGIN_S + self.amplifier().settle_ms / 1000)
        if now >= placed.starts_at - lead and self._may_begin(placed, now):
            self._begin(placed, now)

    def _arm(self, placed: Placed) -> bool:
        if placed.unknown_kind:
            self._skip(placed, Outcome.MISSED, Reason.UNKNOWN_KIND, placed.unknown_kind)
            return False
        chosen, missing = choose_sounds(placed.parts, self.clips)
        if missing or not chosen:
            self._blocked[placed.airing_id] = Reason.CLIP_MISSING
            return False
        start, offset = self._instant(placed)
        amplifier = self.amplifier()
        length = length_ms(chosen)
        message = {
            "cmd": "arm",
            "airing_id": placed.airing_id,
            "start": start,
            "wall_offset": offset,
            "sounds": lay_out(chosen, self.clips),
            "length_ms": length,
            "volume_pct": 0,
            "settle_ms": amplifier.settle_ms,
            "tail_ms": amplifier.tail_ms,
        }
        if not self.sound.healthy() or not self.sound.send(message):
            self._blocked[placed.airing_id] = Reason.DEVICE_ERROR
            return False
        self._armed[placed.airing_id] = _Armed(start, length)
        return True

    def _instant(self, placed: Placed) -> tuple[float, float]:
        """The airing's start on the monotonic clock, and the offset that gave it."""
        offset = self.clock.wall_minus_monotonic()
        return placed.starts_at.timestamp() - offset, offset

    def _retime(self, placed: Placed) -> None:
        """Follow the wall clock; once released, follow corrections but no jump."""
        armed = self._armed[placed.airing_id]
        start, offset = self._instant(placed)
        moved = abs(start - armed.start)
        if moved < 20e-6 or (armed.gone and moved > _STEP_S):
            return
        armed.start = start
        self.sound.send(
            {"cmd": "retime", "airing_id": placed.airing_id, "start": start, "wall_offset": offset}
        )

    # --- beginning ----------------------------------------------------------------------------

    def _may_begin(self, placed: Placed, now: datetime) -> bool:
        silenced = self.orders.silences(placed, now)
        if silenced is not None:
            stopped = silenced in (Reason.OPERATOR, Reason.WITHDRAWN)
            self._skip(placed, Outcome.STOPPED if stopped else Outcome.SKIPPED, silenced)
            return False
        if not placed.emergency and self._permitted_pct(placed, now) is None:
            self._skip(placed, Outcome.SKIPPED, Reason.POLICY, "outside the permitted hours")
            return False
        if not self.sound.healthy():
            self._blocked[placed.airing_id] = Reason.DEVICE_ERROR
            return False
        return self._has_the_horn(placed)

    def _permitted_pct(self, placed: Placed, now: datetime) -> int | None:
        if placed.emergency:
            return 100
        return self.hours.volume_pct(max(placed.starts_at, now), placed.ends_at)

    def _has_the_horn(self, placed: Placed) -> bool:
        """Nothing of equal or higher class is in the way; what is lower gives way."""
        for run in self.runs.values():
            if run.over or run.placed.ends_at <= placed.starts_at:
                continue
            if run.placed.rank >= placed.rank:
                self._blocked[placed.airing_id] = Reason.PREEMPTED
                return False
            self.halt(run, Reason.PREEMPTED)
        return True

    def _begin(self, placed: Placed, now: datetime) -> None:
        armed = self._armed[placed.airing_id]
        pct = self._permitted_pct(placed, now)
        volume = round(self.config.volume_pct * (pct if pct is not None else 100) / 100)
        run = Run(placed, now, volume, armed.length_ms, amplified=self.amplifier().present)
        self.runs[placed.airing_id] = run
        armed.gone = True
        self._note(started_report(run, self.stamp()))
        if self.outbox.full:
            self.counters.note_started(placed.airing_id)
        self.sound.send({"cmd": "volume", "airing_id": placed.airing_id, "pct": volume})
        self.sound.send({"cmd": "go", "airing_id": placed.airing_id})

    def halt(self, run: Run, cause: Reason) -> None:
        """Make an airing under way fall silent."""
        if not run.over and run.cause is Reason.NONE:
            run.cause = cause
            self.sound.send({"cmd": "stop", "airing_id": run.placed.airing_id})

    def stop_all(self, cause: Reason) -> int:
        """Silence, now; how many airings that ended."""
        running = [run for run in self.runs.values() if not run.over]
        for run in running:
            self.halt(run, cause)
        return len(running)

    def _obey_orders(self, now: datetime) -> None:
        for run in list(self.runs.values()):
            silenced = self.orders.silences(run.placed, now)
            if silenced is not None:
                self.halt(run, Reason.MUTED if silenced is Reason.MUTED else Reason.OPERATOR)

    # --- what player and keeper tell ----------------------------------------------------------

    def heard(self, event: Message) -> None:
        """An event of the player's or the keeper's."""
        kind, airing_id = event.get("event"), str(event.get("airing_id", ""))
        if kind == "children_lost":
            self._children_lost()
            return
        if kind == "pin":
            self.amplifier_on = bool(event["on"])
        run = self.runs.get(airing_id)
        if kind == "unplayable":
            self._blocked[airing_id] = Reason.DEVICE_ERROR
            self._armed.pop(airing_id, None)
        if run is None:
            return
        if kind == "started":
            self._sound_began(run, event)
        elif kind in ("finished", "cancelled"):
            self._sound_ended(run, event)
        elif kind == "pin":
            self._pin_moved(run, event)
        elif kind == "fault":
            run.details.append(f"amplifier off: {event.get('reason')}")
        self.on_change()

    def sink_lost(self, detail: str) -> None:
        """The sound device went away; told in the reports of what was under way."""
        for run in self.runs.values():
            run.details.append(f"sound device: {detail}")

    def _sound_began(self, run: Run, event: Message) -> None:
        first = float(event["first_frame"])
        offset = self.clock.wall_minus_monotonic()
        run.first_frame = first
        run.started_at = from_unix(first + offset)
        run.skipped_frames = int(event["skipped"])
        error_s = first - self._armed[run.placed.airing_id].start
        run.start_error_ms = round(error_s * 1000, 3)

    def _sound_ended(self, run: Run, event: Message) -> None:
        run.over = True
        if event["event"] == "finished":
            offset = self.clock.wall_minus_monotonic()
            run.ended_at = from_unix(float(event["last_frame"]) + offset)
            run.played_frames = int(event["played"])
            run.skipped_frames = int(event["skipped"])
            run.xruns = int(event["xruns"])
            self.xruns += run.xruns
        if run.amplified and run.amplifier_on_at and not run.amplifier_off_at:
            return  # the report tells when the amplifier went off: at most the tail away
        self._close(run)

    def _pin_moved(self, run: Run, event: Message) -> None:
        at = from_unix(float(event["mono"]) + self.clock.wall_minus_monotonic())
        if event["on"]:
            run.amplifier_on_at = at
        else:
            run.amplifier_off_at = at
            if run.over:
                self._close(run)

    def _children_lost(self) -> None:
        self._armed.clear()
        for run in list(self.runs.values()):
            if not run.over and run.cause is Reason.NONE:
                run.cause = Reason.DEVICE_ERROR
                run.details.append("player or amplifier keeper died")
                if run.first_frame is not None:
                    heard_s = max(self.clock.monotonic() - run.first_frame, 0.0)
                    run.played_frames = min(round(heard_s * RATE), run.length_ms * RATE // 1000)
            self._close(run)

    def overdue(self) -> None:
        """Close what waits for an amplifier that never told of going off."""
        now = self.clock.now()
        for run in list(self.runs.values()):
            if run.over and run.ended_at and (now - run.ended_at).total_seconds() > _PIN_WAIT_S + 4:
                self._close(run)

    def _close(self, run: Run) -> None:
        airing_id = run.placed.airing_id
        if self.runs.pop(airing_id, None) is not None:
            self._armed.pop(airing_id, None)
            self._note(finished_report(run, self.stamp()))

    # --- outcomes without sound ---------------------------------------------------------------

    def _skip(self, placed: Placed, outcome: Outcome, reason: Reason, detail: str = "") -> None:
        self._disarm(placed.airing_id)
        log.info("airing %s: %s (%s)", placed.airing_id, outcome, reason)
        self._note(unplayed_report(placed, self.stamp(), outcome, reason, detail))

    def _miss(self, placed: Placed, now: datetime) -> None:
        last = placed.last_start
        awake_since = now - timedelta(seconds=self.clock.monotonic() - self._began)
        learned = self.active_since(placed.area_id) if placed.area_id else None
        if learned and learned > last:
            if self.bound_at is None or placed.starts_at < self.bound_at:
                self._forget(placed)
            else:
                self._skip(placed, Outcome.MISSED, Reason.TOO_LATE, "learned of after its time")
        elif last < awake_since:
            self._skip(placed, Outcome.MISSED, Reason.POWERED_OFF)
        else:
            self._skip(placed, Outcome.MISSED, self._why_not(placed))

    def _why_not(self, placed: Placed) -> Reason:
        blocked = self._blocked.get(placed.airing_id)
        if blocked is not None:
            return blocked
        if self._trusted_since and placed.last_start < self._trusted_since:
            return Reason.CLOCK_UNTRUSTED
        return Reason.TOO_LATE

    def _too_old(self, placed: Placed, born: datetime) -> None:
        """Begun before this store was made: it may have sounded already, so it must not again."""
        if placed.last_start >= born and self.outbox.quarantined:
            self._skip(placed, Outcome.MISSED, Reason.STORE_LOST)
        else:
            self._forget(placed)

    def _forget(self, placed: Placed) -> None:
        self._plan = [each for each in self._plan if each.airing_id != placed.airing_id]

    def _dealt_with(self, airing_id: str) -> bool:
        return (
            airing_id in self.runs
            or self.outbox.knows(airing_id)
            or airing_id in self.counters.last_started
        )

    def _disarm(self, airing_id: str) -> None:
        if self._armed.pop(airing_id, None) is not None:
            self.sound.send({"cmd": "stop", "airing_id": airing_id})

    def _note(self, report: Report) -> None:
        self.outbox.note(report)
        self._blocked.pop(report.airing_id, None)
        self.on_report()
        self.on_change()
