"""Which amplifiers an airing is for, and the times they need."""

from dataclasses import replace

import pytest

from device.airing import Placed
from device.settings import Settings
from device.zones import choose_zones
from protocol.messages import NodeConfig, ZoneAreas
from tests.device.fakes import an_airing, emergency

SETTINGS = Settings(amplifier_pin=17, amplifier_zones=("market:22:low:900:100", "school:23"))
CONFIG = NodeConfig(
    node_id="n",
    area_path=("commune", "village"),
    zones=(ZoneAreas("market", ("commune",)), ZoneAreas("school", ("village",))),
    settle_ms=500,
    tail_ms=400,
)


def chosen(airing, area_id, settings=SETTINGS, config=CONFIG):
    return choose_zones(settings, config, Placed.on(config, airing, area_id))


def test_a_zone_carries_the_areas_it_serves_and_without_an_entry_all():
    assert chosen(an_airing(), "commune").zones == ("main", "market")
    assert chosen(an_airing(), "village").zones == ("main", "school")


def test_an_emergency_sounds_on_every_amplifier():
    assert chosen(emergency(), "village").zones == ("main", "market", "school")


def test_what_no_zone_carries_sounds_on_all():
    config = replace(CONFIG, zones=(*CONFIG.zones, ZoneAreas("main", ("village",))))
    assert chosen(an_airing(), "elsewhere", config=config).zones == ("main", "market", "school")


def test_each_amplifier_gets_at_least_its_own_times():
    amplifier = chosen(an_airing(), "commune")
    assert (amplifier.settle_ms, amplifier.tail_ms) == (900, 400)


@pytest.mark.parametrize(("pin", "expected"), [(17, (True, ("main",))), (-1, (False, ()))])
def test_one_amplifier_or_none_needs_no_entry(pin, expected):
    amplifier = chosen(an_airing(), "x", Settings(amplifier_pin=pin), NodeConfig())
    assert (amplifier.present, amplifier.zones) == expected
    assert amplifier.settle_ms == 500
