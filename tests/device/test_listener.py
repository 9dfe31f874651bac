"""Was it heard: the scores on made-up rooms, and the real process on a microphone of bytes."""

import json
import os
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from device.airing import Heard
from device.ears import Ears, Programme, Stream
from device.hearing import RATE, SOUND_RATE, SOUND_WINDOW, judge
from device.identity import Counters
from device.listener import Listener, programme_start
from device.loop import Loop

DELAY_S = 0.1


def voice(seconds, seed):
    """Something like speech: noise in syllables, in 16-bit steps at 48 kHz."""
    chance = np.random.default_rng(seed)
    steps = np.repeat(chance.uniform(0.05, 1.0, int(seconds * 8)), SOUND_RATE // 8)
    noise = chance.normal(size=steps.size)
    soft = np.convolve(noise, np.ones(6) / 6, "same")
    return (soft * steps * 6000).clip(-32768, 32767).astype(np.int16)


def room(sound, noise_ratio, seed=1, delay_s=DELAY_S):
    """What a microphone gets of it: later, with an echo, softer, with noise."""
    chance = np.random.default_rng(seed)
    y = sound[::3].astype(float) * 0.3
    echo = np.zeros(800)
    echo[0], echo[500], echo[799] = 1.0, 0.4, 0.2
    y = np.convolve(y, echo)[: y.size]
    y = np.concatenate([np.zeros(int(delay_s * RATE)), y])[: y.size]
    noise = chance.normal(size=y.size) * np.std(y) * noise_ratio
    return (y + noise).clip(-32768, 32767).astype(np.int16)


def test_its_own_sound_is_found_under_louder_noise_at_its_delay():
    sound = voice(4, 1)
    window = judge(sound, room(sound, 2.0), DELAY_S)
    assert window.heard
    assert window.delay_s == pytest.approx(DELAY_S, abs=0.001)


def test_another_voice_is_not_taken_for_it():
    found = [judge(voice(4, n), room(voice(4, 50 + n), 0.5), DELAY_S).heard for n in range(20)]
    assert found == [False] * 20


def test_the_neighbours_horn_is_not_taken_for_it():
    """The same clip 300 m away arrives 0.9 s later."""
    sound = voice(4, 1)
    assert not judge(sound, room(sound, 0.5, delay_s=0.9), DELAY_S).heard


def test_silence_can_tell_nothing():
    silence = np.zeros(SOUND_WINDOW, np.int16)
    assert not judge(silence, room(voice(4, 1), 1.0), DELAY_S).spoken


def test_the_earliest_arrival_tells_when_the_stream_began():
    stream = Stream()
    for late in (0.05, 0.0, 0.2, 0.01):
        stream.take(np.zeros(320, np.int16), 100.0 + (stream.count + 320) / RATE + late)
    assert stream.began == pytest.approx(100.0)


@pytest.fixture
def clip(tmp_path):
    """20 s of a voice as the clip cache keeps it, and the frames."""
    sound = voice(20, 3)
    path = tmp_path / "clip.pcm"
    path.write_bytes(sound.tobytes())
    return [{"path": str(path), "frames": sound.size, "at": 0, "gain_db": 0.0}], sound


def test_the_delay_is_learned_from_two_windows_that_agree(clip):
    sounds, sound = clip
    ears = Ears(Programme(sounds), 10.0, 30.0, None)
    picked_up = room(sound, 0.2)
    windows = [
        window
        for n in range(0, picked_up.size, 320)
        for window in ears.take(picked_up[n : n + 320], 10.0 + (n + 320) / RATE)
    ]
    assert [window.heard for window in windows] == [True] * 5
    assert ears.delay_s == pytest.approx(DELAY_S, abs=0.001)


def test_a_programme_is_read_where_its_sounds_lie(clip):
    sounds, sound = clip
    later = [{**sounds[0], "at": SOUND_RATE, "frames": SOUND_RATE}]
    window = Programme(later).window(0.5)
    assert not window[: SOUND_RATE // 2].any()
    assert np.array_equal(window[SOUND_RATE // 2 : SOUND_RATE * 3 // 2], sound[:SOUND_RATE])
    assert not window[SOUND_RATE * 3 // 2 :].any()


class Told:
    """A listener whose process tells what the test wrote down."""

    def __init__(self, folder):
        self.loop = Loop()
        self.folder = folder
        self.counters = Counters(folder)
        self.listener = self.with_source("alsa:x", "pass")

    def with_source(self, source, program):
        command = (sys.executable, "-c", program)
        return Listener(self.loop, source, self.counters, command)

    def airing(self, *heard, delay_s=0.1, spoken=True):
        lines = [
            {"heard": h, "spoken": spoken, "delay_s": delay_s, "level_db": -30.0} for h in heard
        ]
        text = "\n".join(json.dumps(line) for line in lines)
        self.listener._command = (sys.executable, "-c", f"print({text!r})")
        self.listener.begin("a1", [], 0.0, 20_000)
        deadline = time.monotonic() + 20
        while self.listener.listening:
            assert time.monotonic() < deadline
            self.loop.turn(0.05)
        return self.listener.heard("a1", played=True)


@pytest.fixture
def told(tmp_path):
    told = Told(tmp_path)
    yield told
    told.listener.stop()
    told.loop.close()


def test_two_of_three_windows_decide(told):
    assert told.airing(True, True, False, True, True) == Heard(20_000, -30.0, 100.0)
    assert told.airing(False, False, True, False, False).heard_ms == 0
    assert told.airing(True, True) == Heard(8_000, -30.0, 100.0)


def test_what_played_and_was_not_heard_is_a_fault_until_something_is(told):
    assert told.airing(False, False, False).heard_ms == 0
    assert told.listener.not_heard
    told.airing(True, True, True)
    assert not told.listener.not_heard


def test_a_programme_of_silence_tells_nothing(told):
    assert told.airing(False, False, spoken=False) is None
    assert not told.listener.not_heard


def test_a_microphone_that_was_moved_is_learned_anew(told):
    told.airing(True, True, True)
    assert told.counters.extra["mic_delay_s"] == 0.1
    for _ in range(3):
        told.airing(False, False, False)
    assert "mic_delay_s" not in told.counters.extra


def test_the_real_process_hears_at_the_pace_of_real_time(tmp_path, clip):
    sounds, sound = clip
    picked_up = room(sound, 0.3)
    pipe = tmp_path / "microphone"
    os.mkfifo(pipe)
    microphone = os.open(pipe, os.O_RDWR)  # open at both ends: it runs before anybody listens
    start = time.monotonic()
    over = threading.Event()

    def speak():
        """Twenty milliseconds at a time, each when it is due."""
        for n in range(0, picked_up.size, 320):
            if over.wait(max(start + (n + 320) / RATE - time.monotonic(), 0)):
                return
            os.write(microphone, picked_up[n : n + 320].tobytes())

    loop = Loop()
    listener = Listener(loop, f"file:{pipe}", Counters(tmp_path))
    feeder = threading.Thread(target=speak)
    feeder.start()
    listener.begin("a1", sounds, start, 11_000)
    while listener.listening:
        assert time.monotonic() < start + 40
        loop.turn(0.05)
    over.set()
    feeder.join()
    os.close(microphone)
    heard = listener.heard("a1", played=True)
    assert heard.heard_ms >= 4000
    assert heard.delay_ms == pytest.approx(1000 * DELAY_S, abs=20)
    loop.close()


def test_without_a_microphone_nothing_is_started(tmp_path, clip):
    listener = Listener(Loop(), "", Counters(tmp_path))
    listener.begin("a1", clip[0], 0.0, 20_000)
    assert listener.heard("a1", played=True) is None


def test_a_microphone_that_fails_is_told_of(tmp_path):
    loop = Loop()
    listener = Listener(loop, f"file:{tmp_path / 'none'}", Counters(tmp_path))
    listener.begin("a1", [], time.monotonic(), 20_000)
    deadline = time.monotonic() + 20
    while not listener.problem:
        assert time.monotonic() < deadline
        loop.turn(0.05)
    assert "No such file" in listener.problem
    while listener.listening:
        loop.turn(0.05)
    assert listener.heard("a1", played=True) is None
    listener.stop()
    loop.close()


def test_a_late_join_listens_for_what_is_left():
    assert programme_start(100.0, 48_000 * 5) == 95.0


def test_the_agent_itself_loads_no_numpy():
    look = "import sys, device.agent, device.listener; print('numpy' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert json.loads(run.stdout.lower()) is False


def test_nothing_of_a_recording_is_in_a_report():
    assert set(Heard.__dataclass_fields__) == {"heard_ms", "level_db", "delay_ms"}
