"""Which areas' airings each of a node's amplifiers carries."""

import pytest

from controller.errors import BadInput
from controller.zones import MOST, Carried, carried, checked, said
from protocol.messages import ZoneAreas

PATH = ("commune", "village")
CHOSEN = [{"zone": "market", "areas": ["commune"]}, {"zone": "school", "areas": ["village"]}]


def test_a_choice_is_kept_in_the_order_of_the_path():
    kept = checked([("market", ["village", "commune"]), ("main", [])], PATH)
    assert kept == [{"zone": "market", "areas": ["commune", "village"]}]


@pytest.mark.parametrize(
    "wanted",
    [
        [("Chợ", ["commune"])],
        [("", ["commune"])],
        [("market", []), ("market", ["commune"])],
        [("market", ["elsewhere"])],
        [(f"z{n}", ["commune"]) for n in range(MOST + 1)],
    ],
)
def test_what_no_node_could_use_is_refused(wanted):
    with pytest.raises(BadInput):
        checked(wanted, PATH)


def test_a_node_is_told_only_areas_on_its_path():
    assert said(CHOSEN, PATH) == (
        ZoneAreas("market", ("commune",)),
        ZoneAreas("school", ("village",)),
    )
    assert said(CHOSEN, ("commune", "moved")) == (ZoneAreas("market", ("commune",)),)


def test_what_the_device_has_is_shown_with_what_was_chosen():
    assert carried(CHOSEN, ["main", "school"]) == [
        Carried("main", (), True),
        Carried("school", ("village",), True),
        Carried("market", ("commune",), False),
    ]
