"""The map without tiles: north is up, nothing leaves the frame, one cluster is enough."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from web.village_map import picture


@dataclass(frozen=True)
class Place:
    lat: float | None
    lon: float | None


def test_north_is_up_and_east_is_right():
    south_west, north_east = picture([Place(21.0, 105.8), Place(21.1, 105.9)]).pins
    assert north_east.y < south_west.y
    assert north_east.x > south_west.x


def test_without_coordinates_there_is_no_map():
    assert picture([Place(None, None)]) is None
    assert picture([]) is None


def test_one_cluster_stands_in_the_middle():
    shown = picture([Place(None, None), Place(21.0, 105.8)])
    assert [pin.index for pin in shown.pins] == [1]
    assert (shown.pins[0].x, shown.pins[0].y) == (shown.width / 2, shown.height / 2)


@given(st.lists(st.builds(Place, st.floats(8, 23.5), st.floats(102, 110)), min_size=1, max_size=30))
def test_nothing_leaves_the_frame(places):
    shown = picture(places)
    assert all(0 <= pin.x <= shown.width and 0 <= pin.y <= shown.height for pin in shown.pins)
    assert 0 < shown.ruler < shown.width
