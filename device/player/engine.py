"""The engine: opens the sink before air time, feeds it silence, and splices each airing in.

Driven by one thread: `handle` takes the agent's commands, `step` does what is due and says when it
wants to be called again. All times are monotonic seconds; the agent alone knows the wall clock
and sends `retime` when it moves. Nothing sounds before `go`, which the agent sends only after
it has written `started` down.

Commands: arm · go · retime · stop · volume. Events: armed · started · finished · xrun · sink_lost.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from device.errors import SinkError
from device.player.envelope import Envelope
from device.player.evidence import Recording
from device.player.grants import Grants
from device.player.jobs import Job, Lease
from device.player.score import FRAME_BYTES, RATE, Score, ramped, scaled
from device.player.sinks import Sink

log = logging.getLogger(__name__)

OPEN_BEFORE_S = 15.0
PERIOD = RATE // 50  # frames written at a time: 20 ms
_MOST_PERIODS = 150  # at once: more than any buffer holds
_REOPEN_S = 0.5
_FADE_S = 0.02
_STOP_FADE_S = 0.025
_RAMP_PER_S = 20.0  # full scale in 50 ms
_TOLERATED_S = 0.0003  # drift that is left alone
_JUMP_S = 0.05  # beyond this a stall, not drift: go where the programme is by now
_LOWER_BOUND_S = 0.3


@dataclass
class Engine:
    """`open_sink()` may raise SinkError; `emit` sends an event to the agent.

    A fatal SinkError is let through: only a new process can open the device again.
    """

    open_sink: Callable[[], Sink]
    emit: Callable[[dict[str, Any]], None]
    lease: Lease
    evidence_dir: Path | None
    monotonic: Callable[[], float]
    jobs: dict[str, Job] = field(default_factory=dict)
    sink: Sink | None = None
    _open_at: float = 0.0  # not before: the device has just refused
    _earlier_xruns: int = 0  # of devices that are closed
    _level: float = 1.0

    def __post_init__(self) -> None:
        self._grants = Grants(self.lease)

    # --- commands -----------------------------------------------------------------------------

    def handle(self, message: dict[str, Any]) -> None:
        """One command of the agent's; a job it does not know is none of its business any more."""
        command = message.get("cmd")
        job = self.jobs.get(str(message.get("airing_id", "")))
        if command == "arm":
            self._arm(message)
        elif command == "stop":
            self._stop(job, hard=bool(message.get("hard")))
        elif command == "go" and job:
            job.envelope = Envelope.of(message.get("bands") or ())
            job.gone = True
        elif command == "retime" and job:
            job.start, job.wall_offset = float(message["start"]), float(message["wall_offset"])
        elif command == "volume":
            for each in [job] if job else list(self.jobs.values()):
                each.volume = float(message["pct"]) / 100

    def _arm(self, message: dict[str, Any]) -> None:
        airing_id = str(message["airing_id"])
        try:
            score = Score.from_message(message["sounds"])
        except (OSError, ValueError) as error:
            self.emit({"event": "unplayable", "airing_id": airing_id, "detail": str(error)})
            return
        self.jobs[airing_id] = Job(
            airing_id,
            score,
            float(message["start"]),
            float(message["wall_offset"]),
            max(float(message["settle_ms"]) / 1000, _LOWER_BOUND_S),
            float(message["tail_ms"]) / 1000,
            float(message["volume_pct"]) / 100,
            tuple(message.get("zones") or ()),
        )
        self.emit({"event": "armed", "airing_id": airing_id})

    def _stop(self, only: Job | None, *, hard: bool) -> None:
        for job in [only] if only else list(self.jobs.values()):
            if job.position is None:
                del self.jobs[job.airing_id]
                self.emit({"event": "cancelled", "airing_id": job.airing_id})
            elif job.ends_at is None:
                self._cut(job, hard=hard)

    def _cut(self, job: Job, *, hard: bool) -> None:
        """Fade what has not left the card yet, or drop it."""
        if self.sink is None or job.position is None:
            return
        job.stopped = "stopped"
        try:
            self._cut_short(self.sink, job, hard=hard)
            job.ends_at = self.sink.next_frame_at() or self.monotonic()
        except SinkError as error:
            job.ends_at = self.monotonic()  # stopped is stopped, whatever the device says
            self._lost(error)
        self._level = 1.0

    def _cut_short(self, sink: Sink, job: Job, *, hard: bool) -> None:
        assert job.position is not None
        taken = min(sink.silence() if hard else sink.take_back(min(job.played, RATE)), job.played)
        if job.recording:
            job.recording.take_back(taken)
        job.position -= taken
        job.played -= taken
        if not hard:
            fade = min(int(_STOP_FADE_S * RATE), job.score.frames - job.position)
            self._write(job, ramped(job.score.render(job.position, fade), self._level, 0.0), fade)

    # --- the work -----------------------------------------------------------------------------

    def step(self) -> float | None:
        """Do what is due; seconds until the next call, or None when only a command brings work."""
        if not self.jobs:
            self._close()
            return None
        now = self.monotonic()
        self._grants.mind(self.jobs.values(), now)
        opens = min(job.start for job in self.jobs.values()) - OPEN_BEFORE_S
        if self.sink is None and now < max(opens, self._open_at):
            self._give_up(now)
            return min(max(opens, self._open_at) - now, 0.25)
        try:
            self._feed()
        except SinkError as error:
            self._lost(error)
            return 0.1
        self._tell_ends(self.monotonic())
        return 0.005 if self.sink and self.sink.room() >= PERIOD else 0.01

    def _feed(self) -> None:
        if self.sink is None:
            self.sink = self.open_sink()
            self.emit({"event": "sink_open"})
        self._reclaim_silence(self.sink)
        for _ in range(_MOST_PERIODS):
            if self.sink.room() < PERIOD:
                return
            self._write_period(self.sink)

    def _reclaim_silence(self, sink: Sink) -> None:
        """Behind the last sound only silence is queued: take it back for who is due sooner."""
        at, now = sink.next_frame_at(), self.monotonic()
        waiting = [job for job in self.jobs.values() if job.waiting]
        if at is None or not waiting or self._sounding():
            return
        sounding_until = [job.ends_at for job in self.jobs.values() if job.ends_at is not None]
        due = min(job.on_wire_at(now) for job in waiting)
        earliest = max(due, now, *sounding_until)
        if earliest < at:
            sink.take_back(int((at - earliest) * RATE))

    def _write_period(self, sink: Sink) -> None:
        at = sink.next_frame_at()
        job, lead = self._sounding(), 0
        if job is None and at is not None:
            job, lead = self._splice(sink, at)
        if job is None or job.position is None:
            sink.write(bytes(PERIOD * FRAME_BYTES))
            return
        shift = 0 if lead else self._drift(job, at)
        frames = min(PERIOD - lead, job.score.frames - job.position)
        sound = job.score.render(job.position, frames)
        self._write(job, self._shaped(job, sound), frames)
        if job.position >= job.score.frames:
            job.ends_at = sink.next_frame_at() or self.monotonic()
        elif shift:
            self._correct(job, shift)

    def _sounding(self) -> Job | None:
        for job in self.jobs.values():
            if job.position is not None and job.ends_at is None:
                return job
        return None

    def _splice(self, sink: Sink, at: float) -> tuple[Job | None, int]:
        """The job whose first frame falls into the period written now, and the silence before."""
        now = self.monotonic()
        ready = [job for job in self.jobs.values() if job.waiting]
        due = [job for job in ready if job.on_wire_at(now) < at + PERIOD / RATE]
        if not due:
            return None, 0
        job = min(due, key=lambda each: each.start)
        lead = max(round((job.on_wire_at(now) - at) * RATE), 0)
        first_at = at + lead / RATE
        # A late join skips what is past and leaves the rest where it belongs.
        late = round((first_at - job.start) * RATE)
        if late >= job.score.frames:
            job.ends_at = now  # all of it is past: it never began
            return None, 0
        job.joined_at = job.position = late if late > RATE // 1000 else 0
        job.fading = job.joined_at > 0
        job.first_frame_at = first_at
        job.xruns_before = self._xruns
        self._level = job.loudness(job.position)
        if lead:
            sink.write(bytes(lead * FRAME_BYTES))
        job.recording = Recording(self.evidence_dir, job.airing_id, first_at + job.wall_offset)
        self.emit(
            {
                "event": "started",
                "airing_id": job.airing_id,
                "first_frame": first_at,
                "skipped": job.joined_at,
            }
        )
        return job, lead

    def _shaped(self, job: Job, sound: bytes | bytearray) -> bytes | bytearray:
        """The sound at its volume, on a ramp while the volume changes or a late join fades in."""
        begin = 0.0 if job.fading else self._level
        furthest = _RAMP_PER_S * PERIOD / RATE
        wanted = job.loudness((job.position or 0) + len(sound) // FRAME_BYTES)
        end = begin + max(min(wanted - begin, furthest), -furthest)
        job.fading = False
        self._level = end
        if begin == end:
            return sound if end == 1.0 else scaled(bytes(sound), end)
        return ramped(sound, begin, end)

    def _write(self, job: Job, sound: bytes | bytearray, frames: int) -> None:
        assert self.sink is not None and job.position is not None
        self.sink.write(sound)
        if job.recording:
            job.recording.add(sound)
        job.position += frames
        job.played += frames

    def _drift(self, job: Job, at: float | None) -> int:
        """Frames the programme lags (+) or leads (-) the wall clock; small ones are left alone."""
        if at is None or job.position is None:
            return 0
        error_s = (at - job.start) - job.position / RATE
        if abs(error_s) > _JUMP_S:
            job.position = min(max(job.position + round(error_s * RATE), 0), job.score.frames)
            return 0
        return 0 if abs(error_s) <= _TOLERATED_S else (1 if error_s > 0 else -1)

    def _correct(self, job: Job, frames: int) -> None:
        """Leave one frame out, or let one sound twice: inaudible, and in step again."""
        assert job.position is not None
        job.position = max(job.position + frames, 0)

    def _give_up(self, now: float) -> None:
        """No device: what should be over by now is over, however little of it sounded."""
        for job in self.jobs.values():
            if job.gone and job.ends_at is None and now >= job.start + job.score.frames / RATE:
                job.ends_at = now
        self._tell_ends(now)

    def _tell_ends(self, now: float) -> None:
        for job in list(self.jobs.values()):
            if job.ends_at is None or now < job.ends_at:
                continue
            if not job.told:
                job.told = True
                self._tell_end(job)
            if now >= job.ends_at + job.tail_s:
                del self.jobs[job.airing_id]
        self._grants.mind(self.jobs.values(), now)

    def _tell_end(self, job: Job) -> None:
        xruns = self._xruns - job.xruns_before if job.position is not None else 0
        if job.recording:
            job.recording.end(xruns)
        self.emit(
            {
                "event": "finished",
                "airing_id": job.airing_id,
                "last_frame": job.ends_at,
                "played": job.played,
                "skipped": job.joined_at,
                "xruns": xruns,
                "cause": job.stopped,
            }
        )

    # --- the device ---------------------------------------------------------------------------

    def _lost(self, error: SinkError) -> None:
        """The device is gone or refuses: say so, try again; the programme goes on in its place."""
        log.error("the sound device failed: %s", error)
        self.emit({"event": "sink_lost", "detail": str(error), "retryable": error.retryable})
        self._open_at = self.monotonic() + _REOPEN_S
        self._let_go()
        if error.fatal:
            raise error

    def _close(self) -> None:
        self._grants.release()
        if self.sink:
            self._let_go()
            self.emit({"event": "sink_closed"})

    def _let_go(self) -> None:
        self._earlier_xruns = self._xruns
        sink, self.sink = self.sink, None
        if sink:
            sink.close()

    @property
    def _xruns(self) -> int:
        """Underruns so far, of every device that was opened."""
        return self._earlier_xruns + (self.sink.xruns if self.sink else 0)

    def silence(self) -> None:
        """The agent is gone: fade out and forget everything."""
        self._stop(None, hard=False)
        now = self.monotonic()
        for job in list(self.jobs.values()):
            if not job.told:
                self._tell_end(job)
        self.jobs.clear()
        log.info("silenced at %.3f", now)
