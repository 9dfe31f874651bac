"""What is due, and what becomes of what is not: by a clock the test moves."""

from dataclasses import replace
from datetime import timedelta

import pytest

from device.planner import Orders
from device.windows import CLOSED, Hours
from protocol.messages import Window
from protocol.outcomes import AiringClass, Reason
from tests.device.fakes import ALWAYS, START, FakeClock, World, an_airing, emergency


@pytest.fixture
def world(tmp_path):
    world = World(tmp_path)
    yield world
    world.close()


def test_an_airing_sounds_at_its_instant_and_once(world):
    world.plan(an_airing())
    world.run(120)
    assert [each for each, _ in world.sounded] == ["a1"]
    assert abs(world.sounded[0][1] - (START + timedelta(seconds=60)).timestamp()) < 0.3
    assert world.outcomes() == {"a1": [("played", "")]}


def test_started_is_written_before_the_sound(world):
    world.plan(an_airing())
    world.run(59.5)
    assert world.sounded == []
    assert [report.kind for report in world.outbox.owed(9)] == ["started"]


def test_a_step_forward_misses_what_it_jumped_over(world):
    world.plan(an_airing(), an_airing("a2", after_s=4000))
    world.run(10)
    world.clock.unix += 3600
    world.run(600)
    assert [each for each, _ in world.sounded] == ["a2"]
    assert world.outcomes() == {"a1": [("missed", "too_late")], "a2": [("played", "")]}


def test_a_step_back_repeats_nothing(world):
    world.plan(an_airing(), an_airing("a2", after_s=300))
    world.run(90)
    world.clock.unix -= 7200
    world.run(8000, step=1.0)
    assert [each for each, _ in world.sounded] == ["a1", "a2"]


def test_a_step_within_the_lateness_limit_joins_in_place(world):
    world.plan(an_airing(length_s=120))
    world.run(10)
    world.clock.unix += 80
    world.run(200)
    assert [each for each, _ in world.sounded] == ["a1"]


@pytest.mark.parametrize("jump_s", [3600, -7200, -START.timestamp(), 2**30])
def test_a_clock_that_is_wrong_for_half_a_minute_swallows_nothing(world, jump_s):
    others = an_airing("later", after_s=200), an_airing("then", after_s=jump_s + 30)
    world.plan(an_airing(), *others)
    world.run(25)
    world.clock.unix += jump_s
    world.run(30)
    world.clock.unix -= jump_s
    world.run(250)
    sounded = dict(world.sounded)
    assert list(sounded) == ["a1", "later"]
    assert abs(sounded["a1"] - START.timestamp() - 60) < 0.5
    assert world.outcomes()["a1"] == [("played", "")]


def test_an_emergency_does_not_wait_until_the_clock_is_believed_again(world):
    world.run(20)
    world.clock.unix += 3600
    after_s = world.clock.unix - START.timestamp() + 2
    world.plan(emergency("e", after_s=after_s))
    world.run(10)
    assert [each for each, _ in world.sounded] == ["e"]


def test_a_jump_between_release_and_sound_moves_nothing(world):
    world.plan(an_airing())
    world.run(59.2)
    world.clock.unix += 3600
    world.run(30)
    assert [each for each, _ in world.sounded] == ["a1"]
    assert world.outcomes()["a1"] == [("played", "")]


def test_nothing_timed_sounds_on_an_untrusted_clock(world):
    world.clock.believed = False
    world.plan(an_airing())
    world.run(400)
    assert world.sounded == []
    assert world.outcomes() == {}
    world.clock.believed = True
    world.run(5)
    assert world.outcomes() == {"a1": [("missed", "clock_untrusted")]}


def test_trust_that_comes_in_time_is_enough(world):
    world.clock.believed = False
    world.plan(an_airing())
    world.run(30)
    world.clock.believed = True
    world.run(60)
    assert world.outcomes() == {"a1": [("played", "")]}


def test_a_clip_that_never_came_is_the_reason(world):
    airing = an_airing()
    world.clips.missing = {airing.parts[0].sha256}
    world.plan(airing)
    world.run(300)
    assert world.outcomes() == {"a1": [("missed", "clip_missing")]}


def test_a_clip_that_comes_late_is_joined_in_place(world):
    airing = an_airing(length_s=100)
    world.clips.missing = {airing.parts[0].sha256}
    world.plan(airing)
    world.run(70)
    world.clips.missing = set()
    world.run(200)
    assert [each for each, _ in world.sounded] == ["a1"]


def test_a_fallback_stands_in_for_a_missing_version(world):
    airing = an_airing()
    part = airing.parts[0]
    world.clips.missing = {part.sha256}
    fallback = replace(part, fallback_sha256="f" * 64, fallback_bytes=9, fallback_duration_ms=7000)
    world.plan(replace(airing, parts=(fallback,)))
    world.run(120)
    (finished,) = [r for r in world.outbox.owed(9) if r.kind == "finished"]
    assert (finished.outcome, finished.length_ms) == ("played", 7000)


def test_outside_its_hours_nothing_sounds_but_an_emergency(world):
    world.plan(an_airing(), emergency(after_s=120), hours=CLOSED)
    world.run(300)
    assert world.outcomes() == {"a1": [("skipped", "policy")], "e1": [("played", "")]}


def test_a_programme_that_would_run_past_the_window_does_not_begin(world):
    window = Window(START, START + timedelta(seconds=65))
    world.plan(an_airing(length_s=10), hours=Hours(ALWAYS.until, (window,)))
    world.run(200)
    assert world.outcomes() == {"a1": [("skipped", "policy")]}


def test_the_window_says_how_loud(world):
    window = Window(START, START + timedelta(hours=1), volume_pct=50)
    world.plan(an_airing(), hours=Hours(ALWAYS.until, (window,)))
    world.run(120)
    assert {report.volume_pct for report in world.outbox.owed(9)} == {50}


def test_power_lost_in_mid_sound_is_an_interruption_and_no_repeat(world):
    world.plan(an_airing(length_s=60))
    world.run(80)
    world.crash()
    world.boot()
    world.plan(an_airing(length_s=60))
    world.run(300)
    assert len(world.sounded) == 1
    assert world.outcomes() == {"a1": [("interrupted", "powered_off")]}
    (end,) = [r for r in world.outbox.owed(9) if r.kind == "finished"]
    assert end.started_at == START + timedelta(seconds=60)


def test_a_program_that_died_is_told_from_lost_power(world):
    world.plan(an_airing(length_s=60))
    world.run(80)
    world.crash(new_boot=False)
    world.boot()
    assert world.outcomes() == {"a1": [("interrupted", "device_error")]}


def released(world, until_s):
    """An airing of a minute at 60 s, and the world at `until_s`: `started` is written by 59.5."""
    world.plan(an_airing(length_s=60))
    world.run(until_s)
    assert "a1" in world.stage.runs
    return world.stage.runs["a1"]


def test_a_program_that_died_and_is_back_before_the_instant_tells_that_nothing_sounded(world):
    released(world, 58)
    world.crash(new_boot=False)
    world.clock.pass_time(1)
    world.boot()
    assert world.outcomes() == {"a1": [("missed", "device_error")]}
    (end,) = [r for r in world.outbox.owed(9) if r.kind == "finished"]
    assert (end.started_at, end.played_ms) == (None, 0)


def test_a_player_that_died_before_its_first_frame_leaves_a_missed_airing(world):
    released(world, 58)
    world.player.stop()
    world.stage.heard({"event": "children_lost"})
    world.run(200)
    assert world.sounded == []
    assert world.outcomes() == {"a1": [("missed", "device_error")]}
    (end,) = [r for r in world.outbox.owed(9) if r.kind == "finished"]
    assert (end.played_ms, end.detail) == (0, "player or amplifier keeper died")


def test_a_player_that_died_of_a_hanging_device_leaves_the_part_that_sounded(world):
    released(world, 70)
    world.stage.sink_lost("village has stopped asking for sound")
    world.run(3)
    world.player.stop()
    world.stage.heard({"event": "children_lost"})
    assert world.outcomes() == {"a1": [("partial", "device_error")]}
    (end,) = [r for r in world.outbox.owed(9) if r.kind == "finished"]
    assert 9_500 < end.played_ms <= 10_000  # and not the seconds in which the device hung
    assert end.detail.startswith("sound device: village has stopped")


def test_a_player_that_died_of_something_else_after_the_device_came_back_was_interrupted(world):
    released(world, 65)
    world.stage.sink_lost("unplugged")
    world.stage.heard({"event": "sink_open"})
    world.run(10)
    world.player.stop()
    world.stage.heard({"event": "children_lost"})
    assert world.outcomes() == {"a1": [("interrupted", "device_error")]}


def test_a_microphone_taken_up_before_the_first_frame_skips_the_airing(world):
    run = released(world, 58)
    world.stage.halt(run, Reason.AMPLIFIER_BUSY)
    world.run(200)
    assert world.sounded == []
    assert world.outcomes() == {"a1": [("skipped", "amplifier_busy")]}


def test_what_passed_while_it_was_off_is_reported_once(world):
    world.planner.tick()
    world.crash()
    world.clock.pass_time(3600)
    for _ in range(2):
        world.boot()
        world.plan(an_airing())
        world.run(5)
        world.crash()
    world.boot()
    assert world.outcomes() == {"a1": [("missed", "powered_off")]}


def test_a_new_store_refuses_what_began_before_it(world):
    world.plan(an_airing(after_s=-30, length_s=600))
    world.run(60)
    assert world.sounded == []


def test_an_emergency_interrupts_a_programme(world):
    world.plan(an_airing(length_s=100))
    world.run(80)
    world.plan(an_airing(length_s=100), emergency(after_s=81))
    world.run(100)
    assert [each for each, _ in world.sounded] == ["a1", "e1"]
    assert world.outcomes() == {"a1": [("interrupted", "preempted")], "e1": [("played", "")]}


def test_what_an_emergency_kept_from_beginning_is_joined_after_it(world):
    world.plan(an_airing(length_s=60))
    world.run(57)  # released, and silent yet
    world.plan(an_airing(length_s=60), emergency(after_s=58, length_s=10))
    world.run(90)
    assert [each for each, _ in world.sounded] == ["e1", "a1"]
    assert world.outcomes() == {"a1": [("partial", "preempted")], "e1": [("played", "")]}


def test_what_an_emergency_kept_from_beginning_for_too_long_is_missed(world):
    world.plan(an_airing(length_s=60, late_s=5))
    world.run(57)
    world.plan(an_airing(length_s=60, late_s=5), emergency(after_s=58, length_s=20))
    world.run(90)
    assert world.outcomes() == {"a1": [("missed", "preempted")], "e1": [("played", "")]}


def test_of_two_equals_the_second_waits_and_gives_up(world):
    world.plan(an_airing(length_s=400), an_airing("a2", after_s=70))
    world.run(600, step=0.5)
    assert world.outcomes() == {"a1": [("played", "")], "a2": [("missed", "preempted")]}


def priority(airing_id="p1", **options):
    return an_airing(airing_id, class_=AiringClass.PRIORITY, **options)


def finished(world, airing_id):
    (end,) = [r for r in world.outbox.owed(99) if r.kind == "finished" and r.airing_id == airing_id]
    return end


def test_what_is_lower_sounds_on_until_a_second_before(world):
    world.plan(an_airing(length_s=100), priority(after_s=90))
    world.run(88.5)
    assert world.stage.playing == "a1"
    world.run(60)
    assert 28_500 <= finished(world, "a1").played_ms <= 29_500


def test_a_priority_programme_goes_on_in_its_place_after_an_emergency(world):
    world.plan(priority(length_s=100))
    world.run(80)
    world.plan(priority(length_s=100), emergency(after_s=82, length_s=20))
    world.run(120)
    assert [each for each, _ in world.sounded] == ["p1", "e1", "p1"]
    end = finished(world, "p1")
    assert (end.outcome, end.reason) == ("partial", "preempted")
    assert 76_000 < end.played_ms < 79_500  # all but the emergency and what leads up to it
    assert abs((end.ended_at - START).total_seconds() - 160) < 0.3
    assert abs((end.started_at - START).total_seconds() - 60) < 0.3
    begins = [r for r in world.outbox.owed(99) if r.kind == "started" and r.airing_id == "p1"]
    assert len(begins) == 1


def test_a_priority_programme_whose_time_is_over_by_then_stays_interrupted(world):
    world.plan(priority(length_s=40))
    world.run(80)
    world.plan(priority(length_s=40), emergency(after_s=82, length_s=60))
    world.run(120)
    end = finished(world, "p1")
    assert (end.outcome, end.reason) == ("interrupted", "preempted")
    assert 20_000 < end.played_ms < 22_500


def test_a_stop_while_it_gave_way_ends_it_there(world):
    world.plan(priority(length_s=100))
    world.run(80)
    world.plan(priority(length_s=100), emergency(after_s=82, length_s=30))
    world.run(15)
    world.planner.orders = Orders(stopped_at=world.clock.now())
    world.run(60)
    assert world.outcomes()["p1"] == [("stopped", "operator")]
    assert [each for each, _ in world.sounded] == ["p1", "e1"]


def test_power_lost_while_it_gave_way_is_one_interruption(world):
    world.plan(priority(length_s=100))
    world.run(80)
    world.plan(priority(length_s=100), emergency(after_s=82, length_s=30))
    world.run(10)
    world.crash()
    world.boot()
    world.run(60)
    assert world.outcomes()["p1"] == [("interrupted", "powered_off")]


def test_of_two_emergencies_the_one_issued_later_interrupts(world):
    world.plan(emergency(after_s=10, length_s=60))
    world.run(20)
    later = emergency("e2", after_s=21, length_s=10)
    world.plan(emergency(after_s=10, length_s=60), later)
    world.run(60)
    assert [each for each, _ in world.sounded] == ["e1", "e2"]
    assert world.outcomes() == {"e1": [("interrupted", "preempted")], "e2": [("played", "")]}


def test_a_repeat_of_an_earlier_emergency_waits_for_the_later_one_and_is_heard_whole(world):
    first, repeat = emergency(after_s=10, length_s=5), emergency("e1b", after_s=40, length_s=5)
    world.plan(first, repeat)
    world.run(20)
    world.plan(first, repeat, emergency("e2", after_s=30, length_s=30))
    world.run(100)
    assert [each for each, _ in world.sounded] == ["e1", "e2", "e1b"]
    assert world.outcomes() == {each: [("played", "")] for each in ("e1", "e2", "e1b")}


def test_a_repeat_never_interrupts_itself(world):
    first = emergency(after_s=10, length_s=30)
    world.plan(first)
    world.run(15)
    world.plan(first, replace(first, airing_id="e1b", starts_at=START + timedelta(seconds=20)))
    world.run(100)
    assert [each for each, _ in world.sounded] == ["e1", "e1b"]
    assert world.outcomes() == {"e1": [("played", "")], "e1b": [("played", "")]}


def test_a_mute_ends_what_gave_way(world):
    world.plan(priority(length_s=100))
    world.run(80)
    world.plan(priority(length_s=100), emergency(after_s=82, length_s=30))
    world.run(10)
    world.planner.orders = Orders(muted_until=START + timedelta(hours=1))
    world.run(60)
    assert world.outcomes() == {"p1": [("stopped", "muted")], "e1": [("played", "")]}


def test_priority_goes_before_normal(world):
    world.plan(an_airing(length_s=100), an_airing("p1", after_s=90, class_=AiringClass.PRIORITY))
    world.run(300)
    assert world.outcomes()["p1"] == [("played", "")]
    assert world.outcomes()["a1"] == [("interrupted", "preempted")]


def test_a_stop_silences_what_sounds_and_what_was_to_begin(world):
    world.plan(an_airing(length_s=100))
    world.run(80)
    world.planner.orders = Orders(stopped_at=world.clock.now())
    world.run(30)
    assert world.outcomes() == {"a1": [("stopped", "operator")]}


def test_a_mute_skips_all_but_emergencies(world):
    world.planner.orders = Orders(muted_until=START + timedelta(hours=1))
    world.plan(an_airing(), emergency(after_s=100))
    world.run(200)
    assert world.outcomes() == {"a1": [("skipped", "muted")], "e1": [("played", "")]}


def test_a_cancelled_airing_does_not_begin(world):
    world.planner.orders = Orders(cancelled=frozenset({"a1"}))
    world.plan(an_airing())
    world.run(100)
    assert world.outcomes() == {"a1": [("stopped", "withdrawn")]}


def test_a_cancelled_emergency_has_an_outcome_of_its_own_however_late_that_is_learned(world):
    world.planner.orders = Orders(cancelled=frozenset({"e1", "e2"}))
    world.run(800)
    world.plan(emergency(after_s=60), emergency("e2", after_s=900))
    world.run(200)
    cancelled = [("stopped", "cancelled")]
    assert world.outcomes() == {"e1": cancelled, "e2": cancelled}


def test_an_emergency_cancelled_while_it_sounds_falls_silent_as_cancelled(world):
    world.plan(emergency(after_s=10, length_s=60))
    world.run(30)
    world.planner.orders = Orders(cancelled=frozenset({"e1"}))
    world.run(30)
    assert world.outcomes() == {"e1": [("stopped", "cancelled")]}


def test_a_kind_it_does_not_know_is_said_so(world):
    airing = an_airing()
    world.plan(replace(airing, parts=(replace(airing.parts[0], kind="relay"),)))
    world.run(100)
    assert world.outcomes() == {"a1": [("missed", "unknown_kind")]}


def test_stagger_shifts_the_start_and_emergencies_keep_theirs(world):
    world.config = replace(world.config, stagger_slot=2)
    world.plan(an_airing(stagger_step_ms=5000), emergency(after_s=200, stagger_step_ms=5000))
    world.run(300)
    starts = {each: at - START.timestamp() for each, at in world.sounded}
    assert starts["a1"] == pytest.approx(70, abs=0.3)
    assert starts["e1"] == pytest.approx(200, abs=0.3)


def test_thirty_days_without_a_link_play_everything_once(tmp_path):
    world = World(tmp_path, FakeClock())
    days = [an_airing(f"d{day}", at=START + timedelta(days=day, minutes=1)) for day in range(30)]
    world.plan(*days)
    for day in days:
        ahead = (day.starts_at - world.clock.now()).total_seconds()
        world.clock.pass_time(ahead - 30)
        world.run(60, step=0.5)
    assert [each for each, _ in world.sounded] == [day.airing_id for day in days]
    assert set(map(tuple, world.outcomes().values())) == {(("played", ""),)}
    world.close()


def test_a_long_airing_leaves_checkpoints_for_a_power_cut(world):
    airing = an_airing(length_s=600)
    world.plan(airing)
    world.run(60 + 200)
    world.crash()
    world.boot()
    (end,) = [r for r in world.outbox.owed(99) if r.kind == "finished"]
    assert (end.outcome, end.reason) == ("interrupted", "powered_off")
    assert 175_000 <= end.played_ms <= 185_000


def test_an_emergency_that_comes_late_is_heard_from_its_first_word(world):
    world.run(60)
    world.plan(emergency(after_s=58, length_s=30))
    world.run(60)
    (end,) = [r for r in world.outbox.owed(99) if r.kind == "finished"]
    assert (end.outcome, end.reason) == ("played", "")
    assert 2000 < end.start_error_ms < 3500
    assert abs((end.ended_at - end.started_at).total_seconds() - 30) < 0.5


def test_a_new_volume_of_the_node_is_followed_within_the_window(world):
    window = Window(START, START + timedelta(hours=1), volume_pct=50)
    world.plan(an_airing(length_s=60), hours=Hours(ALWAYS.until, (window,)))
    world.run(80)
    world.stage.follow_volume(60)
    world.run(60)
    (end,) = [r for r in world.outbox.owed(99) if r.kind == "finished"]
    assert (end.outcome, end.volume_pct) == ("played", 30)


@pytest.mark.parametrize("jump_s", [3600, -3600, -7200, -START.timestamp(), 2**31])
def test_on_the_controllers_time_a_jump_of_the_system_neither_repeats_nor_swallows(
    tmp_path, jump_s
):
    clock = FakeClock()
    clock.believed = False
    clock.take_beacon(START.timestamp(), 0.0)
    world = World(tmp_path, clock)
    airings = [an_airing(f"a{n}", after_s=60.0 * n) for n in range(1, 5)]
    world.plan(*airings)
    world.run(90)
    clock.unix += jump_s
    world.run(200)
    assert [each for each, _ in world.sounded] == ["a1", "a2", "a3", "a4"]
    assert set(map(tuple, world.outcomes().values())) == {(("played", ""),)}
    readings = {(r.clock.source, r.clock.trusted) for r in world.outbox.owed(99)}
    assert readings == {("beacon", True)}
    world.close()


def test_what_is_withheld_here_is_skipped_by_the_rule_at_its_time(world):
    world.plan(replace(an_airing(), parts=(), withheld="max_sessions_per_day"))
    world.run(59)
    assert world.outcomes() == {}
    world.run(5)
    assert world.sounded == []
    assert world.outcomes() == {"a1": [("skipped", "policy")]}


def test_what_waited_for_a_higher_class_says_why_only_its_rest_was_heard(world):
    world.plan(priority(after_s=30, length_s=40), an_airing(after_s=40, length_s=60))
    world.run(150)
    assert world.outcomes() == {"p1": [("played", "")], "a1": [("partial", "preempted")]}


def test_while_ntp_and_the_controller_differ_only_an_emergency_sounds(world):
    world.clock.take_beacon(world.clock.unix, 0.1)
    world.clock.unix += 3600.0
    world.plan(an_airing("hour", after_s=3660.0), an_airing("due", after_s=60.0, length_s=100.0))
    world.run(80.0)
    assert world.sounded == []
    world.plan(
        an_airing("hour", after_s=3660.0),
        an_airing("due", after_s=60.0, length_s=100.0),
        emergency("e1", after_s=90.0),
    )
    world.run(25.0)
    assert [airing_id for airing_id, _ in world.sounded] == ["e1"]
    world.clock.unix -= 3600.0
    world.run(30.0)
    assert [airing_id for airing_id, _ in world.sounded] == ["e1", "due"]
    world.run(60.0)
    assert world.outcomes()["e1"] == [("played", "")]
