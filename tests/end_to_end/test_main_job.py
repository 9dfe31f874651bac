"""The main job, in the words of whoever ordered it, with every part the real part.

An official uploads a recording, approves it, picks the villages and a time; three nodes play it at
that time through a switched amplifier and report back; planned stands beside played. Then the same
with the broker dead, with the controller dead, with a node killed in the middle, and with one that
is not there at all.
"""

import contextlib
import os
from datetime import UTC, datetime

import pytest

from tests.end_to_end.commune import Commune, evidence, pin_is_low
from tests.end_to_end.recording import make_recording
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

SECONDS = 6


@pytest.fixture(scope="module")
def commune(tmp_path_factory):
    folder = tmp_path_factory.mktemp("commune")
    with Commune.running(folder, LOALANG_MISSED_GRACE_S="3") as commune:
        yield commune


@pytest.fixture(scope="module")
def clip(commune, tmp_path_factory):
    """A recording made on the spot, uploaded and approved."""
    path = make_recording(tmp_path_factory.mktemp("rec") / "thu.wav", SECONDS, seed=None)
    clip = commune.upload(path)
    assert clip["status"] == "pending"
    commune.approve("clips", clip["id"])
    return clip


def seconds_until(moment):
    return (moment - datetime.now(UTC)).total_seconds()


def wait_for_end(starts_at, extra_s=0.0):
    left = seconds_until(starts_at) + SECONDS + extra_s
    wait_until(lambda: seconds_until(starts_at) + SECONDS + extra_s <= 0, left + 10, 0.1)


def all_played(commune, airing_id):
    return commune.outcomes(airing_id) == {node["code"]: "played" for node in commune.nodes}


def judge(commune, airing_id, starts_at, library):
    """The sound, the amplifier and the start of every node, as promised."""
    for node in commune.nodes:
        seen = evidence(node, airing_id)
        assert seen.likeness(library) > 0.9
        assert seen.sound["first_frame_at"] - seen.on_at >= 0.3
        assert 0 <= seen.off_at - seen.ends_at <= 5
        assert abs(seen.sound["first_frame_at"] - starts_at.timestamp()) <= 0.020
        assert seen.sound["xruns"] == 0


def test_three_nodes_play_an_unseen_recording_on_time_and_report(commune, clip, tmp_path):
    airing_id, starts_at = commune.schedule(clip, 20)
    wait_until(lambda: commune.ready(airing_id), 20, 0.2, what="every node to hold the clip")
    assert seconds_until(starts_at) > 1
    wait_for_end(starts_at)
    wait_until(lambda: all_played(commune, airing_id), 5, 0.1, what="three played rows")
    rows = commune.playbacks(airing_id)
    assert len(rows) == 3
    assert all(abs(row["start_error_ms"]) <= 20 for row in rows)
    judge(commune, airing_id, starts_at, commune.library_sound(clip, tmp_path))


def test_a_broker_killed_before_air_time_delays_only_the_rows(commune, clip, tmp_path):
    airing_id, starts_at = commune.schedule(clip, 12)
    wait_until(lambda: commune.ready(airing_id), 10, 0.2, what="every node to hold the clip")
    killed = commune.kill("broker")
    commune.wait_restarted("broker", killed)
    wait_for_end(starts_at)
    wait_until(lambda: all_played(commune, airing_id), 45, 0.2, what="three played rows")
    judge(commune, airing_id, starts_at, commune.library_sound(clip, tmp_path))


def test_a_controller_killed_before_air_time_delays_only_the_rows(commune, clip, tmp_path):
    airing_id, starts_at = commune.schedule(clip, 12)
    wait_until(lambda: commune.ready(airing_id), 10, 0.2, what="every node to hold the clip")
    killed = commune.kill("controller")
    commune.wait_restarted("controller", killed)
    wait_for_end(starts_at)
    wait_until(lambda: _reachable(commune), 30, 0.2, what="the pages")
    wait_until(lambda: all_played(commune, airing_id), 45, 0.2, what="three played rows")
    judge(commune, airing_id, starts_at, commune.library_sound(clip, tmp_path))


def test_a_node_killed_while_it_plays_falls_silent_and_says_interrupted(commune, clip):
    airing_id, starts_at = commune.schedule(clip, 10)
    victim = commune.nodes[0]
    wait_until(lambda: commune.ready(airing_id), 9, 0.2, what="every node to hold the clip")
    wait_until(lambda: seconds_until(starts_at) < -2, 20, 0.1)
    assert not pin_is_low(victim)
    commune.kill(victim["code"])
    wait_until(lambda: pin_is_low(victim), 3, what="the amplifier to be off")
    wait_for_end(starts_at)
    expected = {node["code"]: "played" for node in commune.nodes} | {victim["code"]: "interrupted"}
    wait_until(lambda: commune.outcomes(airing_id) == expected, 30, 0.2, what=str(expected))


def test_a_node_that_is_not_there_gets_a_missed_row_with_its_reason(commune, clip):
    silent = commune.nodes[-1]
    commune.pause(silent["code"])
    try:
        airing_id, starts_at = commune.schedule(clip, 6, late_s=5)
        wait_for_end(starts_at, 5 + 3)
        wait_until(lambda: silent["code"] in commune.outcomes(airing_id), 20, 0.2)
        (row,) = [r for r in commune.playbacks(airing_id) if r["node_id"] == silent["id"]]
        assert (row["outcome"], row["reason"]) == ("missed", "offline_unknown")
    finally:
        commune.resume(silent["code"])


def test_a_drill_sounds_at_once_everywhere_and_a_stop_silences_it(commune, clip):
    area = commune.commune_area()
    began = datetime.now(UTC)
    asked = {"clip_id": clip["id"], "area_ids": [area], "drill": True}
    commune.post("/emergencies", asked)
    wait_until(lambda: not any(map(pin_is_low, commune.nodes)), 10, what="every amplifier")
    status, answer = commune.call("POST", "/stop", {"area_ids": [area]})
    assert status < 300, answer
    wait_until(lambda: all(map(pin_is_low, commune.nodes)), 3, what="silence")
    since = began.strftime("%Y-%m-%dT%H:%M:%SZ")

    def stopped():
        rows = commune.get(f"/playbacks?from={since}&outcome=stopped")["items"]
        return {row["node_id"] for row in rows} == {node["id"] for node in commune.nodes}

    wait_until(stopped, 10, 0.2, what="three stopped rows")


def ordered(commune, node, verb, **args):
    """An order to a node, once it has been answered."""
    made = commune.post(f"/nodes/{node['id']}/orders", {"verb": verb, **args})
    path = f"/nodes/{node['id']}/orders/{made['id']}"
    wait_until(lambda: commune.get(path)["state"] != "waiting", 20, 0.2, what=f"{verb} answered")
    return commune.get(path)


def test_a_technician_orders_from_afar_and_is_answered(commune):
    node = commune.nodes[1]
    assert ordered(commune, node, "self_test")["state"] == "done"
    assert "device" in ordered(commune, node, "log_tail", lines=200)["detail"]
    assert ordered(commune, node, "volume", pct=60)["state"] == "done"
    assert ordered(commune, node, "resync")["state"] == "done"
    played = ordered(commune, node, "play")
    (row,) = wait_until(lambda: commune.playbacks(played["airing_id"]), 70, 0.3, what="a test")
    assert row["node_id"] == node["id"]
    status = commune.get(f"/nodes/{node['id']}")["status"]
    assert status["board"]["boot_s"] > 0
    assert ordered(commune, node, "restart")["state"] == "done"
    wait_until(
        lambda: commune.get(f"/nodes/{node['id']}")["status"]["uptime_s"] < status["uptime_s"],
        30,
        0.3,
        what="a node that began anew",
    )


def test_ctrl_c_stops_everything_within_ten_seconds(tmp_path):
    with Commune.running(tmp_path, nodes=1) as commune:
        pids = commune.told["pids"]
        status, took_s = commune.stop()
        assert (status, took_s < 10) == (0, True)
        assert not [name for name, pid in pids.items() if _alive(pid)]


def test_a_second_run_keeps_users_token_and_nodes(tmp_path):
    with Commune.running(tmp_path, nodes=1) as commune:
        first = commune.told
        logins = (tmp_path / "commune" / "logins.txt").read_text(encoding="utf-8").splitlines()[1:]
    with Commune.running(tmp_path, nodes=1) as commune:
        assert (commune.told["token"], commune.told["nodes"]) == (first["token"], first["nodes"])
        again = (tmp_path / "commune" / "logins.txt").read_text(encoding="utf-8").splitlines()[1:]
        assert again == logins


def _reachable(commune):
    with contextlib.suppress(OSError):
        commune.get("/areas")
        return True
    return False


def _alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
