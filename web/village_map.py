"""A map without tiles: clusters where their coordinates say, drawn by ourselves as SVG.

An equirectangular picture of the clusters' own frame is true enough for a commune; north is up. A
name is written where it covers no other pin and no other name; where there is no such place, the
pin gets a number, and the list below the map says whose.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import cos, radians
from typing import Final, Protocol

WIDTH: Final = 1000
_MARGIN: Final = 90
_SMALLEST: Final = 0.004  # degrees: a single cluster still gets a frame (about 400 m)
_RULER_KM: Final = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)
_KM_PER_DEGREE: Final = 111.2
# Letters as large as on a phone, in units: how wide at most on average, and how far they reach from
# the line they stand on (stacked accents above).
_LETTER: Final = 25
_ABOVE: Final = 40
_BELOW: Final = 12
_PLACES: Final = (
    (24, 14, "start"),
    (-24, 14, "end"),
    (0, 62, "middle"),
    (0, -32, "middle"),
    (18, 52, "start"),
    (18, -22, "start"),
    (-18, 52, "end"),
    (-18, -22, "end"),
)
_PLACES_EAST: Final = (_PLACES[1], _PLACES[0], *_PLACES[2:])


class Placed(Protocol):
    """What can stand on the map."""

    @property
    def lat(self) -> float | None: ...
    @property
    def lon(self) -> float | None: ...
    @property
    def label(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Label:
    """A name beside a pin: where it starts, ends or has its middle, and on which line it stands."""

    text: str
    x: float
    y: float
    anchor: str  # start, middle or end, as SVG has it


@dataclass(frozen=True, slots=True)
class Pin:
    """Where the thing at `index` of the list stands, in the picture's units.

    `label` None: there is no room for a name, not even for the `number` that stands in its place.
    """

    index: int
    x: float
    y: float
    label: Label | None = None
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """`width` × `height` units; `ruler` is the length of `ruler_km`."""

    width: int
    height: int
    pins: list[Pin]
    ruler: float
    ruler_km: float


def picture(things: Sequence[Placed]) -> Picture | None:
    """The map of those that have coordinates; None when none has."""
    known = [(i, each.lat, each.lon) for i, each in enumerate(things) if each.lat is not None]
    found = [(i, lat, lon) for i, lat, lon in known if lat is not None and lon is not None]
    if not found:
        return None
    lats, lons = [lat for _, lat, _ in found], [lon for _, _, lon in found]
    middle = (min(lats) + max(lats)) / 2
    squeeze = cos(radians(middle))
    across = max((max(lons) - min(lons)) * squeeze, _SMALLEST)
    scale = (WIDTH - 2 * _MARGIN) / across
    tall = max(max(lats) - min(lats), _SMALLEST) * scale
    height = round(min(max(tall, 260), 1400)) + 2 * _MARGIN
    scale = min(scale, (height - 2 * _MARGIN) / max(max(lats) - min(lats), _SMALLEST))
    center = (min(lons) + max(lons)) / 2
    pins = [
        Pin(
            index,
            round(WIDTH / 2 + (lon - center) * squeeze * scale, 1),
            round(height / 2 - (lat - middle) * scale, 1),
        )
        for index, lat, lon in found
    ]
    pins = _named(pins, [each.label for each in things], height)
    ruler_km = next((km for km in reversed(_RULER_KM) if km / _KM_PER_DEGREE * scale < 240), 0.1)
    return Picture(WIDTH, height, pins, round(ruler_km / _KM_PER_DEGREE * scale, 1), ruler_km)


_Box = tuple[float, float, float, float]  # left, top, right, bottom


def _named(pins: list[Pin], names: list[str], height: int) -> list[Pin]:
    """Each pin with its name, or a number where there is no room; the ruler's corner stays free."""
    taken: list[_Box] = [(each.x - 17, each.y - 17, each.x + 17, each.y + 17) for each in pins]
    taken.append((0, height - 80, 420, height))
    done, numbers = [], 0
    for pin in pins:
        label, number = _free(pin, names[pin.index], taken, height), None
        if label is None:
            numbers += 1
            number = numbers
            label = _free(pin, str(number), taken, height)
        if label:
            taken.append(_box(label))
        done.append(replace(pin, label=label, number=number))
    return done


def _free(pin: Pin, text: str, taken: list[_Box], height: int) -> Label | None:
    """The first of eight places around the pin that covers nothing."""
    for dx, dy, anchor in _PLACES if pin.x <= WIDTH / 2 else _PLACES_EAST:
        label = Label(text, round(pin.x + dx, 1), round(pin.y + dy, 1), anchor)
        left, top, right, bottom = _box(label)
        inside = left >= 0 and top >= 0 and right <= WIDTH and bottom <= height
        if inside and not any(
            left < r and right > x and top < b and bottom > y for x, y, r, b in taken
        ):
            return label
    return None


def _box(label: Label) -> _Box:
    wide = len(label.text) * _LETTER
    left = label.x - {"start": 0.0, "middle": wide / 2, "end": wide}[label.anchor]
    return left, label.y - _ABOVE, left + wide, label.y + _BELOW
