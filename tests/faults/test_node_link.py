"""A road that is torn up, or silent: reports come once, and the node finds its way back."""

import random
import threading
import time

import pytest

from device import link
from tests.device.conftest import make_clip
from tests.device.test_story import AREA, airing_of, bound, device_of, in_s
from tests.support.proxy import Proxy


@pytest.fixture
def road(broker):
    road = Proxy(broker.port)
    yield road
    road.close()


def on_the_road(node, road, **settings):
    return node(broker_url=f"mqtt://127.0.0.1:{road.port}", **settings)


def test_a_road_torn_up_again_and_again_costs_no_report(controller, node, road):
    controller.config = bound
    player = on_the_road(node, road)
    device_id = device_of(controller)
    content, frames = make_clip(0.6)
    sha256 = controller.seed(content)
    airings = [airing_of(content, frames, in_s(8 + 3 * n), f"t{n}") for n in range(4)]
    controller.schedule(AREA, airings)
    controller.wait(lambda: sha256 in controller.status(device_id).holds)
    chance, over = random.Random(4), threading.Event()

    def tear():
        while not over.wait(chance.uniform(0.5, 3.0)):
            road.reset()

    tearing = threading.Thread(target=tear)
    tearing.start()
    try:
        sounds = player.evidence / "sound"
        controller.wait(lambda: len(list(sounds.glob("*.json"))) == 4, 40)
    finally:
        over.set()
        tearing.join()
    controller.wait(lambda: len(controller.outcomes(device_id)) == 4, 30)
    assert {r.outcome for r in controller.outcomes(device_id).values()} == {"played"}
    assert len(controller.all_reports(device_id)) == 8
    assert road.connections > 3


def play_on_a_rough_road(controller, node, road, loss, count, *, outage_s=0.0):
    """Airings while the road is at 32 kbit/s and loses segments; every outcome comes once."""
    controller.config = bound
    road.be_rough(4000, loss, seed=count)
    player = on_the_road(node, road)
    device_id = controller.wait(lambda: next(iter(controller.presences), None), 60)
    content, frames = make_clip(2.0)
    sha256 = controller.seed(content)
    ahead_s = 12 + 40 * loss
    airings = [airing_of(content, frames, in_s(ahead_s + 4 * n), f"r{n}") for n in range(count)]
    controller.schedule(AREA, airings)
    controller.wait(lambda: sha256 in controller.status(device_id).holds, ahead_s + 20)
    if outage_s:
        road.go_silent()
        over = threading.Event()
        threading.Timer(outage_s, over.set).start()
        controller.wait(over.is_set, outage_s + 5)
        road.speak()
    controller.wait(lambda: len(controller.outcomes(device_id)) == count, 4 * count + 120)
    assert {r.outcome for r in controller.outcomes(device_id).values()} == {"played"}
    assert len(controller.all_reports(device_id)) == 2 * count
    sounds = list((player.evidence / "sound").glob("*.json"))
    assert len(sounds) == count


@pytest.mark.faults
@pytest.mark.timeout(600)
@pytest.mark.parametrize("loss", [0.05, 0.2, 0.4])
def test_fifteen_seconds_without_a_link_on_a_road_that_loses_cost_no_report(
    controller, node, road, loss
):
    play_on_a_rough_road(controller, node, road, loss, 8, outage_s=15.0)


@pytest.mark.faults
@pytest.mark.timeout(900)
def test_ten_minutes_without_a_link_end_within_one(controller, node, road):
    """The fault is shown within 100 s, and the node is back a minute after the link at most."""
    controller.config = bound
    on_the_road(node, road)
    device_id = device_of(controller)
    content, frames = make_clip(0.6)
    controller.seed(content)
    airings = [airing_of(content, frames, in_s(30 + 60 * n), f"o{n}") for n in range(9)]
    controller.schedule(AREA, airings)
    controller.wait(lambda: controller.status(device_id).holds)
    road.go_silent()
    began = time.monotonic()
    controller.wait(lambda: not controller.presences[device_id].online, 100)
    controller.wait(lambda: time.monotonic() > began + 600, 610)
    road.speak()
    controller.wait(lambda: controller.presences[device_id].online, 60)
    controller.wait(lambda: len(controller.outcomes(device_id)) == 9, 60)
    assert {r.outcome for r in controller.outcomes(device_id).values()} == {"played"}
    assert len(controller.all_reports(device_id)) == 18


@pytest.mark.faults
@pytest.mark.timeout(400)
def test_a_half_open_connection_is_noticed_and_made_anew(controller, node, road):
    """Nothing arrives and nothing is refused: only the keep-alive can tell, within 100 s."""
    controller.config = bound
    on_the_road(node, road)
    device_id = device_of(controller)
    content, frames = make_clip(0.6)
    sha256 = controller.seed(content)
    controller.schedule(AREA, [airing_of(content, frames, in_s(10))])
    controller.wait(lambda: sha256 in controller.status(device_id).holds)
    road.go_silent()
    noticed_s = 1.5 * link.KEEPALIVE_S + link.WILL_DELAY_S + 10
    controller.wait(lambda: not controller.presences[device_id].online, noticed_s)
    road.speak()
    controller.wait(lambda: controller.presences[device_id].online, 60)
    report = controller.wait(lambda: controller.outcomes(device_id).get("a1"), 30)
    assert report.outcome == "played"
