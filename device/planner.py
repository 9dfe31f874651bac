"""What is due: walks the plan by wall time, checked anew on every turn, and plays each airing once.

An airing is prepared a minute ahead, armed at T - 15 s, and released just before the amplifier
must be on. What cannot be played gets its outcome with a reason. Waiting is on monotonic time; a
wall clock that jumps makes an airing neither sound twice nor disappear unreported.
"""

import bisect
import logging
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from device.airing import LATE_JOIN_LEAST, Placed, Run, interrupted_report
from device.channel import Message
from device.stage import Stage
from device.steps import Steps
from device.windows import CLOSED, Band, Hours
from protocol.messages import NodeConfig
from protocol.outcomes import Outcome, Reason

log = logging.getLogger(__name__)

PREPARE_AHEAD = timedelta(seconds=60)
ARM_AHEAD = timedelta(seconds=15)
# Released this long before the amplifier is due: `started` goes to the disk first, which a worn
# card or a shared disk may hold up for seconds (3.6 s was seen); from then on
# the player keeps the instant.
GO_MARGIN_S = 6.0
GIVE_WAY = timedelta(seconds=1)  # what is lower sounds on until then
_EMERGENCY_AHEAD = timedelta(seconds=5)
_TURN_S = 1.0
_ARMED_TURN_S = 0.25


@dataclass
class Orders:
    """What holds beside the schedule: mutes, stops and cancellations of the areas and of here."""

    muted_until: datetime | None = None
    stopped_at: datetime | None = None
    cancelled: frozenset[str] = frozenset()

    def silences(self, placed: Placed, now: datetime) -> Reason | None:
        """Why an airing must not sound now, or None."""
        if placed.airing_id in self.cancelled:
            return Reason.CANCELLED if placed.emergency else Reason.WITHDRAWN
        if self.stopped_at and placed.airing.starts_at <= self.stopped_at:
            return Reason.OPERATOR
        if self.muted_until and now < self.muted_until and not placed.emergency:
            return Reason.MUTED
        return None


@dataclass
class Planner:
    """`tick` does what is due and says in how many seconds it wants to be called again."""

    stage: Stage
    config: NodeConfig = field(default_factory=NodeConfig)
    hours: Hours = CLOSED
    orders: Orders = field(default_factory=Orders)
    bound_at: datetime | None = None
    active_since: Callable[[str], datetime | None] = lambda _: None
    horn_taken: bool = False  # by the village's own microphone or FM set
    in_doubt: bool = False  # the clock has just been set by far
    _plan: list[Placed] = field(default_factory=list)
    _learned: dict[str, int] = field(default_factory=dict)  # emergency → in which order heard of
    _began: float = 0.0
    _trusted_since: datetime | None = None
    _awake_since: datetime | None = None  # when this program began, by trusted time

    def __post_init__(self) -> None:
        self._steps = Steps(self.stage.clock)

    def start(self) -> None:
        """Once, before the first tick: what a former life left open is closed."""
        self._began = self.stage.clock.monotonic()
        for report in self.stage.outbox.orphans():
            log.warning("airing %s was interrupted in a former life", report.airing_id)
            self.stage.note(interrupted_report(report, self.stage.stamp()))

    def set_plan(self, placed: Iterable[Placed], hours: Hours) -> None:
        """Replace what is planned; airings dealt with before are left out."""
        self.hours = hours
        placed = list(placed)
        self._note_emergencies(placed)
        live = [each for each in self._plan if each.live]
        fresh = {each.airing_id: each for each in (*placed, *live)}.values()
        undone = [each for each in fresh if not self.stage.dealt_with(each.airing_id)]
        self._plan = sorted(undone, key=_order)
        known = {each.airing_id for each in self._plan}
        for airing_id in self.stage.armed:
            if airing_id not in known:
                self.stage.disarm(airing_id)

    def add_live(self, placed: Placed) -> None:
        """An airing a command asks for, beside the plan."""
        self._note_emergencies([placed])
        if not self.stage.dealt_with(placed.airing_id):
            bisect.insort(self._plan, placed, key=_order)

    def withdraw(self, airing_ids: Collection[str]) -> int:
        """Stop those that commands asked for and that have not begun; how many there were."""
        waiting = [
            each
            for each in self._plan
            if each.airing_id in airing_ids and not self.stage.dealt_with(each.airing_id)
        ]
        for placed in waiting:
            self.stage.skip(placed, Outcome.STOPPED, Reason.OPERATOR)
            self._forget(placed)
        return len(waiting)

    def _note_emergencies(self, placed: Iterable[Placed]) -> None:
        """Those heard of together rank alike; those heard of later were issued later."""
        order = 1 + max(self._learned.values(), default=0)
        for each in placed:
            if each.emergency:
                self._learned.setdefault(each.airing_id, order)

    def coming(self, now: datetime) -> Placed | None:
        """The next airing that has not begun."""
        return next((each for each in self._plan if each.starts_at >= now), None)

    def heard(self, event: Message) -> None:
        """Whether the village's own microphone or FM set has the horn, as the keeper tells."""
        if event.get("event") == "input" and event.get("name") == "busy":
            self.horn_taken = bool(event.get("active"))
        elif event.get("event") == "children_lost":
            self.horn_taken = False  # the next keeper tells anew

    # --- the turn -----------------------------------------------------------------------------

    def tick(self) -> float:
        now = self.stage.clock.now()
        trusted = self.stage.clock.trusted
        if trusted and self._trusted_since is None:
            self._trusted_since = now
            if self._awake_since is None:
                # Reckoned back, once: what jumps later does not move the past.
                awake_s = self.stage.clock.monotonic() - self._began
                self._awake_since = now - timedelta(seconds=awake_s)
                self.stage.outbox.created(self._awake_since)
        elif not trusted:
            self._trusted_since = None
        self.in_doubt = self._steps.doubtful(trusted=trusted)
        self._obey_orders(now)
        self._resume(now, trusted)
        self.stage.retime_running()
        self.stage.note_progress()
        for placed in list(self._plan):
            if placed.starts_at > now + PREPARE_AHEAD:
                break
            self._consider(placed, now, trusted)
        self._plan = [each for each in self._plan if not self.stage.dealt_with(each.airing_id)]
        return self._until_next(now)

    def _until_next(self, now: datetime) -> float:
        if self.stage.busy:
            return _ARMED_TURN_S
        if self._plan:
            ahead = (self._plan[0].starts_at - ARM_AHEAD - now).total_seconds()
            # What is due and cannot begin yet waits for its clip, and that rings by itself.
            return min(max(ahead, 0.05), _TURN_S) if ahead > 0 else _ARMED_TURN_S
        return _TURN_S

    def _consider(self, placed: Placed, now: datetime, trusted: bool) -> None:
        airing_id = placed.airing_id
        if self.stage.dealt_with(airing_id):
            return
        if not trusted and not placed.live and not self._is_by_the_controllers_time(placed):
            self.stage.blocked[airing_id] = Reason.CLOCK_UNTRUSTED
            self.stage.disarm(airing_id)
            return
        if self.in_doubt and not placed.live and not placed.emergency:
            return
        born = self.stage.outbox.created_at
        if born and placed.starts_at < born and not placed.live:
            self._too_old(placed, born)
        elif airing_id in self.orders.cancelled and now >= placed.starts_at:
            self._silence(placed, now)
        elif now > placed.last_start:
            self._miss(placed)
        elif placed.airing.withheld:
            if now >= placed.starts_at:
                rule = placed.airing.withheld
                self.stage.skip(placed, Outcome.SKIPPED, Reason.POLICY, rule)
        else:
            self._prepare(placed, now)

    def _is_by_the_controllers_time(self, placed: Placed) -> bool:
        """An emergency is dated by the clock of the beacons, right or wrong."""
        return placed.emergency and self.stage.clock.contradicted

    def _prepare(self, placed: Placed, now: datetime) -> None:
        for part in placed.parts:
            self.stage.clips.prepare(part.sha256)
            if part.fallback_sha256:
                self.stage.clips.prepare(part.fallback_sha256)
        if now < placed.starts_at - ARM_AHEAD:
            return
        if not self.stage.arm(placed):
            return
        self.stage.retime(placed)
        lead = timedelta(seconds=GO_MARGIN_S + self.stage.amplifier(placed).settle_ms / 1000)
        if now >= placed.starts_at - lead and self._may_begin(placed, now):
            self.stage.begin(placed, self.config.volume_pct, self._bands(placed, now))

    # --- beginning ----------------------------------------------------------------------------

    def _may_begin(self, placed: Placed, now: datetime) -> bool:
        if self._silence(placed, now):
            return False
        if not placed.emergency and not self._bands(placed, now):
            self.stage.skip(placed, Outcome.SKIPPED, Reason.POLICY, "outside the permitted hours")
            return False
        if self.horn_taken and not placed.emergency:
            self.stage.blocked[placed.airing_id] = Reason.AMPLIFIER_BUSY
            return False
        if not self.stage.sound.healthy():
            self.stage.blocked[placed.airing_id] = Reason.DEVICE_ERROR
            return False
        return self._has_the_horn(placed, now)

    def _silence(self, placed: Placed, now: datetime) -> bool:
        """Give it its outcome when somebody wants it silent."""
        silenced = self.orders.silences(placed, now)
        if silenced is not None:
            muted = silenced is Reason.MUTED
            self.stage.skip(placed, Outcome.SKIPPED if muted else Outcome.STOPPED, silenced)
        return silenced is not None

    def _bands(self, placed: Placed, now: datetime) -> tuple[Band, ...]:
        """How loud it may be, band by band; an emergency always, and at the node's own volume."""
        if placed.emergency:
            return ()
        return self.hours.bands(max(placed.starts_at, now), placed.ends_at)

    def _has_the_horn(self, placed: Placed, now: datetime) -> bool:
        """Nothing it has to wait for is in the way; what is lower gives way just before."""
        sounding = [run for run in self.stage.runs.values() if run.sounding]
        in_the_way = [run for run in sounding if run.ends_at > placed.starts_at]
        if any(not self._goes_before(placed, run.placed) for run in in_the_way):
            self.stage.blocked[placed.airing_id] = Reason.PREEMPTED
            return False
        if in_the_way and now < placed.starts_at - GIVE_WAY:
            return False
        for run in in_the_way:
            if _goes_on(run):
                self.stage.suspend(run)
            else:
                self.stage.halt(run, Reason.PREEMPTED)
        return True

    def _goes_before(self, placed: Placed, other: Placed) -> bool:
        """A higher class interrupts a lower one; of two emergencies the one issued later."""
        if placed.rank != other.rank or not placed.emergency:
            return placed.rank > other.rank
        learned = self._learned.get(placed.airing_id, 0), self._learned.get(other.airing_id, 0)
        # A repeat does not interrupt itself, and after a restart nobody knows which came first.
        return learned[0] > learned[1] and placed.parts != other.parts

    def _resume(self, now: datetime, trusted: bool) -> None:
        """What gave way goes on where it would be by now, or its time is over."""
        for run in self.stage.suspended:
            placed = run.placed
            until = placed.ends_at - LATE_JOIN_LEAST if run.begun else placed.last_start
            if now >= until or not _goes_on(run):
                self.stage.halt(run, Reason.PREEMPTED)
            elif trusted and not self._horn_is_wanted(now) and self._bands(placed, now):
                self.stage.resume(run)

    def _horn_is_wanted(self, now: datetime) -> bool:
        """Something sounds, or an emergency waits for its turn."""
        soon = now + _EMERGENCY_AHEAD
        waiting = any(p.emergency and p.starts_at <= soon for p in self._plan)
        return bool(self.stage.playing) or waiting or self.horn_taken

    def _obey_orders(self, now: datetime) -> None:
        for run in list(self.stage.runs.values()):
            silenced = self.orders.silences(run.placed, now)
            if silenced is not None:
                withdrawn = silenced is Reason.WITHDRAWN
                self.stage.halt(run, Reason.OPERATOR if withdrawn else silenced)
            elif self.horn_taken and not run.placed.emergency:
                self.stage.halt(run, Reason.AMPLIFIER_BUSY)

    # --- what did not sound -------------------------------------------------------------------

    def _miss(self, placed: Placed) -> None:
        last = placed.last_start
        learned = self.active_since(placed.area_id) if placed.area_id else None
        if learned and learned > last:
            if self.bound_at is None or placed.starts_at < self.bound_at:
                self._forget(placed)
            else:
                self.stage.skip(
                    placed, Outcome.MISSED, Reason.TOO_LATE, "learned of after its time"
                )
        elif self._awake_since and last < self._awake_since:
            self.stage.skip(placed, Outcome.MISSED, Reason.POWERED_OFF)
        else:
            why = self._why_not(placed)
            left_out = why is Reason.AMPLIFIER_BUSY
            self.stage.skip(placed, Outcome.SKIPPED if left_out else Outcome.MISSED, why)

    def _why_not(self, placed: Placed) -> Reason:
        blocked = self.stage.blocked.get(placed.airing_id)
        if blocked is not None:
            return blocked
        if self._trusted_since and placed.last_start < self._trusted_since:
            return Reason.CLOCK_UNTRUSTED
        return Reason.TOO_LATE

    def _too_old(self, placed: Placed, born: datetime) -> None:
        """Begun before this store was made: it may have sounded already, so it must not again."""
        if placed.last_start >= born and self.stage.outbox.quarantined:
            self.stage.skip(placed, Outcome.MISSED, Reason.STORE_LOST)
        else:
            self._forget(placed)

    def _forget(self, placed: Placed) -> None:
        self._plan = [each for each in self._plan if each.airing_id != placed.airing_id]


def _goes_on(run: Run) -> bool:
    """After it gave way: as its class says; what was released and silent yet has lost nothing."""
    return run.placed.resumes or not (run.begun or run.placed.emergency)


def _order(placed: Placed) -> tuple[datetime, str]:
    return placed.starts_at, placed.airing_id
