"""The Vietnamese calendar worked out from the sky: Meeus, Astronomical Algorithms (2nd ed.).

New moons by chapter 49, the sun's longitude by chapter 25, ΔT by the polynomials of Espenak and
Meeus; nothing of it comes from a calendar package. Instants are Julian days.
"""

from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from math import cos, floor, radians, sin

UTC7 = 7 / 24
J2000 = 2451545.0


@dataclass(frozen=True)
class Month:
    start: date
    month: int
    leap: bool


def calendar(first_year, last_year):
    """The lunar months from the winter solstice before the first year to that of the last."""
    starts = _month_starts(first_year - 1, last_year + 1)
    # A month may hold two principal terms, as that of November 2033 does.
    elevenths = [s for s, after in pairwise(starts) if 7 <= _sector(s) < 9 <= _sector(after)]
    found = []
    for eleventh, following in pairwise(elevenths):
        year = [s for s in starts if eleventh <= s < following]
        found += _numbered(year, [*year[1:], following])
    return found


def _numbered(starts, ends):
    """Months 11, 12, 1 … 10; of thirteen the first without a principal term is the leap one."""
    leap = None
    if len(starts) == 13:
        without = (s for s, e in zip(starts, ends, strict=True) if _sector(s) == _sector(e))
        leap = next(without)
    number = 10
    months = []
    for start in starts:
        number += start != leap
        months.append(Month(_day_of(start), (number - 1) % 12 + 1, start == leap))
    return months


def _month_starts(first_year, last_year):
    """Day numbers (UTC+7) of the new moons, as whole Julian day numbers at noon."""
    k = floor((first_year - 2000) * 12.3685) - 1
    days = []
    while True:
        instant = new_moon(k)
        day = floor(instant + UTC7 + 0.5)
        if _day_of(day).year > last_year:
            return days
        days.append(day)
        k += 1


def _sector(day):
    """Which twelfth of its way the sun is in at the beginning of a local day: 9 from solstice."""
    instant = day - 0.5 - UTC7
    return floor(sun_longitude(instant + _delta_t_days(instant)) / 30)


def _day_of(day):
    return date.fromordinal(day - 1721425)


def new_moon(k):
    """The k-th new moon after that of January 2000, in universal time (chapter 49)."""
    t = k / 1236.85
    jde = (
        2451550.09766 + 29.530588861 * k
        + 0.00015437 * t**2 - 0.000000150 * t**3 + 0.00000000073 * t**4
    )  # fmt: skip
    e = 1 - 0.002516 * t - 0.0000074 * t**2
    m = radians(2.5534 + 29.10535670 * k - 0.0000014 * t**2)
    mm = radians(201.5643 + 385.81693528 * k + 0.0107582 * t**2 + 0.00001238 * t**3)
    f = radians(160.7108 + 390.67050284 * k - 0.0016118 * t**2 - 0.00000227 * t**3)
    om = radians(124.7746 - 1.56375588 * k + 0.0020672 * t**2)
    periodic = [
        (-0.40720, 0, 0, 1, 0), (0.17241, 1, 1, 0, 0), (0.01608, 0, 0, 2, 0),
        (0.01039, 0, 0, 0, 2), (0.00739, 1, -1, 1, 0), (-0.00514, 1, 1, 1, 0),
        (0.00208, 2, 2, 0, 0), (-0.00111, 0, 0, 1, -2), (-0.00057, 0, 0, 1, 2),
        (0.00056, 1, 1, 2, 0), (-0.00042, 0, 0, 3, 0), (0.00042, 1, 1, 0, 2),
        (0.00038, 1, 1, 0, -2), (-0.00024, 1, -1, 2, 0), (-0.00007, 0, 2, 1, 0),
        (0.00004, 0, 0, 2, -2), (0.00004, 0, 3, 0, 0), (0.00003, 0, 1, 1, -2),
        (0.00003, 0, 0, 2, 2), (-0.00003, 0, 1, 1, 2), (0.00003, 0, -1, 1, 2),
        (-0.00002, 0, -1, 1, -2), (-0.00002, 0, 1, 3, 0), (0.00002, 0, 0, 4, 0),
    ]  # fmt: skip
    for size, eccentric, of_m, of_mm, of_f in periodic:
        jde += size * e**eccentric * sin(of_m * m + of_mm * mm + of_f * f)
    jde -= 0.00017 * sin(om)
    planets = [
        (325, 299.77, 0.107408, -0.009173), (165, 251.88, 0.016321, 0), (164, 251.83, 26.651886, 0),
        (126, 349.42, 36.412478, 0), (110, 84.66, 18.206239, 0), (62, 141.74, 53.303771, 0),
        (60, 207.14, 2.453732, 0), (56, 154.84, 7.306860, 0), (47, 34.52, 27.261239, 0),
        (42, 207.19, 0.121824, 0), (40, 291.34, 1.844379, 0), (37, 161.72, 24.198154, 0),
        (35, 239.56, 25.513099, 0), (23, 331.55, 3.592518, 0),
    ]  # fmt: skip
    jde += sum(
        size * 1e-6 * sin(radians(at + pace * k + bend * t**2)) for size, at, pace, bend in planets
    )
    return jde - _delta_t_days(jde)


def sun_longitude(jde):
    """The sun's apparent longitude in degrees, to about 0.01° (chapter 25)."""
    t = (jde - J2000) / 36525
    l0 = 280.46646 + 36000.76983 * t + 0.0003032 * t**2
    m = radians(357.52911 + 35999.05029 * t - 0.0001537 * t**2)
    centre = (
        (1.914602 - 0.004817 * t - 0.000014 * t**2) * sin(m)
        + (0.019993 - 0.000101 * t) * sin(2 * m)
        + 0.000289 * sin(3 * m)
    )
    # Venus, Jupiter, the Moon and Mars pull the earth about (the terms of the first edition).
    pulls = (
        0.00134 * cos(radians(153.23 + 22518.7541 * t))
        + 0.00154 * cos(radians(216.57 + 45037.5082 * t))
        + 0.00200 * cos(radians(312.69 + 32964.3577 * t))
        + 0.00179 * sin(radians(350.74 + 445267.1142 * t - 0.00144 * t**2))
        + 0.00178 * sin(radians(251.39 + 20.20 * t))
    )
    om = radians(125.04 - 1934.136 * t)
    return (l0 + centre + pulls - 0.00569 - 0.00478 * sin(om)) % 360


def _delta_t_days(jde):
    y = 2000 + (jde - J2000) / 365.25
    u = y - 2000
    if y < 2005:
        seconds = (
            63.86 + 0.3345 * u - 0.060374 * u**2 + 0.0017275 * u**3
            + 0.000651814 * u**4 + 0.00002373599 * u**5
        )  # fmt: skip
    elif y < 2050:
        seconds = 62.92 + 0.32217 * u + 0.005589 * u**2
    else:
        seconds = -20 + 32 * ((y - 1820) / 100) ** 2 - 0.5628 * (2150 - y)
    return seconds / 86400
