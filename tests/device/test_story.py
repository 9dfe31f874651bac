"""The node's story on a real broker: claimed, told, fed, on time, heard of."""

import hashlib
import os
import signal
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy
import pytest

from protocol.messages import Airing, NodeConfig, Part
from protocol.outcomes import AiringClass, Origin
from tests.device.conftest import make_clip

AREA = "village"


def bound(device_id):
    return NodeConfig(
        node_id="n1", node_code="N1", name="Bản Mới", area_path=("commune", AREA), settle_ms=500
    )


def airing_of(content, frames, starts_at, airing_id="a1", **more):
    part = Part(
        sha256=hashlib.sha256(content).hexdigest(),
        bytes=len(content),
        duration_ms=len(frames) * 1000 // 48_000,
        language="vi",
    )
    return Airing(airing_id=airing_id, starts_at=starts_at, parts=(part,), **more)


def in_s(seconds):
    return datetime.now(UTC) + timedelta(seconds=seconds)


def test_a_new_device_is_claimed_fetches_plays_on_time_and_reports(controller, node):
    controller.config = bound
    content, frames = make_clip(2.0)
    controller.seed(content)
    player = node()
    device_id = controller.wait(lambda: next(iter(controller.presences), None))
    starts_at = in_s(6)
    controller.schedule(AREA, [airing_of(content, frames, starts_at)])
    report = controller.wait(lambda: controller.outcomes(device_id).get("a1"), 25)

    assert (report.outcome, report.reason) == ("played", "")
    assert controller.status(device_id).problems == ()
    assert abs(report.start_error_ms) < 1
    heard, note = player.sound("a1")
    assert numpy.array_equal(heard, frames)
    assert abs(note["first_frame_at"] - starts_at.timestamp()) < 0.02
    assert note["xruns"] == 0
    on, off = player.pin()
    assert on["on"] and not off["on"] and on["airing_id"] == off["airing_id"] == "a1"
    assert on["at"] <= note["first_frame_at"] - 0.3
    assert off["at"] - (note["first_frame_at"] + note["frames"] / 48_000) <= 5
    kinds = [each.kind for each in controller.all_reports(device_id)]
    assert kinds == ["started", "finished"]
    assert player.stop() == 0


def test_it_plays_without_a_broker_and_reports_later(controller, node, broker):
    controller.config = bound
    content, frames = make_clip(1.0)
    controller.seed(content)
    player = node()
    device_id = controller.wait(lambda: next(iter(controller.presences), None))
    starts_at = in_s(5)
    controller.schedule(AREA, [airing_of(content, frames, starts_at)])
    sha256 = next(iter(controller.blobs))
    controller.wait(lambda: sha256 in controller.status(device_id).holds)
    broker.kill()
    path = player.evidence / "sound" / "a1.json"
    controller.wait(path.exists, 15)
    broker.start()
    report = controller.wait(lambda: controller.outcomes(device_id).get("a1"), 15)
    assert report.outcome == "played"


def running(controller, player, device_id, length_s=20.0, ahead_s=4.0, **more):
    """An airing that sounds now; its WAV is under way."""
    content, frames = make_clip(length_s)
    controller.seed(content)
    airing = airing_of(content, frames, in_s(ahead_s), **more)
    controller.schedule(AREA, [airing])
    controller.wait(lambda: controller.status(device_id).playing == airing.airing_id, 20)
    part = player.evidence / "sound" / f"{airing.airing_id}.wav.part"
    controller.wait(lambda: part.exists() and part.stat().st_size > 100_000, 20)
    return airing, content, frames


def device_of(controller):
    return controller.wait(lambda: next(iter(controller.presences), None))


def test_an_agent_that_stalls_before_air_time_changes_nothing(controller, node):
    controller.config = bound
    player = node()
    device_id = device_of(controller)
    content, frames = make_clip(1.0)
    controller.seed(content)
    starts_at = in_s(6)
    controller.schedule(AREA, [airing_of(content, frames, starts_at)])
    controller.wait(lambda: controller.status(device_id).playing == "a1")
    controller.wait(lambda: datetime.now(UTC) > starts_at - timedelta(seconds=2.3))
    player.process.send_signal(signal.SIGSTOP)
    controller.wait(lambda: datetime.now(UTC) > starts_at + timedelta(seconds=0.2))
    player.process.send_signal(signal.SIGCONT)
    report = controller.wait(lambda: controller.outcomes(device_id).get("a1"))
    assert (report.outcome, report.reason) == ("played", "")
    assert abs(report.start_error_ms) < 1
    assert numpy.array_equal(player.sound("a1")[0], frames)


def test_a_stop_silences_at_once_with_a_fade(controller, node):
    controller.config = bound
    player = node()
    device_id = device_of(controller)
    _, _, frames = running(controller, player, device_id)
    asked_at = datetime.now(UTC)
    controller.command(device_id, "stop")
    report = controller.wait(lambda: controller.outcomes(device_id).get("a1"))
    assert (report.outcome, report.reason) == ("stopped", "operator")
    # From press to silence, broker and all; the player's own tenth of a second is in test_engine.
    assert (report.ended_at - asked_at).total_seconds() < 1.0
    assert controller.wait(lambda: controller.answers)[0]["ok"]
    heard, _ = player.sound("a1")
    fade = 48_000 // 10
    assert numpy.array_equal(heard[:-fade], frames[: len(heard) - fade])
    assert abs(int(heard[-1])) < 400
    assert not player.pin()[-1]["on"]


def test_an_emergency_interrupts_and_starts_within_a_second(controller, node):
    controller.config = bound
    player = node()
    device_id = device_of(controller)
    content, frames = make_clip(2.0, hertz=900)
    sha256 = controller.seed(content)
    later = airing_of(content, frames, in_s(3000), "later")
    long, long_frames = make_clip(20.0)
    controller.seed(long)
    controller.schedule(AREA, [airing_of(long, long_frames, in_s(5)), later])
    controller.wait(lambda: sha256 in controller.status(device_id).holds)
    controller.wait((player.evidence / "sound" / "a1.wav.part").exists)

    issued = datetime.now(UTC)
    urgent = airing_of(
        content,
        frames,
        issued + timedelta(seconds=0.8),
        "e1",
        class_=AiringClass.EMERGENCY,
        origin=Origin.EMERGENCY,
    )
    controller.area_state(AREA, airings=(urgent,))
    controller.command(device_id, "play", airing=urgent)
    outcomes = controller.wait(
        lambda: len(controller.outcomes(device_id)) == 2 and controller.outcomes(device_id)
    )
    assert (outcomes["a1"].outcome, outcomes["a1"].reason) == ("interrupted", "preempted")
    assert outcomes["e1"].outcome == "played"
    assert (outcomes["e1"].started_at - issued).total_seconds() <= 1.5
    assert numpy.array_equal(player.sound("e1")[0], frames)
    kinds = [r.kind for r in controller.all_reports(device_id) if r.airing_id == "e1"]
    assert kinds == ["started", "finished"]


def test_a_priority_programme_goes_on_in_its_place_after_an_emergency(controller, node):
    controller.config = bound
    player = node()
    device_id = device_of(controller)
    content, frames = make_clip(2.0, hertz=900)
    sha256 = controller.seed(content)
    later = airing_of(content, frames, in_s(3000), "later")
    long, long_frames = make_clip(16.0)
    controller.seed(long)
    airing = airing_of(long, long_frames, in_s(5), class_=AiringClass.PRIORITY)
    controller.schedule(AREA, [airing, later])
    controller.wait(lambda: sha256 in controller.status(device_id).holds)
    controller.wait((player.evidence / "sound" / "a1.wav.part").exists)

    start = in_s(0.8)
    urgent = airing_of(content, frames, start, "e1", class_=AiringClass.EMERGENCY)
    controller.command(device_id, "play", airing=urgent)
    report = controller.wait(lambda: controller.outcomes(device_id).get("a1"), 30)
    assert (report.outcome, report.reason) == ("partial", "preempted")
    kinds = [r.kind for r in controller.all_reports(device_id) if r.airing_id == "a1"]
    assert kinds == ["started", "finished"]
    heard, note = player.sound("a1")
    first, second = note["stretches"]
    began = airing.starts_at.timestamp()
    end = second["first_frame_at"] + second["frames"] / 48_000
    assert abs(end - (began + len(long_frames) / 48_000)) < 0.02
    assert numpy.array_equal(heard[-24_000:], long_frames[-24_000:])
    assert abs(report.played_ms - note["frames"] / 48) < 2
    _, emergency = player.sound("e1")
    assert first["first_frame_at"] + first["frames"] / 48_000 <= emergency["first_frame_at"]
    assert second["first_frame_at"] >= emergency["first_frame_at"] + emergency["frames"] / 48_000
    assert [line["on"] for line in player.pin()] == [True, False], "the amplifier stayed on"


def test_a_mute_in_the_areas_state_silences_and_holds(controller, node):
    controller.config = bound
    player = node()
    device_id = device_of(controller)
    running(controller, player, device_id)
    controller.area_state(AREA, muted_until=in_s(600))
    report = controller.wait(lambda: controller.outcomes(device_id).get("a1"))
    assert (report.outcome, report.reason) == ("stopped", "muted")
    content, frames = make_clip(1.0)
    controller.seed(content)
    controller.schedule(AREA, [airing_of(content, frames, in_s(3), "a2")])
    report = controller.wait(lambda: controller.outcomes(device_id).get("a2"))
    assert (report.outcome, report.reason) == ("skipped", "muted")


def test_a_killed_agent_leaves_silence_and_an_interruption(controller, node):
    controller.config = bound
    player = node()
    device_id = device_of(controller)
    running(controller, player, device_id)
    player.kill()
    controller.wait(lambda: not player.pin()[-1]["on"], 2)
    controller.wait((player.evidence / "sound" / "a1.wav").exists, 2)
    player.start()
    report = controller.wait(lambda: controller.outcomes(device_id).get("a1"))
    assert (report.outcome, report.reason) == ("interrupted", "device_error")


@pytest.mark.parametrize("child", ["player.process", "amplifier"])
def test_a_killed_child_switches_off_and_the_next_airing_plays(controller, node, child):
    controller.config = bound
    player = node()
    device_id = device_of(controller)
    airing, _, _ = running(controller, player, device_id)
    os.kill(player.children()[child], signal.SIGKILL)
    controller.wait(lambda: not player.pin()[-1]["on"], 3)
    report = controller.wait(lambda: controller.outcomes(device_id).get("a1"))
    assert (report.outcome, report.reason) == ("interrupted", "device_error")
    short, short_frames = make_clip(1.0)
    controller.seed(short)
    again = airing_of(short, short_frames, in_s(4), "a2")
    controller.schedule(AREA, [airing, again])
    assert controller.wait(lambda: controller.outcomes(device_id).get("a2")).outcome == "played"
    assert numpy.array_equal(player.sound("a2")[0], short_frames)


def test_a_programme_is_spliced_without_a_seam(controller, node):
    controller.config = bound
    player = node()
    device_id = device_of(controller)
    tune, tune_frames = make_clip(0.5, hertz=660)
    talk, talk_frames = make_clip(1.2)
    for content in (tune, talk):
        controller.seed(content)
    one = airing_of(tune, tune_frames, in_s(5)).parts[0]
    two = replace(airing_of(talk, talk_frames, in_s(5)).parts[0], item=1, times=2, gap_ms=300)
    airing = Airing(airing_id="p1", starts_at=in_s(6), parts=(one, two))
    controller.schedule(AREA, [airing])
    report = controller.wait(lambda: controller.outcomes(device_id).get("p1"), 25)
    gap = numpy.zeros(300 * 48, dtype="int16")
    expected = numpy.concatenate([tune_frames, talk_frames, gap, talk_frames])
    assert report.outcome == "played"
    assert numpy.array_equal(player.sound("p1")[0], expected)


def test_a_clip_whose_decoding_was_cut_short_is_decoded_at_the_next_start(controller, node):
    controller.config = bound
    player = node()
    device_id = device_of(controller)
    content, frames = make_clip(1.0)
    sha256 = controller.seed(content)
    controller.schedule(AREA, [airing_of(content, frames, in_s(3600))])
    controller.wait(lambda: sha256 in controller.status(device_id).holds)
    player.kill()
    for path in (player.folder / "data" / "pcm").iterdir():
        path.unlink()
    controller.statuses.clear()
    player.start()
    controller.wait(lambda: sha256 in controller.status(device_id).holds)
