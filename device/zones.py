"""Which of a node's amplifiers an airing is for, and the times they need."""

from device.airing import Placed
from device.settings import Settings
from device.stage import Amplifier
from device.wiring import Zone
from protocol.messages import NodeConfig

_LEAST_SETTLE_MS = 300
_LONGEST_TAIL_MS = 4000


def choose_zones(settings: Settings, config: NodeConfig, placed: Placed) -> Amplifier:
    """The amplifiers of the airing's area. Each gets at least its own settle and tail.

    An emergency, and what no zone carries, sounds on all of them: nobody goes unheard by mistake.
    """
    served = {entry.zone: entry.areas for entry in config.zones}
    carrying = [zone for zone in settings.zones if _carries(served.get(zone.name), placed.area_id)]
    zones = settings.zones if placed.emergency or not carrying else tuple(carrying)
    settle_ms = max([_settle_ms(settings, config, zone) for zone in zones], default=0)
    tail_ms = max([_tail_ms(settings, config, zone) for zone in zones], default=0)
    if not zones:  # no switched amplifier; the player keeps the same pace
        settle_ms = settings.settle_ms or max(config.settle_ms, _LEAST_SETTLE_MS)
    return Amplifier(bool(zones), settle_ms, tail_ms, tuple(zone.name for zone in zones))


def _carries(areas: tuple[str, ...] | None, area_id: str) -> bool:
    return not areas or area_id in areas


def _settle_ms(settings: Settings, config: NodeConfig, zone: Zone) -> int:
    return zone.settle_ms or settings.settle_ms or max(config.settle_ms, _LEAST_SETTLE_MS)


def _tail_ms(settings: Settings, config: NodeConfig, zone: Zone) -> int:
    own = [ms for ms in (zone.tail_ms, settings.tail_ms) if ms >= 0]
    return own[0] if own else min(config.tail_ms, _LONGEST_TAIL_MS)
