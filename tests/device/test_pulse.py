"""A status when something matters, a beat when nothing does."""

from dataclasses import replace

import pytest

from device.loop import Loop
from device.pulse import Pulse
from protocol.messages import Status


class Mouth:
    def __init__(self):
        self.connected = True
        self.statuses, self.beats = [], []

    def status(self, status):
        if self.connected:
            self.statuses.append(status)
        return self.connected

    def beat(self, beat):
        self.beats.append(beat)
        return self.connected


class Patient:
    """A pulse on a clock the test moves."""

    def __init__(self):
        self.now = 0.0
        self.loop = Loop(lambda: self.now)
        self.mouth = Mouth()
        self.state = Status(holds=("a", "b"))
        self.pulse = Pulse(self.loop, self.mouth, lambda: self.state, lambda: 60.0)

    def pass_time(self, seconds):
        end = self.now + seconds
        while self.now < end:
            self.now = min(self.now + 1.0, end)
            self.loop.turn(0.0)

    def becomes(self, **changes):
        self.state = replace(self.state, **changes)
        self.pulse.changed()
        self.pass_time(1)


@pytest.fixture
def patient():
    patient = Patient()
    patient.pulse.afresh()
    patient.pass_time(1)
    yield patient
    patient.loop.close()


def test_the_first_status_is_whole(patient):
    assert [s.holds for s in patient.mouth.statuses] == [("a", "b")]


def test_a_minute_without_change_is_a_beat(patient):
    patient.pass_time(300)
    assert (len(patient.mouth.statuses), len(patient.mouth.beats)) == (1, 5)


def test_a_change_that_matters_is_told_at_once_and_without_the_clips_known(patient):
    patient.becomes(playing="x")
    said = patient.mouth.statuses[-1]
    assert (said.playing, said.holds, said.holds_same) == ("x", (), True)


def test_what_changes_all_the_time_is_no_change(patient):
    patient.becomes(uptime_s=77, free_bytes=5)
    assert len(patient.mouth.statuses) == 1


def test_new_clips_are_told_whole(patient):
    patient.becomes(holds=("a", "b", "c"))
    said = patient.mouth.statuses[-1]
    assert (said.holds, said.holds_same) == (("a", "b", "c"), False)


def test_it_is_said_whole_every_hour(patient):
    patient.pass_time(3 * 3600 + 120)
    assert [s.holds_same for s in patient.mouth.statuses] == [False] * 4


def test_a_new_listener_is_told_whole(patient):
    patient.pulse.afresh()
    patient.pass_time(1)
    assert [s.holds_same for s in patient.mouth.statuses] == [False, False]


def test_what_could_not_be_said_is_said_when_there_is_a_link(patient):
    patient.mouth.connected = False
    patient.becomes(playing="x")
    patient.mouth.connected = True
    patient.pulse.afresh()
    patient.pass_time(1)
    assert patient.mouth.statuses[-1].playing == "x"
