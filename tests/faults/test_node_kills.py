"""kill -9 and a player that hangs: one outcome each, one sound at most, no stray horn."""

import contextlib
import json
import os
import random
import signal
import threading
from datetime import UTC, datetime, timedelta

import pytest

from device.keeper import LEASE_S
from tests.device.conftest import make_clip
from tests.device.test_story import AREA, airing_of, bound, device_of, in_s, running

CLIP_S = 0.6
EVERY_S = 2.5
SETTLE_S = 0.5


def dense_schedule(controller, count, first_s=6.0):
    """A short airing every few seconds; their ids and starts."""
    content, frames = make_clip(CLIP_S)
    controller.seed(content)
    begin = datetime.now(UTC) + timedelta(seconds=first_s)
    airings = [
        airing_of(content, frames, begin + timedelta(seconds=EVERY_S * number), f"k{number:03d}")
        for number in range(count)
    ]
    controller.schedule(AREA, airings)
    return {airing.airing_id: airing.starts_at.timestamp() for airing in airings}


def kill_now_and_then(player, kills, chance, stop):
    """Kill agent, player or keeper at random instants; what was killed."""
    done = []
    while len(done) < kills and not stop.wait(chance.uniform(0.3, 2.0)):
        victim = chance.choice(["agent", "player.process", "amplifier"])
        if victim == "agent":
            player.kill_as_unit()
            player.start()
        else:
            with contextlib.suppress(KeyError, ProcessLookupError, FileNotFoundError):
                os.kill(player.children()[victim], signal.SIGKILL)
        done.append(victim)
    return done


def check_invariants(controller, player, device_id, starts):
    reports = controller.all_reports(device_id)
    for airing_id in starts:
        mine = [report for report in reports if report.airing_id == airing_id]
        ends = [report for report in mine if report.kind == "finished"]
        assert len(ends) == 1, f"{airing_id} has {len(ends)} outcomes"
        begins = [report for report in mine if report.kind == "started"]
        assert len(begins) <= 1, f"{airing_id} was begun {len(begins)} times"
    for on, off in horn_times(player):
        began = starts[on["airing_id"]]
        assert on["at"] >= began - SETTLE_S - 0.2
        assert off["at"] <= began + CLIP_S + 6.0, "the amplifier stayed on"
    check_what_sounded(player, starts)


def check_what_sounded(player, starts):
    """By the sound itself: planned, once, in its place, and with the amplifier settled."""
    horn = horn_times(player)
    for path in (player.evidence / "sound").glob("*.json"):
        note = json.loads(path.read_text())
        began, first = starts[note["airing_id"]], note["first_frame_at"]
        assert "stretches" not in note, f"{note['airing_id']} sounded twice"
        assert began - 0.05 <= first
        assert first + note["frames"] / 48_000 <= began + CLIP_S + 0.1
        assert any(on["at"] + SETTLE_S - 0.1 <= first for on, _ in horn if on["at"] <= first)


def horn_times(player):
    """The amplifier's (on, off) lines; they must alternate and end off."""
    lines = player.pin()
    assert [line["on"] for line in lines] == [True, False] * (len(lines) // 2)
    return list(zip(lines[::2], lines[1::2], strict=True))


def run_kills(controller, node, *, kills, seed):
    controller.config = bound
    player = node()
    device_id = device_of(controller)
    airings = int(kills * 1.4 / EVERY_S) + 2
    starts = dense_schedule(controller, airings)
    content = next(iter(controller.blobs))
    controller.wait(lambda: content in controller.status(device_id).holds)
    done = kill_now_and_then(player, kills, random.Random(seed), threading.Event())
    assert len(done) == kills
    left = max(starts.values()) - datetime.now(UTC).timestamp()
    controller.wait(lambda: set(controller.outcomes(device_id)) >= set(starts), max(left, 0) + 45)
    check_invariants(controller, player, device_id, starts)
    return [report.outcome for report in controller.outcomes(device_id).values()]


def test_a_few_kills_cost_no_report_and_no_stray_sound(controller, node):
    outcomes = run_kills(controller, node, kills=8, seed=1)
    assert "played" in outcomes or "interrupted" in outcomes


@pytest.mark.faults
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", [11, 12, 13])
def test_two_hundred_kills_cost_no_report_and_no_stray_sound(controller, node, seed):
    run_kills(controller, node, kills=70, seed=seed)


def test_agent_and_keeper_killed_together_leave_the_pin_to_the_units_last_step(controller, node):
    """Nothing of ours is left to drive the pin, and the node is long in coming back."""
    controller.config = bound
    player = node()
    device_id = device_of(controller)
    running(controller, player, device_id)
    os.kill(player.children()["amplifier"], signal.SIGKILL)
    killed_at = datetime.now(UTC).timestamp()
    player.kill_as_unit()
    off = player.pin()[-1]
    assert (off["on"], off["by"]) == (False, "unit")
    assert off["at"] - killed_at < 2.0
    player.start()
    controller.wait(lambda: controller.outcomes(device_id).get("a1"), 20)
    assert len(player.pin()) == 2


def test_a_player_that_hangs_loses_the_amplifier_and_is_replaced(controller, node):
    controller.config = bound
    player = node()
    device_id = device_of(controller)
    running(controller, player, device_id)
    os.kill(player.children()["player.process"], signal.SIGSTOP)
    hung_at = datetime.now(UTC).timestamp()
    controller.wait(lambda: not player.pin()[-1]["on"], 3)
    assert player.pin()[-1]["at"] - hung_at < 1.5
    report = controller.wait(lambda: controller.outcomes(device_id).get("a1"), 20)
    assert (report.outcome, report.reason) == ("interrupted", "device_error")
    short, frames = make_clip(0.5)
    controller.seed(short)
    controller.schedule(AREA, [airing_of(short, frames, in_s(4), "a2")])
    report = controller.wait(lambda: controller.outcomes(device_id).get("a2"))
    assert (report.outcome, report.reason, report.detail) == ("played", "", "")


def test_a_keeper_that_hangs_is_replaced_and_the_pin_is_low(controller, node):
    controller.config = bound
    player = node()
    device_id = device_of(controller)
    running(controller, player, device_id, length_s=40.0)
    hung = player.children()["amplifier"]
    os.kill(hung, signal.SIGSTOP)
    controller.wait(lambda: player.children().get("amplifier", hung) != hung, 20)
    controller.wait(lambda: not player.pin()[-1]["on"], 5)
    report = controller.wait(lambda: controller.outcomes(device_id).get("a1"), 10)
    assert (report.outcome, report.reason) == ("interrupted", "device_error")


def test_an_agent_that_hangs_cannot_keep_the_amplifier_on(controller, node):
    controller.config = bound
    player = node(max_on_s=4)
    device_id = device_of(controller)
    running(controller, player, device_id, length_s=16.0)
    player.process.send_signal(signal.SIGSTOP)
    controller.wait(lambda: not player.pin()[-1]["on"], 10)
    on, off = horn_times(player)[-1]
    assert off["at"] - on["at"] < 4 + LEASE_S
    player.process.send_signal(signal.SIGCONT)
    report = controller.wait(lambda: controller.outcomes(device_id).get("a1"), 90)
    assert (report.outcome, report.reason) == ("partial", "amplifier_fault")


def test_agent_and_player_that_hang_together_have_one_lease(controller, node):
    controller.config = bound
    player = node()
    device_id = device_of(controller)
    running(controller, player, device_id, length_s=30.0)
    orphan = player.children()["player.process"]
    for pid in (player.process.pid, orphan):
        os.kill(pid, signal.SIGSTOP)
    hung_at = datetime.now(UTC).timestamp()
    controller.wait(lambda: not player.pin()[-1]["on"], 5)
    assert player.pin()[-1]["at"] - hung_at < LEASE_S + 0.5
    player.kill()
    os.kill(orphan, signal.SIGCONT)
    player.start()
    report = controller.wait(lambda: controller.outcomes(device_id).get("a1"), 20)
    assert (report.outcome, report.reason) == ("interrupted", "device_error")
