"""One node put together: its time from a beacon, moved elsewhere, released."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from device.clock import Clock, Sensors
from device.settings import Settings
from protocol.messages import NodeConfig
from tests.device.conftest import make_clip
from tests.device.living import Living
from tests.device.test_story import AREA, airing_of, bound, in_s


@pytest.fixture
def settings_of(tmp_path, broker, controller):
    controller.config = bound
    return Settings(
        broker_url=f"mqtt://127.0.0.1:{broker.port}",
        controller_keys=(controller.key.verify_key.hex,),
        data_dir=tmp_path / "data",
        sink="null",
        clock="trusted",
    )


class LostClock(Clock):
    """A Pi without network time and without an RTC: it thinks it is 1970."""

    def __init__(self):
        super().__init__(sensors=Sensors(lambda: False, lambda: False))

    def system(self):
        return super().system() - datetime(2026, 1, 1, tzinfo=UTC).timestamp()


def test_a_node_that_thinks_it_is_1970_plays_by_the_controllers_beacon(controller, settings_of):
    content, frames = make_clip(0.5)
    controller.seed(content)
    controller.schedule(AREA, [airing_of(content, frames, in_s(6))])
    living = Living(settings_of, LostClock())
    living.until(lambda: living.node.clock.reading().source == "beacon")
    assert abs((living.node.clock.now() - datetime.now(UTC)).total_seconds()) < 2
    device_id = living.node.device_id
    living.until(lambda: controller.outcomes(device_id).get("a1"))
    report = controller.outcomes(device_id)["a1"]
    assert (report.outcome, report.clock.source) == ("played", "beacon")
    nonce = living.node.gate.nonce
    living.node._keep_time()
    assert living.node.gate.nonce != nonce  # it asks again, before its crystal has drifted
    living.end()


class SetClock(Clock):
    """The kernel vouches for it, and it is set while the node runs."""

    ahead_s = 0.0

    def __init__(self):
        super().__init__(sensors=Sensors(lambda: True, lambda: False))

    def system(self):
        return super().system() + self.ahead_s


def test_a_clock_that_is_set_weeks_ahead_makes_the_plan_of_that_day(controller, settings_of):
    """As after weeks without power, when NTP answers before the controller does."""
    content, frames = make_clip(0.5)
    controller.seed(content)
    weeks_s = 20 * 86_400.0
    controller.schedule(AREA, [airing_of(content, frames, in_s(weeks_s + 60))], days=23)
    clock = SetClock()
    living = Living(settings_of, clock)
    node = living.node
    living.until(lambda: len(node.schedules.held()) == 1 and not node.fetcher.progress())
    assert node.planner.coming(node.clock.now()) is None
    clock.ahead_s = weeks_s
    living.until(lambda: node.planner.coming(node.clock.now()), 5)
    living.end()


def test_a_released_device_forgets_its_plan(controller, settings_of):
    content, frames = make_clip(0.5)
    controller.seed(content)
    controller.schedule(AREA, [airing_of(content, frames, in_s(3600))])
    living = Living(settings_of)
    node = living.node
    living.until(lambda: node.planner.coming(node.clock.now()))
    controller.bind(node.device_id, NodeConfig())
    living.until(lambda: not node.documents.bound)
    assert node.planner.coming(node.clock.now()) is None
    assert node.schedules.held() == ()
    assert "unbound" in node.health.problems()
    living.end()


def test_a_node_that_moves_follows_its_new_areas(controller, settings_of):
    content, frames = make_clip(0.5)
    controller.seed(content)
    there = airing_of(content, frames, in_s(3600), "there")
    controller.schedule(AREA, [airing_of(content, frames, in_s(3600), "here")])
    controller.schedule("other", [there])
    living = Living(settings_of)
    node = living.node
    living.until(lambda: node.planner.coming(node.clock.now()))
    moved = replace(bound(node.device_id), area_path=("commune", "other"))
    controller.bind(node.device_id, moved)
    living.until(
        lambda: (coming := node.planner.coming(node.clock.now())) and coming.airing_id == "there"
    )
    assert [held.area_id for held in node.schedules.held()] == ["other"]
    living.end()
