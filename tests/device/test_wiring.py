"""What is wired to the pins, from the settings' text."""

import pytest

from device.wiring import Contact, Wiring, Zone


@pytest.mark.parametrize(
    ("text", "zone"),
    [
        ("market:22", Zone("market", 22)),
        ("market:22:low", Zone("market", 22, active_high=False)),
        ("m-2:22:high:800:0", Zone("m-2", 22, settle_ms=800, tail_ms=0)),
    ],
)
def test_a_zone_is_read(text, zone):
    assert Zone.parse(text) == zone


@pytest.mark.parametrize(
    "text",
    [
        "",
        "market",
        "market:x",
        "market:28",
        "Chợ:22",
        "m:22:up",
        "m:22:low:100",
        "m:2:low:500:9000",
    ],
)
def test_a_zone_that_makes_no_sense_is_refused(text):
    with pytest.raises(ValueError, match=r"\S"):
        Zone.parse(text)


def test_a_contact_is_to_ground_unless_said():
    assert (Contact.parse("5"), Contact.parse("5:high")) == (Contact(5), Contact(5, True))
    with pytest.raises(ValueError, match="high or low"):
        Contact.parse("5:up")


def test_the_keeper_is_told_all_of_it():
    zones = (Zone("main", 17), Zone("market", 22, active_high=False))
    wiring = Wiring(zones, {"busy": Contact(6, True)}, 27, 60.0, "/x", realtime=True)
    assert Wiring.from_json(wiring.to_json()) == wiring
