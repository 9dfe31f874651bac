"""One airing on this node, from what the schedule says to what the report tells.

Pure: compiles an airing into what the player needs, and its events into a report. The planner
decides when; nothing here reads a clock.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from device.clip_cache import ClipCache
from device.windows import Band
from protocol.messages import Airing, ClockReading, NodeConfig, Part, Report
from protocol.outcomes import AiringClass, Outcome, PartKind, Reason, ReportKind
from protocol.programme import length_ms, parts_for

RATE = 48_000
LATE_JOIN_LEAST = timedelta(seconds=2)  # less than this left is not worth beginning
ON_TIME_MS = 1000  # sound that began later than this after its instant is a partial playing


@dataclass(frozen=True, slots=True)
class Placed:
    """An airing as this node has it: its own parts and its own instant."""

    airing: Airing
    area_id: str
    starts_at: datetime
    parts: tuple[Part, ...]
    length_ms: int
    live: bool = False  # asked for by a fresh command: needs no trusted clock

    @classmethod
    def on(
        cls, config: NodeConfig, airing: Airing, area_id: str, *, live: bool = False
    ) -> "Placed":
        step = 0 if airing.class_ is AiringClass.EMERGENCY else airing.stagger_step_ms
        starts_at = airing.starts_at + timedelta(milliseconds=config.stagger_slot * step)
        parts = parts_for(airing.parts, config.languages)
        return cls(airing, area_id, starts_at, parts, length_ms(parts), live)

    @property
    def airing_id(self) -> str:
        return self.airing.airing_id

    @property
    def ends_at(self) -> datetime:
        return self.starts_at + timedelta(milliseconds=self.length_ms)

    @property
    def last_start(self) -> datetime:
        """Until when it may begin: its lateness limit, or too little of it would be left.

        An emergency that is late is shifted and heard whole, so the limit alone holds.
        """
        limit = self.starts_at + timedelta(seconds=self.airing.late_s)
        if self.emergency or self.airing.withheld:
            return limit
        return min(limit, max(self.ends_at - LATE_JOIN_LEAST, self.starts_at))

    @property
    def emergency(self) -> bool:
        return self.airing.class_ is AiringClass.EMERGENCY

    @property
    def rank(self) -> int:
        """Who gives way to whom: a higher rank interrupts a lower one."""
        ranks = {AiringClass.NORMAL: 0, AiringClass.PRIORITY: 1, AiringClass.EMERGENCY: 2}
        return ranks[self.airing.class_]

    @property
    def resumes(self) -> bool:
        """Whether it goes on, where it would be by then, after it gave way to a higher class."""
        return self.airing.class_ is AiringClass.PRIORITY

    @property
    def unknown_kind(self) -> str:
        return next((part.kind for part in self.parts if part.kind != PartKind.CLIP), "")

    def needs(self) -> Iterable[str]:
        return (part.sha256 for part in self.parts)


def choose_sounds(parts: Iterable[Part], clips: ClipCache) -> tuple[list[Part], list[str]]:
    """The parts as they can be played now (fallbacks in place), and the hashes still missing."""
    chosen: list[Part] = []
    missing: list[str] = []
    for part in parts:
        if clips.ready(part.sha256):
            chosen.append(part)
        elif part.fallback_sha256 and clips.ready(part.fallback_sha256):
            chosen.append(
                replace(part, sha256=part.fallback_sha256, duration_ms=part.fallback_duration_ms)
            )
        elif not part.optional:
            missing.append(part.sha256)
    return chosen, missing


def lay_out(parts: Iterable[Part], clips: ClipCache) -> list[dict[str, Any]]:
    """The sounds for the player's `arm`: {"path", "frames", "at", "gain_db"}, at in frames."""
    sounds: list[dict[str, Any]] = []
    at = 0
    for part in parts:
        sound = clips.ready(part.sha256)
        frames = sound.frames if sound and sound.path else part.duration_ms * RATE // 1000
        for _ in range(part.times):
            if sound and sound.path:
                sounds.append(
                    {"path": sound.path, "frames": frames, "at": at, "gain_db": part.gain_db}
                )
            at += frames + part.gap_ms * RATE // 1000
    return sounds


@dataclass(frozen=True, slots=True)
class Heard:
    """What the microphone found again of an airing. `delay_ms` None: nothing was."""

    heard_ms: int
    level_db: float
    delay_ms: float | None


@dataclass
class Run:
    """An airing under way; filled in by the player's and the keeper's events."""

    placed: Placed
    node_pct: int
    length_ms: int
    bands: tuple[Band, ...] = ()  # what the hours let through of the node's own volume
    first_frame: float | None = None  # monotonic seconds, of the stretch that sounds
    device_lost_at: float | None = None  # monotonic seconds; None while the sound device is there
    started_at: datetime | None = None
    ended_at: datetime | None = None
    start_error_ms: float | None = None
    played_frames: int = 0  # of the stretches that are over
    skipped_frames: int = 0
    xruns: int = 0
    gave_way: bool = False
    suspended: bool = False  # has given way, and may go on
    waited: bool = False  # began late because a higher class had the horn
    amplifier_failed: bool = False
    cause: Reason = Reason.NONE
    amplifier_on_at: datetime | None = None
    amplifier_off_at: datetime | None = None
    details: list[str] = field(default_factory=list)
    over: bool = False  # the player has told the end; the amplifier's is still awaited
    amplified: bool = False  # there is an amplifier to wait for
    noted_ms: int = 0  # what the last checkpoint told

    @property
    def played_ms(self) -> int:
        return self.played_frames * 1000 // RATE

    @property
    def volume_pct(self) -> int:
        """How loud it begins."""
        permitted_pct = self.bands[0].volume_pct if self.bands else 100
        return round(self.node_pct * permitted_pct / 100)

    @property
    def begun(self) -> bool:
        """Whether any of it has sounded."""
        return self.started_at is not None

    @property
    def sounding(self) -> bool:
        return not self.over and not self.suspended

    @property
    def ends_at(self) -> datetime:
        """When it will be over; an emergency that began late ends late."""
        if self.started_at is None or not self.placed.emergency:
            return self.placed.ends_at
        return self.started_at + timedelta(milliseconds=self.length_ms)

    def envelope(self) -> list[tuple[int, int]]:
        """The bands for the player: (first frame, per cent)."""
        starts_at = self.placed.starts_at
        return [
            (round((band.from_ - starts_at).total_seconds() * RATE), band.volume_pct)
            for band in self.bands
        ]

    def player_died(self, now: float) -> None:
        """What had sounded until then counts; where the device went first, until it went."""
        if self.first_frame is None:
            return
        until = now if self.device_lost_at is None else self.device_lost_at
        heard = self.played_frames + round(max(until - self.first_frame, 0.0) * RATE)
        self.played_frames = min(heard, self.length_ms * RATE // 1000)
        self.first_frame = None

    def outcome(self) -> tuple[Outcome, Reason]:
        """What became of it, from what the player told."""
        if self.cause in (Reason.OPERATOR, Reason.MUTED, Reason.CANCELLED):
            return Outcome.STOPPED, self.cause
        if not self.begun:
            return self._unbegun()
        if self.cause is Reason.DEVICE_ERROR and self.device_lost_at is not None:
            return Outcome.PARTIAL, self.cause  # the player went because the device hung
        if self.cause is not Reason.NONE:
            return Outcome.INTERRUPTED, self.cause
        if self.amplifier_failed or (self.amplified and self.amplifier_on_at is None):
            return Outcome.PARTIAL, Reason.AMPLIFIER_FAULT
        if self.skipped_frames * 1000 // RATE > ON_TIME_MS:
            return (
                Outcome.PARTIAL,
                Reason.PREEMPTED if self.waited or self.gave_way else Reason.LATE_START,
            )
        if self.played_ms + 500 < self.length_ms - self.skipped_frames * 1000 // RATE:
            return Outcome.PARTIAL, Reason.PREEMPTED if self.gave_way else Reason.DEVICE_ERROR
        return Outcome.PLAYED, Reason.NONE

    def _unbegun(self) -> tuple[Outcome, Reason]:
        """It was released, and none of it sounded."""
        if self.cause is Reason.AMPLIFIER_BUSY:
            return Outcome.SKIPPED, self.cause  # as what waited for the microphone in vain
        return Outcome.MISSED, self.cause or Reason.DEVICE_ERROR


@dataclass(frozen=True, slots=True)
class Stamp:
    """The circumstances every report carries."""

    at: datetime
    monotonic_ms: int
    boot_id: str
    clock: ClockReading


def started_report(run: Run, stamp: Stamp) -> Report:
    """Written before any sound."""
    return replace(
        _blank(run.placed, stamp),
        kind=ReportKind.STARTED,
        length_ms=run.length_ms,
        volume_pct=run.volume_pct,
    )


def checkpoint_report(run: Run, stamp: Stamp, played_ms: int) -> Report:
    """How far a long airing has come, should the power go."""
    return replace(
        _blank(run.placed, stamp),
        kind=ReportKind.CHECKPOINT,
        started_at=run.started_at,
        played_ms=played_ms,
        length_ms=run.length_ms,
        volume_pct=run.volume_pct,
        amplifier_on_at=run.amplifier_on_at,
    )


def finished_report(run: Run, stamp: Stamp, heard: Heard | None = None) -> Report:
    """What became of an airing that was begun; `heard` None: no microphone could tell."""
    outcome, reason = run.outcome()
    return replace(
        _blank(run.placed, stamp),
        kind=ReportKind.FINISHED,
        outcome=outcome,
        reason=reason.value,
        detail="; ".join(run.details)[:200],
        started_at=run.started_at,
        ended_at=run.ended_at,
        start_error_ms=run.start_error_ms,
        played_ms=run.played_ms,
        length_ms=run.length_ms,
        volume_pct=run.volume_pct,
        xruns=run.xruns,
        amplifier_on_at=run.amplifier_on_at,
        amplifier_off_at=run.amplifier_off_at,
        heard_ms=heard.heard_ms if heard else None,
        heard_level_db=heard.level_db if heard else None,
        heard_delay_ms=heard.delay_ms if heard else None,
    )


def unplayed_report(
    placed: Placed, stamp: Stamp, outcome: Outcome, reason: Reason, detail: str = ""
) -> Report:
    """An airing that never began."""
    return replace(
        _blank(placed, stamp),
        kind=ReportKind.FINISHED,
        outcome=outcome,
        reason=reason.value,
        detail=detail[:200],
        length_ms=placed.length_ms,
    )


def interrupted_report(started: Report, stamp: Stamp) -> Report:
    """A begun airing found without an end at start: the power or the program went.

    `started` is written down some seconds ahead; sound never begins before its instant. Where that
    has not come yet, nothing can have sounded.
    """
    same_boot = started.boot_id == stamp.boot_id
    ahead_s = (started.planned_at - started.at).total_seconds()
    silent = same_boot and stamp.monotonic_ms < started.monotonic_ms + ahead_s * 1000
    return replace(
        started,
        seq=0,
        kind=ReportKind.FINISHED,
        outcome=Outcome.MISSED if silent else Outcome.INTERRUPTED,
        reason=(Reason.DEVICE_ERROR if same_boot else Reason.POWERED_OFF).value,
        detail="the node's program ended" if same_boot else "the node lost power",
        at=stamp.at,
        monotonic_ms=stamp.monotonic_ms,
        boot_id=stamp.boot_id,
        clock=stamp.clock,
        started_at=None if silent else started.started_at or max(started.at, started.planned_at),
    )


def from_unix(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _blank(placed: Placed, stamp: Stamp) -> Report:
    return Report(
        airing_id=placed.airing_id,
        planned_at=placed.airing.starts_at,
        at=stamp.at,
        monotonic_ms=stamp.monotonic_ms,
        boot_id=stamp.boot_id,
        clock=stamp.clock,
    )
