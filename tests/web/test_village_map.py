"""The map without tiles: north is up, nothing leaves the frame, one cluster is enough."""

from dataclasses import dataclass
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from web import village_map
from web.village_map import picture

NAMES = st.sampled_from(["Cụm Đông", "Cụm Nhà văn hóa thôn Đồng Mít", "C1"])


@dataclass(frozen=True)
class Place:
    lat: float | None
    lon: float | None
    label: str = "Cụm Đông"


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


def _boxes(shown):
    return [village_map._box(pin.label) for pin in shown.pins if pin.label]


def _overlap(one, other):
    return one[0] < other[2] and one[2] > other[0] and one[1] < other[3] and one[3] > other[1]


@given(
    st.lists(st.builds(Place, st.floats(21, 21.02), st.floats(105.8, 105.82), NAMES), max_size=25)
)
def test_no_name_covers_another_or_leaves_the_frame(places):
    shown = picture(places)
    boxes = _boxes(shown) if shown else []
    assert not any(_overlap(a, b) for a, b in combinations(boxes, 2))
    assert all(left >= 0 and right <= shown.width for left, _top, right, _bottom in boxes)


def test_a_few_neighbours_all_keep_their_names():
    near = [Place(21.0, 105.8), Place(21.001, 105.803), Place(21.0, 105.806), Place(21.03, 105.81)]
    assert [pin.label.text for pin in picture(near).pins] == ["Cụm Đông"] * 4


def test_where_a_name_has_no_room_the_pin_has_a_number():
    crowd = [Place(21.0 + i / 3000, 105.8 + j / 3000) for i in range(6) for j in range(6)]
    pins = picture(crowd).pins
    numbers = [pin.number for pin in pins if pin.number]
    assert numbers == list(range(1, len(numbers) + 1)) != []
    assert all(pin.label is None or pin.label.text == str(pin.number or "Cụm Đông") for pin in pins)
