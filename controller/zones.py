"""A node's amplifier zones: which areas' airings each of its amplifiers carries. Pure.

The names are the node's own settings (its pins are nobody else's business) and come with its
status. What is not chosen here carries everything; emergencies sound on all, whatever is chosen.
A choice is kept as JSON: [{"zone": name, "areas": [ids]}].
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from controller.errors import BadInput
from protocol.messages import ZoneAreas

MOST: Final = 8
_NAME: Final = re.compile(r"[a-z0-9_-]{1,32}")


@dataclass(frozen=True, slots=True)
class Carried:
    """One amplifier: `areas` empty means every airing; `told`: the device says it has it."""

    zone: str
    areas: tuple[str, ...]
    told: bool


def said(chosen: Sequence[Any], path: Sequence[str]) -> tuple[ZoneAreas, ...]:
    """As the node's config has them. Areas it left stay out; a zone left with none carries all."""
    entries = (
        ZoneAreas(str(each["zone"]), tuple(a for a in path if a in each["areas"]))
        for each in chosen
    )
    return tuple(entry for entry in entries if entry.areas)


def carried(chosen: Sequence[Any], told: Iterable[Any]) -> list[Carried]:
    """What the device says it has, then what was chosen for amplifiers it does not (yet) have."""
    has = [str(zone) for zone in told]
    areas = {str(each["zone"]): tuple(each["areas"]) for each in chosen}
    names = dict.fromkeys([*has, *areas])
    return [Carried(zone, areas.get(zone, ()), zone in has) for zone in names]


def checked(wanted: Iterable[tuple[str, Sequence[str]]], path: Sequence[str]) -> list[Any]:
    """The choice to keep, from pairs of zone and area ids. Raises BadInput."""
    found: dict[str, list[str]] = {}
    for zone, areas in wanted:
        if not _NAME.fullmatch(zone) or zone in found:
            raise _bad(
                f"Tên vùng loa «{zone}» chưa đúng hoặc ghi hai lần: ghi như trong cài đặt của "
                "thiết bị, chữ thường không dấu.",
                f"The zone '{zone}' is no name, or is there twice: write it as in the device's "
                "settings, in small letters.",
            )
        if set(areas) - set(path):
            raise _bad(
                "Vùng loa chỉ nhận lịch của những nơi cụm loa này thuộc về: hãy chọn lại.",
                "A zone can carry only areas that this cluster belongs to: choose again.",
            )
        found[zone] = [area_id for area_id in path if area_id in areas]
    if len(found) > MOST:
        raise _bad(
            f"Một cụm loa có nhiều nhất {MOST} vùng loa: hãy bớt đi.",
            f"A cluster has at most {MOST} zones: leave some out.",
        )
    return [{"zone": zone, "areas": areas} for zone, areas in found.items() if areas]


def _bad(vi: str, en: str) -> BadInput:
    return BadInput({"zones": (vi, en)})
