"""A node's planner in a world whose time the test moves: no processes, no sleeping.

The clock, the sensors and the clips are fakes of the real interfaces; outbox, counters, planner,
stage and the silent player are the real ones.
"""

from datetime import UTC, datetime, timedelta

from device.airing import Placed, Stamp
from device.clip_cache import Sound
from device.clock import Clock, Sensors
from device.identity import Counters
from device.loop import Loop
from device.outbox import Outbox
from device.planner import Planner
from device.sound import SilentPlayer
from device.stage import Amplifier, Stage
from device.windows import Hours
from protocol.messages import Airing, NodeConfig, Part, Window
from protocol.outcomes import AiringClass

START = datetime(2026, 11, 22, 5, 0, tzinfo=UTC)
ALWAYS = Hours(
    START + timedelta(days=400),
    (Window(START - timedelta(days=400), START + timedelta(days=400)),),
)


class FakeClock(Clock):
    """Wall and monotonic time as the test sets them; `believed` is the kernel's verdict."""

    def __init__(self, at=START, **options):
        self.mono = 1000.0
        self.unix = at.timestamp()
        self.believed = True
        self.rtc_present = False
        sensors = Sensors(lambda: self.believed, lambda: self.rtc_present)
        super().__init__(sensors=sensors, **options)

    def system(self):
        return self.unix

    def monotonic(self):
        return self.mono

    def pass_time(self, seconds):
        self.mono += seconds
        self.unix += seconds

    def _judge_now_and_then(self):
        return self._judge()


class FakeClips:
    """Clips that are there when the test says so."""

    def __init__(self):
        self.missing = set()
        self.unusable = set()

    def holds(self, sha256):
        return sha256 not in self.missing

    def ready(self, sha256):
        return None if sha256 in self.missing else Sound("", 0)

    def prepare(self, sha256):
        return


class World:
    """Everything a planner needs, and a player that keeps to the fake time."""

    def __init__(self, folder, clock=None):
        self.folder = folder
        self.clock = clock or FakeClock()
        self.clips = FakeClips()
        self.config = NodeConfig(node_id="n", area_path=("a",), settle_ms=500)
        self.reports = []
        self.boot_id = "boot-1"
        self.sounded = []
        self.boot()

    def boot(self):
        """Start the node's program, as after a power cut."""
        self.loop = Loop(self.clock.monotonic)
        self.counters = Counters(self.folder, self.clock.wall)
        self.outbox = Outbox(self.folder / "outbox.sqlite3")
        self.player = RecordingPlayer(self.loop, self._heard, self.sounded, self.clock)
        self.stage = Stage(
            clock=self.clock,
            outbox=self.outbox,
            counters=self.counters,
            clips=self.clips,
            sound=self.player,
            stamp=lambda: Stamp(
                self.clock.now(), int(self.clock.mono * 1000), self.boot_id, self.clock.reading()
            ),
            amplifier=lambda placed: Amplifier(False, 500, 500),
            on_report=lambda: None,
            on_change=lambda: None,
        )
        self.planner = Planner(self.stage, config=self.config, hours=ALWAYS)
        self.planner.start()

    def _heard(self, event):
        self.stage.heard(event)

    def crash(self, *, new_boot=True):
        """The power goes: nothing is finished, nothing said."""
        self.player.stop()
        self.outbox.close()
        self.loop.close()
        if new_boot:
            self.boot_id += "+"

    def plan(self, *airings, hours=ALWAYS):
        placed = [Placed.on(self.config, airing, "a") for airing in airings]
        self.planner.set_plan(placed, hours)

    def run(self, seconds, step=0.25):
        """Let time pass, with all timers at their instants."""
        end = self.clock.mono + seconds
        while self.clock.mono < end - 1e-9:
            self.planner.tick()
            self.loop.turn(0.0)
            self.clock.pass_time(min(step, end - self.clock.mono))
        self.planner.tick()
        self.loop.turn(0.0)

    def outcomes(self):
        """airing_id → list of (outcome, reason) of its finished reports."""
        found = {}
        for report in self.outbox.owed(100_000):
            if report.kind == "finished":
                found.setdefault(report.airing_id, []).append((report.outcome, report.reason))
        return found

    def close(self):
        self.crash()


class RecordingPlayer(SilentPlayer):
    """Notes every airing that sounds, with the wall time at which it began."""

    def __init__(self, loop, listen, sounded, clock):
        super().__init__(loop, listen)
        self._sounded = sounded
        self._clock = clock

    def _begin(self, airing_id):
        if airing_id in self._jobs:
            self._sounded.append((airing_id, self._clock.wall()))
        super()._begin(airing_id)


def an_airing(airing_id="a1", *, after_s=60.0, length_s=10.0, at=None, **more):
    """A short airing `after_s` seconds after START."""
    part = Part(
        sha256=f"{hash(airing_id) & 0xFFFF:064x}", bytes=10, duration_ms=int(length_s * 1000)
    )
    starts_at = at or START + timedelta(seconds=after_s)
    return Airing(airing_id=airing_id, starts_at=starts_at, parts=(part,), **more)


def emergency(airing_id="e1", **options):
    return an_airing(airing_id, class_=AiringClass.EMERGENCY, **options)
