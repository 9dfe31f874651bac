"""A node whose clock is set while it runs, with its real player: +1 h, −2 h, 1970, 2040, a zone
without daylight saving: no airing sounds twice or outside its time, none is lost, nothing spins.

The kernel's clock stays; the node's own C library tells it another time (see libc_shim.c).
"""

import json
import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from protocol.outcomes import AiringClass, Origin
from tests.device.conftest import make_clip
from tests.device.test_story import AREA, airing_of, bound, device_of, in_s

CLIP_S = 0.6
LATE_S = 5
HOUR_S = 3600.0
TICKS = os.sysconf("SC_CLK_TCK")


def cpu_s(pid):
    """Seconds of processor time that a process has used."""
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / TICKS


def processes(player):
    return [player.process.pid, *player.children().values()]


def seconds_to(year):
    """From now to that year's first day, as a shift of the clock."""
    return (datetime(year, 1, 1, tzinfo=UTC) - datetime.now(UTC)).total_seconds()


JUMPS = {
    "an hour ahead": lambda: HOUR_S,
    "two hours back": lambda: -2 * HOUR_S,
    "1970": lambda: seconds_to(1970),
    "2040": lambda: seconds_to(2040),
}


def sounded(player):
    """airing → (true Unix time at which its sound began, whether more than once)."""
    found = {}
    for path in (player.evidence / "sound").glob("*.json"):
        note = json.loads(path.read_text())
        length_s = note["frames"] / 48_000
        found[note["airing_id"]] = (path.stat().st_mtime - length_s, "stretches" in note)
    return found


def live_through(controller, node, shim, jumps, every_s, zone, for_s=4.0):
    """Airings all the while, and after each jump the right time again; (node, planned, shifts)."""
    controller.config = bound
    shim.set(synchronised=1)
    player = node(environment={**shim.environment, "TZ": zone}, clock="system")
    device_id = device_of(controller)
    content, frames = make_clip(CLIP_S)
    sha256 = controller.seed(content)
    span_s = 2 * for_s * len(jumps) + 6
    starts = {f"c{n:02d}": in_s(8 + every_s * n) for n in range(int(span_s / every_s))}
    # What an hour ahead would be due, and what two hours back would be due again.
    starts |= {f"hour{n}": in_s(HOUR_S + 10 + 3 * n) for n in range(4)}
    starts |= {f"past{n}": in_s(-2 * HOUR_S + 18 + 3 * n) for n in range(4)}
    planned = [airing_of(content, frames, at, one, late_s=LATE_S) for one, at in starts.items()]
    controller.schedule(AREA, planned)
    controller.wait(lambda: sha256 in controller.status(device_id).holds)
    shifts, used_s = [(0.0, 0.0)], []
    for jump in jumps:
        for shift_s in (JUMPS[jump](), 0.0):
            before = sum(map(cpu_s, processes(player)))
            began = time.monotonic()
            shim.shift_clock(shift_s)
            shifts.append((time.time(), shift_s))
            controller.wait(lambda until=began + for_s: time.monotonic() > until)
            after = sum(map(cpu_s, processes(player)))
            used_s.append((after - before) / (time.monotonic() - began))
    last = max(at for one, at in starts.items() if one[0] == "c").timestamp()
    mine = {one for one in starts if one[0] == "c"}
    left_s = max(last + LATE_S - time.time(), 0.0)
    controller.wait(lambda: time.time() > last + LATE_S, left_s + 5)
    controller.wait(lambda: mine <= controller.outcomes(device_id).keys(), 45)
    return player, device_id, starts, shifts, used_s


def check(controller, player, device_id, starts, shifts, used_s):
    ends = [r.airing_id for r in controller.all_reports(device_id) if r.kind == "finished"]
    assert len(ends) == len(set(ends)), "two outcomes of one airing"
    outcomes = {one: report.outcome for one, report in controller.outcomes(device_id).items()}
    heard = sounded(player)
    for airing_id, (began, twice) in heard.items():
        assert not twice, f"{airing_id} sounded twice"
        # By the clock that the node had then, or had while the airing was released to the player.
        shown = _shown(shifts, began)
        late = [began + shift - starts[airing_id].timestamp() for shift in shown]
        assert any(-0.2 <= each <= LATE_S + 0.5 for each in late), (airing_id, late)
    assert {one for one, outcome in outcomes.items() if outcome == "played"} <= heard.keys()
    assert max(used_s) < 0.5, "it spins"
    assert heard.keys() & {f"c{n:02d}" for n in range(99)}
    return outcomes


def _shown(shifts, moment):
    """By how much the clock was off at a moment, and in the seconds before."""
    before = [shift for at, shift in shifts if at <= moment - 12][-1]
    return {before} | {shift for at, shift in shifts if moment - 12 <= at <= moment}


def test_an_hour_ahead_and_two_back_repeat_and_swallow_nothing(controller, node, shim):
    jumps = ["an hour ahead", "two hours back"]
    lived = live_through(controller, node, shim, jumps, 3.0, "Asia/Ho_Chi_Minh", for_s=1.5)
    check(controller, *lived)


@pytest.mark.faults
@pytest.mark.timeout(400)
@pytest.mark.parametrize("zone", ["Asia/Ho_Chi_Minh", "America/New_York", "Pacific/Apia"])
def test_a_clock_that_jumps_everywhere_repeats_and_swallows_nothing(controller, node, shim, zone):
    lived = live_through(controller, node, shim, [*JUMPS, *JUMPS], 2.0, zone)
    check(controller, *lived)


@pytest.mark.faults
@pytest.mark.parametrize("year", [1970, 2040])
def test_a_node_without_the_time_is_told_it_and_plays(controller, node, shim, year):
    """No NTP, no RTC: until the controller's beacon nothing timed sounds, then all is on time."""
    controller.config = bound
    shim.shift_clock(seconds_to(year))
    player = node(environment=shim.environment, clock="system")
    device_id = device_of(controller)
    content, frames = make_clip(CLIP_S)
    sha256 = controller.seed(content)
    starts_at = in_s(9)
    controller.schedule(AREA, [airing_of(content, frames, starts_at)])
    controller.wait(lambda: sha256 in controller.status(device_id).holds)
    shim.shift_clock(seconds_to(1980))  # whoever sets the system's clock now moves nothing
    report = controller.wait(lambda: controller.outcomes(device_id).get("a1"), 30)
    assert (report.outcome, report.clock.source) == ("played", "beacon")
    began, twice = sounded(player)["a1"]
    assert not twice
    assert abs(began - starts_at.timestamp()) < 0.5


def contradicted(controller, node, shim, stays_s):
    """NTP goes an hour ahead and stays there: the hour's airing is silent, an emergency sounds."""
    controller.config = bound
    shim.set(synchronised=1)
    player = node(environment=shim.environment, clock="system")
    device_id = device_of(controller)
    content, frames = make_clip(CLIP_S)
    sha256 = controller.seed(content)
    due, hour = in_s(stays_s + 20), in_s(HOUR_S + 12)
    planned = [airing_of(content, frames, due, "due"), airing_of(content, frames, hour, "hour")]
    controller.schedule(AREA, planned)
    controller.wait(lambda: sha256 in controller.status(device_id).holds)
    controller.wait(lambda: controller.status(device_id).clock.source == "ntp")
    shim.shift_clock(HOUR_S)
    began = time.monotonic()
    controller.wait(lambda: "clock_untrusted" in controller.status(device_id).problems)
    assert "+3600 s" in controller.status(device_id).details["clock_untrusted"]
    urgent = {"class_": AiringClass.EMERGENCY, "origin": Origin.EMERGENCY}
    controller.area_state(AREA, airings=(airing_of(content, frames, in_s(0.8), "e1", **urgent),))
    report = controller.wait(lambda: controller.outcomes(device_id).get("e1"))
    assert (report.outcome, report.clock.trusted) == ("played", False)
    assert abs(report.started_at - report.planned_at) < timedelta(seconds=1)
    controller.wait(lambda: time.monotonic() > began + stays_s, stays_s + 5)
    shim.shift_clock(0.0)
    report = controller.wait(lambda: controller.outcomes(device_id).get("due"), 40)
    assert (report.outcome, report.clock.trusted) == ("played", True)
    assert sounded(player).keys() == {"e1", "due"}


def test_an_ntp_time_the_controller_contradicts_sounds_nothing_but_an_emergency(
    controller, node, shim
):
    contradicted(controller, node, shim, 5.0)


@pytest.mark.faults
def test_a_wrong_ntp_time_that_lasts_is_never_believed(controller, node, shim):
    contradicted(controller, node, shim, 80.0)
