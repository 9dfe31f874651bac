"""The ALSA backend on an emulated card that knows at which frame everything left."""

import threading
import time

import pytest

from device.errors import SinkError
from device.player.alsa import AlsaCard
from device.player.engine import Engine
from device.player.jobs import Job, Lease
from device.player.score import RATE, Score, Sound
from tests.device.alsa.rig import Rig, missing

pytestmark = pytest.mark.skipif(
    bool(missing()), reason=f"the emulated card needs {' '.join(missing())}"
)


class NoAmplifier(Lease):
    def hold(self, airing_id, zones):
        return

    def release(self):
        return


class Player:
    """An engine on the emulated card, in real time."""

    def __init__(self, rig, monkeypatch, buffer_ms=400):
        for name, value in rig.environment.items():
            monkeypatch.setenv(name, value)
        self.rig = rig
        self.events = []
        self.engine = Engine(
            lambda: AlsaCard("fake", buffer_ms),
            self.events.append,
            NoAmplifier(),
            None,
            time.monotonic,
        )

    def arm(self, start, seconds, airing_id="a"):
        count = int(seconds * RATE)
        score = Score((Sound(0, count, b"\x10\x10" * count),), count)
        self.engine.jobs[airing_id] = Job(airing_id, score, start, 0.0, 0.3, 0.3, 1.0, gone=True)

    def run(self, until=None):
        waiter = threading.Event()
        while (wait := self.engine.step()) is not None:
            if until and until():
                return
            waiter.wait(wait)

    def event(self, kind):
        return next((event for event in self.events if event["event"] == kind), None)


@pytest.fixture
def rig(tmp_path):
    return Rig(tmp_path)


def test_sound_leaves_the_card_at_its_instant(rig, monkeypatch):
    player = Player(rig, monkeypatch)
    begin = time.monotonic() + 1.2
    starts = [begin + number * 0.4 for number in range(12)]
    for number, start in enumerate(starts):
        player.arm(start, 0.1, f"a{number}")
    player.run()
    # A machine that stood still for the tenth of a second of one of them never played that one.
    errors = sorted(min(abs(on - start) for start in starts) for on, _ in rig.sounds())
    assert len(errors) in (11, 12)
    assert errors[6] < 0.0005
    assert errors[-2] < 0.005


def test_a_crystal_that_is_off_is_followed(tmp_path, monkeypatch):
    rig = Rig(tmp_path, ppm=500)
    player = Player(rig, monkeypatch)
    start = time.monotonic() + 1.0
    player.arm(start, 4.0)
    player.run()
    (_, end) = rig.sounds()[-1]
    assert abs(end - (start + 4.0)) < 0.001  # 2 ms without correction


def test_an_unplugged_card_is_noticed_and_the_sound_goes_on_in_its_place(rig, monkeypatch):
    player = Player(rig, monkeypatch)
    start = time.monotonic() + 1.2
    player.arm(start, 4.0)
    player.run(until=lambda: time.monotonic() > start + 1.0)
    rig.gone.touch()
    player.run(until=lambda: player.event("sink_lost") is not None)
    assert time.monotonic() < start + 1.8
    rig.gone.unlink()
    player.run()
    sounds = rig.sounds()
    assert len(sounds) >= 2
    assert abs(sounds[-1][1] - (start + 4.0)) < 0.02


def time_to_silence(player, number, **how):
    """Seconds from the order to stop until the last loud frame has left."""
    start = time.monotonic() + 0.8
    player.arm(start, 20.0, f"s{number}")
    player.run(until=lambda: len(player.rig.sounds()) > number)
    player.run(until=lambda: time.monotonic() > start + 0.3)
    asked_at = time.monotonic()
    player.engine.handle({"cmd": "stop", "airing_id": f"s{number}", **how})
    player.run()
    return player.rig.sounds()[number][1] - asked_at


def test_a_stop_fades_within_a_tenth_of_a_second(rig, monkeypatch):
    player = Player(rig, monkeypatch, buffer_ms=60)
    assert sorted(time_to_silence(player, n) for n in range(3))[1] < 0.1


def test_a_hard_stop_takes_ten_milliseconds_whatever_the_buffer_holds(rig, monkeypatch):
    player = Player(rig, monkeypatch, buffer_ms=400)
    assert sorted(time_to_silence(player, n, hard=True) for n in range(3))[1] < 0.01


def test_a_wall_clock_that_is_set_right_in_mid_sound_is_not_heard(rig, monkeypatch):
    player = Player(rig, monkeypatch)
    start = time.monotonic() + 1.2
    player.arm(start, 3.0)
    player.run(until=lambda: time.monotonic() > start + 1.0)
    # What the agent sends for a correction of 4 ms; for a jump it sends nothing (test_planner).
    moved = {"cmd": "retime", "airing_id": "a", "start": start + 0.004, "wall_offset": 0.0}
    player.engine.handle(moved)
    player.run()
    assert len(rig.sounds()) == 1, "no gap"
    assert abs(rig.sounds()[0][1] - (start + 3.004)) < 0.003


def test_a_late_join_leaves_the_rest_where_it_belongs(rig, monkeypatch):
    player = Player(rig, monkeypatch)
    start = time.monotonic() - 1.0
    player.arm(start, 4.0)
    player.run()
    ((on, off),) = rig.sounds()
    assert on > start + 1.3, "the amplifier settles first"
    assert abs(off - (start + 4.0)) < 0.003


def test_a_card_that_stays_away_ends_what_sounded_where_it_was(rig, monkeypatch):
    player = Player(rig, monkeypatch)
    start = time.monotonic() + 1.2
    player.arm(start, 3.0)
    player.run(until=lambda: time.monotonic() > start + 1.0)
    rig.gone.touch()
    player.run()
    finished = player.event("finished")
    assert 0.9 * RATE < finished["played"] < 1.6 * RATE
    assert abs(finished["last_frame"] - (start + 3.0)) < 0.7


@pytest.mark.parametrize("fault", ["EIO", "EPIPE", "stall"])
def test_a_card_that_fails_without_leaving_goes_on_in_its_place(rig, monkeypatch, fault):
    player = Player(rig, monkeypatch)
    start = time.monotonic() + 0.8
    player.arm(start, 2.8)
    player.run(until=lambda: time.monotonic() > start + 0.3)
    rig.gone.write_text(fault)
    player.run(until=lambda: player.event("sink_lost") is not None)
    assert time.monotonic() < start + 1.4
    player.run(until=lambda: time.monotonic() > start + 1.6)
    rig.gone.unlink()
    player.run()
    finished = player.event("finished")
    assert finished["played"] < 2.5 * RATE
    assert finished["xruns"] >= 0
    assert abs(rig.sounds()[-1][1] - (start + 2.8)) < 0.02


def test_a_card_that_fails_to_the_end_lets_the_amplifier_go(rig, monkeypatch):
    player = Player(rig, monkeypatch)
    start = time.monotonic() + 1.0
    player.arm(start, 1.0)
    player.run(until=lambda: time.monotonic() > start + 0.3)
    rig.gone.write_text("stall")
    player.run()
    assert player.event("finished")["last_frame"] < start + 2.0
    assert player.engine.jobs == {}


def test_a_card_that_another_program_has_is_waited_for(rig, monkeypatch):
    player = Player(rig, monkeypatch)
    rig.gone.write_text("EBUSY")
    start = time.monotonic() + 0.5
    player.arm(start, 2.5)
    player.run(until=lambda: time.monotonic() > start + 0.6)
    assert "busy" in player.event("sink_lost")["detail"]
    rig.gone.unlink()
    player.run()
    assert abs(rig.sounds()[-1][1] - (start + 2.5)) < 0.02


class SlowClock:
    """Half a millisecond passes whenever one looks: a slow machine, or a busy one."""

    def __init__(self):
        self.looks = 0

    def __call__(self):
        self.looks += 1
        return time.monotonic() + self.looks * 0.0005


def test_a_machine_too_slow_for_good_readings_takes_the_ones_it_gets(rig, monkeypatch):
    for name, value in rig.environment.items():
        monkeypatch.setenv(name, value)
    card = AlsaCard("fake", 400, SlowClock())
    waiter = threading.Event()
    for _ in range(250):
        if card.room() > 480:
            card.write(bytes(480 * 2))
        if card.next_frame_at() is not None:
            break
        waiter.wait(0.005)
    assert card.next_frame_at() is not None
    card.close()


def test_a_card_that_is_not_there_is_said_so(rig, monkeypatch):
    for name, value in rig.environment.items():
        monkeypatch.setenv(name, value)
    rig.gone.touch()
    with pytest.raises(SinkError, match="fake"):
        AlsaCard("fake", 80)


def test_a_stall_is_an_underrun_and_counted(rig, monkeypatch):
    player = Player(rig, monkeypatch)
    start = time.monotonic() + 1.2
    player.arm(start, 2.0)
    player.run(until=lambda: time.monotonic() > start + 0.5)
    pause = time.monotonic() + 0.8
    player.run(until=lambda: _busy_until(pause))
    player.run()
    assert player.event("finished")["xruns"] >= 1
    assert abs(rig.sounds()[-1][1] - (start + 2.0)) < 0.05


def _busy_until(moment):
    """Hold up the thread, as a frozen process would."""
    while time.monotonic() < moment:
        continue
    return True
