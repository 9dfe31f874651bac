"""What is wired to the board's pins, read from the settings' text. Pure: drives and reads nothing.

zone     NAME:PIN[:high|low[:SETTLE_MS[:TAIL_MS]]]   an amplifier's relay; `low` pulls in when low;
                                                     NAME of small letters, digits, - and _
contact  PIN[:low|high]                              an input; `low` (to ground) unless said
"""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

MAIN = "main"
LAST_PIN = 27  # BCM numbers on a Raspberry Pi's header
_LEAST_SETTLE_MS = 300
_LONGEST_TAIL_MS = 4000


@dataclass(frozen=True, slots=True)
class Zone:
    """One amplifier and the horns behind it. `settle_ms` 0, `tail_ms` -1: as the node's own."""

    name: str
    pin: int
    active_high: bool = True
    settle_ms: int = 0
    tail_ms: int = -1

    @classmethod
    def parse(cls, text: str) -> "Zone":
        """Raises ValueError with a sentence."""
        name, *rest = text.split(":")
        if not re.fullmatch(r"[a-z0-9_-]+", name) or not 1 <= len(rest) <= 4:
            raise ValueError(f"{text!r} is not NAME:PIN[:high|low[:SETTLE_MS[:TAIL_MS]]]")
        settle_ms = _number(text, rest[2]) if len(rest) > 2 else 0
        tail_ms = _number(text, rest[3]) if len(rest) > 3 else -1
        if 0 < settle_ms < _LEAST_SETTLE_MS:
            raise ValueError(f"{text!r}: an amplifier gets at least {_LEAST_SETTLE_MS} ms")
        if tail_ms > _LONGEST_TAIL_MS:
            raise ValueError(f"{text!r}: a tail is at most {_LONGEST_TAIL_MS} ms")
        active_high = _polarity(text, rest[1]) if len(rest) > 1 else True
        return cls(name, _pin(text, rest[0]), active_high, settle_ms, tail_ms)


@dataclass(frozen=True, slots=True)
class Contact:
    """An input that is active at ground, with the board's own pull-up; or at 3.3 V."""

    pin: int
    active_high: bool = False

    @classmethod
    def parse(cls, text: str) -> "Contact":
        """Raises ValueError with a sentence."""
        pin, _, polarity = text.partition(":")
        return cls(_pin(text, pin), _polarity(text, polarity) if polarity else False)


@dataclass(frozen=True, slots=True)
class Wiring:
    """What the keeper is told at its start; `inputs` by name: fault, tamper, sense, busy."""

    zones: tuple[Zone, ...] = ()
    inputs: Mapping[str, Contact] = field(default_factory=dict)
    button_pin: int = -1
    max_on_s: float = 7200.0
    log_path: str = ""
    realtime: bool = False

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Wiring":
        values = json.loads(text)
        zones = tuple(Zone(**zone) for zone in values.pop("zones"))
        inputs = {name: Contact(**contact) for name, contact in values.pop("inputs").items()}
        return cls(zones, inputs, **values)


def _pin(text: str, pin: str) -> int:
    number = _number(text, pin)
    if number > LAST_PIN:
        raise ValueError(f"{text!r}: BCM numbers go from 0 to {LAST_PIN}")
    return number


def _number(text: str, word: str) -> int:
    if not word.isdecimal():
        raise ValueError(f"{text!r}: {word!r} is not a number")
    return int(word)


def _polarity(text: str, word: str) -> bool:
    if word not in ("high", "low"):
        raise ValueError(f"{text!r}: write high or low, not {word!r}")
    return word == "high"
