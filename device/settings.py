"""A node's settings: one frozen dataclass, from a TOML file and the environment.

`load` reads `--config FILE` (or LOALANG_CONFIG) first and lets `LOALANG_<NAME>` override each
entry; `LOALANG_<NAME>_FILE` names a file that holds a secret. Every mistake is found in one go.
"""

import os
import shlex
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from device.errors import ConfigError
from device.wiring import LAST_PIN, MAIN, Contact, Wiring, Zone
from protocol.keys import VerifyKey
from protocol.topics import Topics

PREFIX = "LOALANG_"
SECRETS = frozenset({"claim_code"})
_SINKS = {"alsa", "portaudio", "file"}
INPUTS = ("fault", "tamper", "sense", "busy")
_SCHEMES = {"mqtt": 1883, "mqtts": 8883}


@dataclass(frozen=True, slots=True)
class Settings:
    """What a node is told from outside; everything else comes signed from the controller."""

    broker_url: str = "mqtt://127.0.0.1:1883"
    ca_file: str = ""
    join_file: str = ""  # PEM, key and certificate: what is shown until we have one of our own
    site: str = "main"
    controller_keys: tuple[str, ...] = ()
    claim_code: str = ""
    data_dir: Path = Path("/var/lib/loalang-node")
    sink: str = "alsa:default"
    clock: str = "system"  # or `trusted`: take the system's time as right, for tests and demos
    rtc_trust_days: int = 30
    amplifier_pin: int = -1  # BCM number; below zero there is no switched amplifier
    amplifier_active_high: bool = True
    amplifier_zones: tuple[str, ...] = ()  # further amplifiers: NAME:PIN[:high|low[:SETTLE[:TAIL]]]
    amplifier_log: str = ""
    fault_input: str = ""  # PIN[:low|high] of the amplifier's fault contact
    tamper_input: str = ""  # … of the cabinet's door contact
    sense_input: str = ""  # … active while an amplifier has power
    busy_input: str = ""  # … active while the village's own microphone or FM set is on the air
    button_pin: int = -1  # BCM number of a stop button to ground; below zero there is none
    button_mute_min: int = 60  # how long a press keeps the node quiet
    led_pin: int = -1  # BCM number of a status lamp; below zero there is none
    settle_ms: int = 0  # 0: as the controller says
    tail_ms: int = -1  # below zero: as the controller says
    max_on_s: int = 7200
    buffer_ms: int = 60
    quota_mb: int = 2048
    realtime: bool = True
    microphone: str = ""  # alsa:DEVICE, or file:PATH (raw 16 kHz); empty: there is none
    stick_dirs: tuple[str, ...] = ("/media",)  # where USB sticks are mounted
    link_reset_command: str = ""  # what resets the modem; empty: nothing does
    link_reset_usb: str = ""  # or the `authorized` file of its USB device
    link_reset_min: int = 30
    link_reboot_command: str = ""
    link_reboot_min: int = 360
    log_level: str = "info"

    @property
    def broker(self) -> SplitResult:
        return urlsplit(self.broker_url)

    @property
    def broker_port(self) -> int:
        return self.broker.port or _SCHEMES[self.broker.scheme]

    @property
    def keys(self) -> dict[str, VerifyKey]:
        """The controller's keys by kid."""
        keys = [VerifyKey.from_hex(text) for text in self.controller_keys]
        return {key.kid: key for key in keys}

    @property
    def evidence_dir(self) -> Path | None:
        """Where a `file:DIR` sink leaves what it was given."""
        kind, _, rest = self.sink.partition(":")
        return Path(rest) if kind == "file" else None

    @property
    def amplifier_log_path(self) -> Path | None:
        if self.amplifier_log:
            return Path(self.amplifier_log)
        return self.evidence_dir / "amplifier.jsonl" if self.evidence_dir else None

    @property
    def zones(self) -> tuple[Zone, ...]:
        """The amplifiers this node switches: the one of `amplifier_pin` is called main."""
        further = tuple(Zone.parse(text) for text in self.amplifier_zones)
        if self.amplifier_pin < 0:
            return further
        return (Zone(MAIN, self.amplifier_pin, self.amplifier_active_high), *further)

    @property
    def inputs(self) -> dict[str, Contact]:
        """The contacts the keeper reads, by name."""
        texts = {name: getattr(self, f"{name}_input") for name in INPUTS}
        return {name: Contact.parse(text) for name, text in texts.items() if text}

    @property
    def wiring(self) -> Wiring:
        """What the amplifier keeper is told."""
        log_path = str(self.amplifier_log_path or "")
        max_on_s = float(self.max_on_s)
        return Wiring(
            self.zones, self.inputs, self.button_pin, max_on_s, log_path, realtime=self.realtime
        )

    @property
    def has_amplifier(self) -> bool:
        return self.amplifier_pin >= 0 or bool(self.amplifier_zones)


def load(config: Path | None, environment: Mapping[str, str]) -> Settings:
    """The settings, checked. Raises ConfigError naming every mistake."""
    problems: list[str] = []
    values = _from_file(config, problems) | _from_environment(environment, problems)
    known = {field.name: field for field in fields(Settings)}
    taken: dict[str, Any] = {}
    for name, value in values.items():
        if name not in known:
            problems.append(f"{name}: there is no such setting; see device/settings.py")
            continue
        try:
            taken[name] = _convert(known[name].default, value)
        except ValueError as error:
            problems.append(f"{name}: {error}")
    settings = Settings(**taken)
    problems += _mistakes(settings, set(taken))
    if problems:
        raise ConfigError(problems)
    return settings


def _from_file(config: Path | None, problems: list[str]) -> dict[str, Any]:
    if config is None:
        return {}
    try:
        return tomllib.loads(config.read_text(encoding="utf-8"))
    except OSError as error:
        problems.append(f"config file {config} cannot be read ({error.strerror})")
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        problems.append(f"config file {config} is not TOML: {error}")
    return {}


def _from_environment(environment: Mapping[str, str], problems: list[str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for field in fields(Settings):
        name = PREFIX + field.name.upper()
        if name in environment:
            values[field.name] = environment[name]
        elif name + "_FILE" in environment:
            try:
                values[field.name] = Path(environment[name + "_FILE"]).read_text().strip()
            except OSError as error:
                problems.append(f"{name}_FILE cannot be read ({error.strerror})")
    return values


def _convert(default: object, value: Any) -> Any:
    if isinstance(default, bool):
        return _boolean(value)
    if isinstance(default, int):
        return int(value)
    if isinstance(default, tuple):
        items = value.replace(",", " ").split() if isinstance(value, str) else value
        return tuple(str(item) for item in items)
    if isinstance(default, Path):
        return Path(str(value)).expanduser()
    if isinstance(value, str):
        return value
    raise ValueError(f"{value!r} is not text; put it in quotes")


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    words = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
    if str(value).lower() not in words:
        raise ValueError(f"{value!r} is neither true nor false")
    return words[str(value).lower()]


def _mistakes(settings: Settings, given: set[str]) -> list[str]:
    found = [sentence for wrong, sentence in _checks(settings) if wrong]
    found += _key_mistakes(settings)
    found += _wiring_mistakes(settings)
    try:
        Topics(settings.site)
    except ValueError as error:
        found.append(str(error))
    try:
        usable = settings.broker.scheme in _SCHEMES and bool(settings.broker.hostname)
        usable = usable and settings.broker_port > 0
    except ValueError:
        usable = False
    if not usable:
        found.append("broker_url: write mqtt://host:port or mqtts://user:password@host:port")
    if "controller_keys" not in given:
        found.append("controller_keys: give the controller's public key (64 hex digits)")
    return found


def _checks(settings: Settings) -> list[tuple[bool, str]]:
    kind, _, rest = settings.sink.partition(":")
    return [
        (
            settings.sink != "null" and (kind not in _SINKS or not (rest or kind == "portaudio")),
            f"sink: {settings.sink!r} is not alsa:DEVICE, portaudio:DEVICE, file:DIR or null",
        ),
        (settings.clock not in {"system", "trusted"}, "clock: write system or trusted"),
        (settings.amplifier_pin > LAST_PIN, "amplifier_pin: BCM numbers go from 0 to 27"),
        (settings.button_pin > LAST_PIN, "button_pin: BCM numbers go from 0 to 27"),
        (
            settings.microphone.partition(":")[0] not in {"", "alsa", "file"},
            f"microphone: {settings.microphone!r} is not alsa:DEVICE or file:PATH",
        ),
        (settings.led_pin > LAST_PIN, "led_pin: BCM numbers go from 0 to 27"),
        (settings.link_reset_min < 5, "link_reset_min: at least 5 minutes"),
        (settings.link_reboot_min < 60, "link_reboot_min: at least 60 minutes"),
        *(
            (not _is_command(getattr(settings, name)), f"{name}: a quote is not closed")
            for name in ("link_reset_command", "link_reboot_command")
        ),
        (not 1 <= settings.button_mute_min <= 1440, "button_mute_min: from 1 to 1440 minutes"),
        (0 < settings.settle_ms < 300, "settle_ms: an amplifier gets at least 300 ms"),
        (settings.tail_ms > 4000, "tail_ms: at most 4000, so that the amplifier is off in 5 s"),
        (not 1 <= settings.max_on_s <= 86_400, "max_on_s: from 1 to 86400 seconds"),
        (not 40 <= settings.buffer_ms <= 2000, "buffer_ms: from 40 to 2000"),
        (settings.quota_mb < 16, "quota_mb: at least 16"),
        (settings.rtc_trust_days < 0, "rtc_trust_days: 0 or more"),
        (
            bool(settings.join_file) and not Path(settings.join_file).is_file(),
            f"join_file: there is no file {settings.join_file}",
        ),
        (
            bool(settings.ca_file) and not Path(settings.ca_file).is_file(),
            f"ca_file: there is no file {settings.ca_file}",
        ),
    ]


def _is_command(text: str) -> bool:
    try:
        shlex.split(text)
    except ValueError:
        return False
    return True


def _key_mistakes(settings: Settings) -> list[str]:
    found = []
    for text in settings.controller_keys:
        try:
            VerifyKey.from_hex(text)
        except ValueError as error:
            found.append(f"controller_keys: {text[:16]}…: {error}")
    return found


def _wiring_mistakes(settings: Settings) -> list[str]:
    found = []
    pins = [settings.amplifier_pin, settings.button_pin, settings.led_pin]
    names = [MAIN]
    for text in settings.amplifier_zones:
        try:
            zone = Zone.parse(text)
        except ValueError as error:
            found.append(f"amplifier_zones: {error}")
            continue
        pins.append(zone.pin)
        names.append(zone.name)
    for name in INPUTS:
        try:
            text = getattr(settings, f"{name}_input")
            pins.append(Contact.parse(text).pin if text else -1)
        except ValueError as error:
            found.append(f"{name}_input: {error}")
    wired = [pin for pin in pins if pin >= 0]
    found += [
        f"pin {pin} is used twice" for pin in sorted({p for p in wired if wired.count(p) > 1})
    ]
    found += [
        f"amplifier_zones: {n} is used twice"
        for n in sorted({n for n in names if names.count(n) > 1})
    ]
    return found


def config_path(argument: str | None) -> Path | None:
    """The file named on the command line, or else by LOALANG_CONFIG."""
    chosen = argument or os.environ.get(PREFIX + "CONFIG")
    return Path(chosen) if chosen else None
