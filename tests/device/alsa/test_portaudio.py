"""The PortAudio backend on the emulated card: on time, and never fooled by a card that is gone."""

import ctypes.util
import os
import subprocess
import sys
import threading
import time
from types import SimpleNamespace
from typing import Any

import pytest

from device.channel import Channel, pair
from device.errors import SinkError
from device.loop import Loop
from device.player.portaudio import PortAudio, PortAudioCard
from device.player.score import RATE
from tests.device.alsa.rig import Rig, missing

needs_card = pytest.mark.skipif(
    bool(missing()) or not ctypes.util.find_library("portaudio"),
    reason=f"needs libportaudio2 {' '.join(missing())}",
)


class Player:
    """A player process on the emulated card; PortAudio reads its devices once a process."""

    def __init__(self, rig):
        self.rig = rig
        self.loop = Loop()
        self.events = []
        here, there = pair()
        run = [sys.executable, "-m", "device.player.process", str(there.fileno()), "-1"]
        self.child = subprocess.Popen(
            [*run, "portaudio:fake", "60", "1"],
            env={**os.environ, **rig.environment},
            pass_fds=[there.fileno()],
        )
        there.close()
        self.gone = False
        self.channel = Channel(self.loop, here, self.events.append, self._lost)

    def _lost(self):
        self.gone = True

    def play(self, airing_id, start, seconds):
        frames = int(seconds * RATE)
        pcm = self.rig.folder / f"{airing_id}.pcm"
        pcm.write_bytes(b"\x10\x10" * frames)
        sound = {"path": str(pcm), "frames": frames, "at": 0, "gain_db": 0.0}
        arm = {"cmd": "arm", "airing_id": airing_id, "start": start, "wall_offset": 0.0}
        times = {"volume_pct": 100, "settle_ms": 300, "tail_ms": 0}
        self.channel.send({**arm, **times, "sounds": [sound]})
        self.channel.send({"cmd": "go", "airing_id": airing_id})

    def until(self, condition, seconds=20.0):
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, self.events
            self.loop.turn(0.05)

    def event(self, kind, **wanted):
        for event in self.events:
            if event["event"] == kind and wanted.items() <= event.items():
                return event
        return None

    def end(self):
        self.channel.close()
        self.child.wait(10)
        self.loop.close()


@pytest.fixture
def player(tmp_path):
    player = Player(Rig(tmp_path))
    yield player
    player.end()


@needs_card
def test_sound_leaves_at_its_instant_and_a_stop_is_quick(player):
    begin = time.monotonic() + 3.0
    starts = [begin + number * 0.5 for number in range(6)]
    for number, start in enumerate(starts):
        player.play(f"a{number}", start, 0.2)
    player.until(lambda: player.event("finished", airing_id="a5"))
    errors = sorted(
        abs(on - start) for start, (on, _) in zip(starts, player.rig.sounds(), strict=True)
    )
    assert errors[3] < 0.002
    player.play("long", time.monotonic() + 1.0, 30.0)
    player.until(lambda: player.event("started", airing_id="long"))
    player.until(lambda: len(player.rig.sounds()) == 7)
    asked_at = time.monotonic()
    player.channel.send({"cmd": "stop", "airing_id": "long"})
    player.until(lambda: player.event("finished", airing_id="long"))
    player.until(lambda: player.rig.sounds()[-1][1] is not None)
    assert player.rig.sounds()[-1][1] - asked_at < 1.0
    assert player.event("finished", airing_id="long")["cause"] == "stopped"


@needs_card
def test_a_card_that_is_pulled_out_is_noticed_and_the_sound_goes_on_in_its_place(player):
    start = time.monotonic() + 3.0
    player.play("a", start, 8.0)
    player.until(lambda: player.rig.sounds())
    player.rig.gone.touch()
    player.until(lambda: player.event("sink_lost") or player.gone)
    player.rig.gone.unlink()
    player.until(lambda: player.event("finished") or player.gone)
    assert not player.gone, "this PortAudio closes what is gone"
    assert abs(player.event("finished")["last_frame"] - (start + 8.0)) < 0.05
    assert player.event("finished")["xruns"] >= 0
    assert len(player.rig.sounds()) >= 2


@needs_card
def test_a_card_that_was_away_for_a_while_is_found_again(player):
    player.play("a", time.monotonic() + 1.5, 0.2)
    player.until(lambda: player.event("sink_closed"))
    player.rig.gone.touch()
    start = time.monotonic() + 1.0
    player.play("b", start, 5.0)
    player.until(lambda: player.event("sink_lost", detail="fake: No output device matching 'fake'"))
    player.rig.gone.unlink()
    player.until(lambda: player.event("finished", airing_id="b"))
    assert abs(player.rig.sounds()[-1][1] - (start + 5.0)) < 0.02
    again = time.monotonic() + 1.5
    player.play("c", again, 0.2)
    player.until(lambda: player.event("finished", airing_id="c"))
    assert abs(player.rig.sounds()[-1][0] - again) < 0.02


class Library:
    """PortAudio as it is after an unplug: it never asks again, and hangs on being closed."""

    PortAudioError = RuntimeError

    def __init__(self):
        self.released = threading.Event()
        self.callback: Any = None
        self.listings = 1
        self.opened: list[tuple[str, int]] = []

    def _terminate(self):
        if self.listings == 2:
            raise self.PortAudioError("PortAudio is not initialized")

    def _initialize(self):
        self.listings += 1
        if self.listings == 2:
            raise self.PortAudioError("out of memory")

    def RawOutputStream(self, callback, device, **options):
        self.callback = callback
        self.opened.append((device, self.listings))
        if device == "hangs":
            self.released.wait()
        return SimpleNamespace(
            start=lambda: None,
            abort=lambda ignore_errors: self.released.wait(),
            close=lambda ignore_errors: None,
        )

    def ask(self, frames, dac=1.05, now=1.0, underflow=False):
        out = bytearray(frames * 2)
        moments = SimpleNamespace(outputBufferDacTime=dac, currentTime=now)
        self.callback(out, frames, moments, SimpleNamespace(output_underflow=underflow))
        return bytes(out)


class Bench:
    def __init__(self):
        self.now = 50.0
        self.library = Library()
        self.card = PortAudioCard("usb", 60, self.library, lambda: self.now)


def test_a_device_that_stops_asking_is_gone():
    bench = Bench()
    bench.library.ask(480)
    assert bench.card.room() > 0
    bench.now += 0.6
    with pytest.raises(SinkError, match="stopped asking"):
        bench.card.room()


def test_a_device_that_hangs_on_being_closed_ends_the_process():
    bench = Bench()
    with pytest.raises(SinkError, match="hangs") as caught:
        bench.card.close()
    assert caught.value.fatal
    bench.library.released.set()


def test_devices_are_looked_for_anew_each_time_but_the_first():
    library = Library()
    audio = PortAudio("usb", 60, lambda: library)
    audio()
    with pytest.raises(SinkError, match="finds no devices"):
        audio()
    audio()
    assert library.opened == [("usb", 1), ("usb", 3)]


def test_a_device_that_hangs_on_being_opened_ends_the_process():
    library = Library()
    with pytest.raises(SinkError, match="hangs on being opened") as caught:
        PortAudio("hangs", 60, lambda: library, opens_within_s=0.05)()
    assert caught.value.fatal
    library.released.set()


def test_the_instant_of_the_next_frame_counts_what_is_queued():
    bench = Bench()
    assert bench.card.next_frame_at() is None
    for number in range(10):
        late = 0.0 if number == 4 else 0.003  # the thread was held up, all but once
        bench.now = 50.0 + number * 0.01 + late
        bench.library.ask(480)
    bench.card.write(bytes(960 * 2))
    assert abs(bench.card.next_frame_at() - (50.0 + 0.05 + 0.1 + 0.02)) < 1e-9


def test_what_was_not_asked_for_can_be_taken_back():
    bench = Bench()
    bench.card.write(b"\x01\x00" * 600 + b"\x02\x00" * 600)
    assert bench.card.take_back(600) == 600
    assert bench.library.ask(700) == b"\x01\x00" * 600 + bytes(200)


def test_running_dry_is_an_underrun_and_counted_once():
    bench = Bench()
    for _ in range(3):
        bench.library.ask(480)
    assert bench.card.xruns == 0, "nothing was ever given"
    bench.card.write(bytes(480 * 2))
    for _ in range(3):
        bench.library.ask(480)
    assert bench.card.xruns == 1
