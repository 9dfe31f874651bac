"""What the mast itself asks for: the stop button and the village's own microphone, no network."""

from datetime import timedelta

import pytest

from device.settings import Settings
from tests.device.fakes import START, FakeClock, World, an_airing, emergency
from tests.device.living import Living

HOUR_S = 3600.0


@pytest.fixture
def living(tmp_path):
    settings = Settings(data_dir=tmp_path / "data", sink="null", button_mute_min=60)
    living = Living(settings, clock=FakeClock())
    yield living
    living.end()


def press(living):
    living.node._heard({"event": "button"})


def muted(living):
    living.node.desk.mind_the_button()
    return "muted_here" in living.node.health.problems()


def test_a_press_mutes_for_its_time_and_no_longer(living):
    press(living)
    assert muted(living)
    living.node.clock.pass_time(59 * 60)
    assert muted(living)
    living.node.clock.pass_time(61)
    assert not muted(living)
    assert living.node.documents.local_mute is None


@pytest.mark.parametrize("jump_s", [-40 * 365 * 86_400.0, -7200.0, 3 * HOUR_S])
def test_a_clock_that_jumps_neither_ends_a_press_nor_makes_it_last(living, jump_s):
    press(living)
    living.node.clock.pass_time(60)
    living.node.clock.unix += jump_s
    assert muted(living)
    living.node.clock.pass_time(HOUR_S - 59)
    assert not muted(living)


def test_a_press_outlives_a_restart(tmp_path):
    settings, clock = Settings(data_dir=tmp_path / "data", sink="null"), FakeClock()
    living = Living(settings, clock=clock)
    press(living)
    living.end()
    again = Living(settings, clock=clock)
    assert muted(again)
    clock.pass_time(HOUR_S + 1)
    assert not muted(again)
    again.end()


def test_inputs_show_as_problems_until_they_are_over(living):
    for name, problem in (("busy", "amplifier_busy"), ("tamper", "tamper")):
        living.node._heard({"event": "input", "name": name, "active": True})
        assert problem in living.node.health.problems()
        living.node._heard({"event": "input", "name": name, "active": False})
        assert problem not in living.node.health.problems()


@pytest.mark.parametrize("reason", ["input", "dead", "stray", "lease", "limit"])
def test_a_fault_of_the_amplifier_shows_until_it_is_over(living, reason):
    living.node._heard({"event": "fault", "reason": reason, "airing_id": ""})
    assert "amplifier_fault" in living.node.health.problems()
    living.node._heard({"event": "fault_over", "reason": reason})
    assert "amplifier_fault" not in living.node.health.problems()


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path)
    yield world
    world.close()


def test_nothing_talks_over_the_villages_microphone(world):
    world.planner.horn_taken = True
    world.plan(an_airing())
    world.run(300)
    assert world.sounded == []
    assert world.outcomes() == {"a1": [("skipped", "amplifier_busy")]}


def test_a_keeper_that_died_has_nothing_to_say_about_the_microphone(world):
    world.planner.heard({"event": "input", "name": "busy", "active": True})
    assert world.planner.horn_taken
    world.planner.heard({"event": "children_lost"})
    assert not world.planner.horn_taken


def test_a_microphone_put_down_in_time_lets_the_rest_be_heard(world):
    world.planner.horn_taken = True
    world.plan(an_airing(length_s=120))
    world.run(90)
    world.planner.horn_taken = False
    world.run(120)
    assert [each for each, _ in world.sounded] == ["a1"]


def test_a_microphone_taken_up_silences_a_programme_and_no_emergency(world):
    world.plan(an_airing(length_s=60), emergency(after_s=200, length_s=30))
    world.run(80)
    world.planner.horn_taken = True
    world.run(200)
    assert world.outcomes() == {
        "a1": [("interrupted", "amplifier_busy")],
        "e1": [("played", "")],
    }


def test_a_fault_in_mid_sound_makes_it_partial(world):
    world.plan(an_airing(length_s=30))
    world.run(70)
    world.stage.heard({"event": "fault", "reason": "input", "airing_id": "a1"})
    world.run(60)
    assert world.outcomes() == {"a1": [("partial", "amplifier_fault")]}
    assert world.clock.now() > START + timedelta(seconds=100)
