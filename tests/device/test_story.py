"""The node's story on a real broker: claimed, told, fed, on time, heard of."""

import hashlib
from datetime import UTC, datetime, timedelta

import numpy

from protocol.messages import Airing, NodeConfig, Part
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
