"""The engine on an emulated card in a time the test moves: what leaves, and when."""

import json

import numpy
import pytest

from device.errors import SinkError
from device.player.engine import Engine
from device.player.evidence import Recording
from device.player.jobs import Job, Lease
from device.player.score import RATE, Score, Sound
from device.player.sinks import EmulatedCard


class Tape(EmulatedCard):
    """An emulated card that keeps what it was given, with the instant each piece leaves."""

    def __init__(self, world, ppm=0.0):
        super().__init__(world.buffer_ms, lambda: world.now, ppm)
        self.world = world
        self.pieces = []

    def write(self, frames):
        if self.world.device_gone:
            raise SinkError("unplugged")
        super().room()
        at = self.next_frame_at()
        super().write(frames)
        self.pieces.append([at, numpy.frombuffer(bytes(frames), dtype="int16").copy()])

    def take_back(self, frames):
        taken = left = super().take_back(frames)
        while left:
            piece = self.pieces[-1][1]
            if len(piece) > left:
                self.pieces[-1][1] = piece[:-left]
                break
            left -= len(piece)
            self.pieces.pop()
        return taken


class RecordingLease(Lease):
    def __init__(self, world):
        self.world = world
        self.changes = []
        self.held = []

    def hold(self, airing_id, zones):
        self.held.append(tuple(zones))
        if not self.changes or self.changes[-1][1] is False:
            self.changes.append((self.world.now, True))

    def release(self):
        if self.changes and self.changes[-1][1]:
            self.changes.append((self.world.now, False))


class World:
    """An engine, its card, its lease and its events."""

    def __init__(self, ppm=0.0, buffer_ms=80):
        self.now = 100.0
        self.buffer_ms = buffer_ms
        self.device_gone = False
        self.events = []
        self.tapes = []
        self.ppm = ppm
        self.lease = RecordingLease(self)
        self.engine = Engine(self._open, self.events.append, self.lease, None, lambda: self.now)

    def _open(self):
        if self.device_gone:
            raise SinkError("unplugged")
        self.tapes.append(Tape(self, self.ppm))
        return self.tapes[-1]

    def arm(self, frames, start, airing_id="a", go=True, volume=1.0, **more):
        score = Score((Sound(0, len(frames), frames.tobytes()),), len(frames))
        job = Job(airing_id, score, start, 0.0, 0.5, 0.5, volume, gone=go, **more)
        self.engine.jobs[airing_id] = job

    def run(self, until, tick=0.01):
        while self.now < until:
            self.engine.step()
            self.now += tick
        self.engine.step()

    def event(self, kind):
        return next((event for event in self.events if event["event"] == kind), None)

    def heard(self):
        """(instant of the first frame that is not silence, all frames from there to the last)."""
        pieces = [piece for tape in self.tapes for piece in tape.pieces]
        loud = [i for i, (_, frames) in enumerate(pieces) if frames.any()]
        at, first = pieces[loud[0]]
        offset = int(numpy.flatnonzero(first)[0])
        whole = numpy.concatenate([frames for _, frames in pieces[loud[0] : loud[-1] + 1]])[offset:]
        return at + offset / RATE, whole[: int(numpy.flatnonzero(whole)[-1]) + 1]


def ramp(seconds):
    """Frames that are never silent and all say where they belong."""
    count = int(seconds * RATE)
    return (numpy.arange(count) % 30_000 + 1).astype("int16")


def test_the_first_frame_leaves_at_its_instant_and_every_frame_is_whole():
    world = World()
    frames = ramp(1.0)
    world.arm(frames, 105.01234)
    world.run(108)
    at, heard = world.heard()
    assert abs(at - 105.01234) < 1.5 / RATE
    assert numpy.array_equal(heard, frames)
    assert abs(world.event("started")["first_frame"] - at) < 1e-9
    assert world.event("finished")["played"] == len(frames)


def test_nothing_sounds_before_it_is_released():
    world = World()
    world.arm(ramp(1.0), 103.0, go=False)
    world.run(110)
    assert not any(frames.any() for _, frames in world.tapes[0].pieces)
    assert world.lease.changes == []


def test_the_device_opens_before_air_time_and_closes_after():
    world = World()
    world.arm(ramp(0.2), 130.0)
    world.run(114)
    assert world.tapes == []
    world.run(116)
    assert world.engine.sink is not None
    world.run(133)
    assert world.engine.sink is None


def test_the_amplifier_is_on_half_a_second_before_and_off_half_a_second_after():
    world = World()
    world.arm(ramp(1.0), 105.0)
    world.run(110)
    (on, _), (off, _) = world.lease.changes
    assert 104.3 < on <= 104.5
    assert 106.5 <= off < 106.6


def test_a_late_join_skips_what_is_past_and_waits_for_the_amplifier():
    world = World()
    frames = ramp(10.0)
    world.arm(frames, 97.0)
    world.run(112)
    started = world.event("started")
    assert started["first_frame"] >= world.lease.changes[0][0] + 0.5
    skipped = round((started["first_frame"] - 97.0) * RATE)
    assert abs(started["skipped"] - skipped) <= 1
    at, heard = world.heard()
    assert numpy.array_equal(heard[-RATE:], frames[-RATE:])
    end = at + len(heard) / RATE
    assert abs(end - 107.0) < 0.001


def test_a_stop_fades_out_within_a_tenth_of_a_second():
    world = World()
    world.arm(ramp(10.0), 105.0)
    world.run(108)
    world.engine.handle({"cmd": "stop", "airing_id": "a"})
    stopped_at = world.now
    world.run(110)
    at, heard = world.heard()
    assert at + len(heard) / RATE - stopped_at < 0.1
    assert abs(int(heard[-1])) < 100
    assert world.event("finished")["cause"] == "stopped"


def test_a_hard_stop_takes_ten_milliseconds():
    world = World()
    world.arm(ramp(10.0), 105.0)
    world.run(108)
    world.engine.handle({"cmd": "stop", "airing_id": "a", "hard": True})
    stopped_at = world.now
    world.run(110)
    at, heard = world.heard()
    assert at + len(heard) / RATE - stopped_at < 0.01


def test_a_stop_before_the_sound_cancels_it():
    world = World()
    world.arm(ramp(1.0), 105.0)
    world.run(103)
    world.engine.handle({"cmd": "stop"})
    world.run(107)
    assert world.event("cancelled")["airing_id"] == "a"
    assert world.event("started") is None


def test_a_change_of_volume_makes_no_click():
    world = World()
    world.arm(numpy.full(RATE * 3, 20_000, dtype="int16"), 105.0)
    world.run(106)
    world.engine.handle({"cmd": "volume", "pct": 20})
    world.run(110)
    _, heard = world.heard()
    steps = numpy.abs(numpy.diff(heard.astype("int32")))
    assert steps.max() < 20
    assert heard[-1] == 4000


@pytest.mark.parametrize("ppm", [100.0, -100.0])
def test_a_crystal_off_by_100_ppm_ends_within_a_millisecond(ppm):
    world = World(ppm)
    frames = ramp(120.0)
    world.arm(frames, 105.0)
    world.run(230, tick=0.02)
    assert abs(world.event("finished")["last_frame"] - 225.0) < 0.001


def test_a_small_correction_of_the_clock_is_followed_without_a_gap():
    world = World()
    world.arm(ramp(30.0), 105.0)
    world.run(106)
    retime = {"cmd": "retime", "airing_id": "a", "start": 105.005, "wall_offset": 0.0}
    world.engine.handle(retime)
    world.run(140)
    assert abs(world.event("finished")["last_frame"] - 135.005) < 0.001
    assert world.engine.sink is None


def test_a_stall_is_counted_and_the_rest_is_in_its_place():
    world = World()
    frames = ramp(10.0)
    world.arm(frames, 105.0)
    world.run(107)
    world.now += 0.5
    world.run(117)
    finished = world.event("finished")
    assert finished["xruns"] == 1
    assert abs(finished["last_frame"] - 115.0) < 0.05
    assert len(frames) - finished["played"] > 0.3 * RATE


@pytest.mark.parametrize("moved_s", [0.03, -0.03])
def test_a_correction_costs_a_frame_a_period_and_holds_no_note_at_the_end(moved_s):
    world = World()
    frames = ramp(5.0)
    world.arm(frames, 105.0)
    world.run(108)
    retime = {"cmd": "retime", "airing_id": "a", "start": 105.0 + moved_s, "wall_offset": 0.0}
    world.engine.handle(retime)
    world.run(112)
    _, heard = world.heard()
    odd = numpy.flatnonzero(~numpy.isin(numpy.diff(heard.astype(int)), (1, -29_999)))
    assert 90 < len(odd) <= 101  # two seconds are left
    assert numpy.diff(odd).min() > 900


def test_an_airing_that_a_stall_swallowed_whole_never_began_and_the_next_one_sounds():
    world = World()
    world.arm(ramp(0.3), 105.0)
    world.arm(ramp(1.0), 107.0, airing_id="b")
    world.run(104.8)
    world.now += 1.5
    world.run(110)
    ends = {e["airing_id"]: e for e in world.events if e["event"] == "finished"}
    assert [e["airing_id"] for e in world.events if e["event"] == "started"] == ["b"]
    assert (ends["a"]["played"], ends["a"]["xruns"]) == (0, 0)
    assert ends["b"]["played"] == RATE


def test_a_device_that_comes_back_goes_on_in_its_place():
    world = World()
    world.arm(ramp(10.0), 105.0)
    world.run(107)
    world.device_gone = True
    world.run(109)
    assert world.event("sink_lost") is not None
    world.device_gone = False
    world.run(120)
    finished = world.event("finished")
    assert abs(finished["last_frame"] - 115.0) < 0.05
    assert 7 * RATE < finished["played"] < 9 * RATE


def test_underruns_before_the_device_was_lost_are_not_forgotten():
    world = World()
    world.arm(ramp(10.0), 105.0)
    world.run(107)
    world.now += 0.5
    world.run(109)
    world.device_gone = True
    world.run(110)
    world.device_gone = False
    world.run(120)
    assert world.event("finished")["xruns"] == 1


def test_a_device_that_only_a_new_process_can_open_ends_this_one():
    world = World()
    hangs = SinkError("usb hangs on being opened", fatal=True)

    def refuse():
        raise hangs

    world.engine.open_sink = refuse
    world.arm(ramp(1.0), 105.0)
    with pytest.raises(SinkError, match="hangs"):
        world.run(106)
    assert world.event("sink_lost")["detail"] == "usb hangs on being opened"


def test_a_device_that_stays_away_ends_the_airing():
    world = World()
    world.device_gone = True
    world.arm(ramp(2.0), 105.0)
    world.run(110)
    assert world.event("finished")["played"] == 0
    assert world.event("started") is None
    assert not world.lease.changes[-1][1]


def test_two_airings_back_to_back_both_sound_whole():
    world = World()
    frames = ramp(1.0)
    world.arm(frames, 105.0)
    world.arm(frames, 106.0, airing_id="b")
    world.run(110)
    played = {e["airing_id"]: e["played"] for e in world.events if e["event"] == "finished"}
    assert played == {"a": RATE, "b": RATE}
    at, heard = world.heard()
    assert abs(at - 105.0) < 0.001 and len(heard) == 2 * RATE


def test_an_agent_that_dies_leaves_silence():
    world = World()
    world.arm(ramp(10.0), 105.0)
    world.run(107)
    world.engine.silence()
    _, heard = world.heard()
    assert len(heard) < 2.2 * RATE
    assert not world.engine.jobs


@pytest.mark.parametrize("buffer_ms", [80, 500])
def test_an_emergency_does_not_wait_for_queued_silence(buffer_ms):
    world = World(buffer_ms=buffer_ms)
    world.arm(ramp(10.0), 105.0)
    world.run(107)
    world.engine.handle({"cmd": "stop", "airing_id": "a"})
    world.run(107.1)
    frames = ramp(1.0)
    world.arm(frames, 107.2, airing_id="e")
    world.run(110)
    started = [event for event in world.events if event["event"] == "started"][-1]
    assert (started["airing_id"], started["skipped"]) == ("e", 0)
    assert abs(started["first_frame"] - 107.2) < 0.001
    pieces = [frames for at, frames in world.tapes[0].pieces if at > 107.15]
    heard = numpy.concatenate(pieces)
    begin = int(numpy.flatnonzero(heard)[0])
    assert numpy.array_equal(heard[begin : begin + len(frames)], frames)


def test_a_stop_at_half_volume_makes_no_click():
    world = World()
    world.arm(numpy.full(RATE * 3, 20_000, dtype="int16"), 105.0, volume=0.5)
    world.run(106)
    world.engine.handle({"cmd": "stop", "airing_id": "a"})
    world.run(107)
    _, heard = world.heard()
    assert numpy.abs(numpy.diff(heard.astype("int32"))).max() < 20
    assert heard[0] == 10_000


def test_a_programme_across_a_border_is_quieter_by_then_and_louder_after():
    world = World()
    world.arm(numpy.full(RATE * 20, 20_000, dtype="int16"), 105.0, go=False)
    bands = [[0, 100], [8 * RATE, 40], [14 * RATE, 80]]
    world.engine.handle({"cmd": "go", "airing_id": "a", "bands": bands})
    world.run(126)
    _, heard = world.heard()
    assert heard[5 * RATE] == 20_000
    assert heard[8 * RATE : 14 * RATE].max() < 8_050  # the border falls within a period
    assert heard[8 * RATE + 960 : 14 * RATE - 960].max() == 8_000
    assert heard[17 * RATE :].min() == 16_000
    assert numpy.abs(numpy.diff(heard.astype("int32"))).max() <= 2


def test_a_command_for_the_volume_stays_within_what_the_hours_permit():
    world = World()
    world.arm(numpy.full(RATE * 3, 20_000, dtype="int16"), 105.0, volume=0.5, go=False)
    world.engine.handle({"cmd": "go", "airing_id": "a", "bands": [[0, 30]]})
    world.run(106)
    world.engine.handle({"cmd": "volume", "pct": 100})
    world.run(109)
    _, heard = world.heard()
    assert (heard[0], heard[-1]) == (3_000, 6_000)


def test_each_airing_holds_its_own_amplifiers():
    world = World()
    world.arm(ramp(1.0), 105.0, zones=("main",))
    world.arm(ramp(1.0), 108.0, airing_id="b", zones=("market", "school"))
    world.run(110)
    assert list(dict.fromkeys(world.lease.held)) == [("main",), ("market", "school")]
    assert [on for _, on in world.lease.changes] == [True, False, True, False]


def test_an_amplifier_that_joins_later_gets_its_own_time_to_settle():
    world = World()
    world.arm(ramp(1.0), 105.0, zones=("main",))
    world.arm(ramp(1.0), 105.9, airing_id="b", zones=("market",), go=False)
    world.run(105.8)
    world.engine.handle({"cmd": "go", "airing_id": "b"})
    world.run(108)
    started = [event for event in world.events if event["event"] == "started"][-1]
    assert started["airing_id"] == "b"
    assert started["first_frame"] >= 106.3


def test_an_airing_that_goes_on_adds_to_its_own_evidence(tmp_path):
    for first_frame_at, frames in ((100.0, 480), (130.0, 240), (150.0, 120)):
        recording = Recording(tmp_path, "a", first_frame_at)
        recording.add(b"\x01\x00" * frames)
        recording.end(xruns=1)
    note = json.loads((tmp_path / "sound" / "a.json").read_text())
    assert (note["first_frame_at"], note["frames"], note["xruns"]) == (100.0, 840, 3)
    assert [(s["first_frame_at"], s["frames"]) for s in note["stretches"]] == [
        (100.0, 480),
        (130.0, 240),
        (150.0, 120),
    ]
    assert (tmp_path / "sound" / "a.wav").stat().st_size == 44 + 840 * 2
