"""A map without tiles: clusters where their coordinates say, drawn by ourselves as SVG.

An equirectangular picture of the clusters' own frame is true enough for a commune; north is up.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, radians
from typing import Final, Protocol

WIDTH: Final = 1000
_MARGIN: Final = 90
_SMALLEST: Final = 0.004  # degrees: a single cluster still gets a frame (about 400 m)
_RULER_KM: Final = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)
_KM_PER_DEGREE: Final = 111.2


class Placed(Protocol):
    """What can stand on the map."""

    @property
    def lat(self) -> float | None: ...
    @property
    def lon(self) -> float | None: ...


@dataclass(frozen=True, slots=True)
class Pin:
    """Where the thing at `index` of the list stands, in the picture's units."""

    index: int
    x: float
    y: float
    left: bool  # the label goes to the left of the pin


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
            lon > center,
        )
        for index, lat, lon in found
    ]
    ruler_km = next((km for km in reversed(_RULER_KM) if km / _KM_PER_DEGREE * scale < 240), 0.1)
    return Picture(WIDTH, height, pins, round(ruler_km / _KM_PER_DEGREE * scale, 1), ruler_km)
