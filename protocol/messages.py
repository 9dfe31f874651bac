"""The bodies of messages. Every field has a default and unknown fields are ignored (see `codec`).

Said to nodes: ScheduleHead, AreaState, NodeConfig, ReportAck, Beacon, Command, Certificate,
Trust, ControllerState. Said by nodes: Presence, Status, Beat, ReportBatch, Want, Answer, Claim.
What they say of broadcasts is in `airings`.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from protocol.airings import EPOCH as EPOCH
from protocol.airings import Airing as Airing
from protocol.airings import DayPage as DayPage
from protocol.airings import Part as Part
from protocol.airings import Window as Window
from protocol.airings import first_of
from protocol.outcomes import Outcome, Reason, ReportKind

# --- said to nodes ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PageRef:
    """A day page by hash: `day` is the UTC date (YYYY-MM-DD) its airings start on."""

    day: str = ""
    sha256: str = ""
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class PinnedSound:
    """A sound every node of the area keeps ready, whatever else it must drop."""

    sha256: str = ""
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class ScheduleHead:
    """An area's schedule: active on a node once it holds all of `pages` of today and tomorrow.

    `until` is the end of the dated range; from there on everything but an emergency fails closed.
    """

    area_id: str = ""
    revision: int = 0
    until: datetime = EPOCH
    pages: tuple[PageRef, ...] = ()
    pinned: tuple[PinnedSound, ...] = ()


@dataclass(frozen=True, slots=True)
class ZoneAreas:
    """Which areas' airings one amplifier of a node carries; without `areas`: all of them."""

    zone: str = ""
    areas: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NodeConfig:
    """What is a node's own; `area_path` runs from the root to its own area.

    `zones`: a node with several amplifiers, and which areas each serves. Emergencies, and airings
    of areas that no zone names, sound on all; a node with one amplifier needs no entry.
    """

    node_id: str = ""
    node_code: str = ""
    name: str = ""
    area_path: tuple[str, ...] = ()
    languages: tuple[str, ...] = ("vi",)
    volume_pct: int = 100
    stagger_slot: int = 0
    status_interval_s: int = 60
    settle_ms: int = 500
    tail_ms: int = 500
    zones: tuple[ZoneAreas, ...] = ()
    later_hours: str = ""


@dataclass(frozen=True, slots=True)
class ReportAck:
    """Reports the controller has committed: all up to `upto`, and those in `also`."""

    store_epoch: str = ""
    upto: int = 0
    also: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Beacon:
    """The controller's time, fresh because it echoes the nonce of the node's presence."""

    nonce: str = ""
    now: datetime = EPOCH


@dataclass(frozen=True, slots=True)
class AreaState:
    """What holds in an area until further notice; retained, so a node that comes back sees it.

    `airings`: emergencies and their dated repeats, played once each by `airing_id`. `cancelled`:
    ids that must not sound, or must fall silent. `stopped_at`: whatever began at or before it
    falls silent and does not begin again. `muted_until`: until then nothing but emergencies.
    """

    area_id: str = ""
    revision: int = 0
    airings: tuple[Airing, ...] = ()
    cancelled: tuple[str, ...] = ()
    stopped_at: datetime | None = None
    muted_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Command:
    """An instant order, to an area or a device; never retained, expires in seconds.

    `verb` is one of `CommandVerb`; a node answers with `Answer`, also when it does not know the
    verb. `airing` is what `play` sounds (an emergency at once, a test of some seconds).
    """

    command_id: str = ""
    verb: str = ""
    args: dict[str, str] = field(default_factory=dict)
    airing: Airing | None = None


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a device shows a broker that asks for certificates: PEM, over the device's own key.

    Nothing in it is secret. `until` is the end of its life; the controller renews it long before.
    """

    pem: str = ""
    until: datetime = EPOCH


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """A public key (64 hex digits) and whose it is: one party may have several."""

    public_key: str = ""
    party: str = "controller"


@dataclass(frozen=True, slots=True)
class TrustRule:
    """How many of which parties must have signed what.

    `what`: a type of message, or `play`: whatever makes sound at once (see `protocol.trust`).
    `to`: the audiences it is about; empty for all.
    """

    what: str = ""
    to: tuple[str, ...] = ()
    parties: tuple[str, ...] = ("controller",)
    needed: int = 1


@dataclass(frozen=True, slots=True)
class Trust:
    """Which keys may say what. It takes the place of what a node was given at its set-up."""

    revision: int = 0
    keys: tuple[TrustedKey, ...] = ()
    rules: tuple[TrustRule, ...] = ()


@dataclass(frozen=True, slots=True)
class ControllerState:
    """Retained; the last will says `online: false`. A new `epoch` makes nodes present again."""

    online: bool = False
    epoch: str = ""
    version: str = ""


# --- said by nodes ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Presence:
    """Retained; the last will is the same with `online: false`, sealed at connect.

    `session` grows with every connect, so that a late will of an older one is told apart.
    """

    online: bool = False
    boot_id: str = ""
    session: int = 0
    nonce: str = ""
    version: str = ""
    protocol_versions: tuple[int, ...] = (1,)
    store_epoch: str = ""


@dataclass(frozen=True, slots=True)
class ClockReading:
    """What the node knows about its time. `source`: ntp, rtc, beacon, saved or guess."""

    trusted: bool = False
    source: str = "guess"
    offset_ms: int = 0


@dataclass(frozen=True, slots=True)
class HeldSchedule:
    """The revision of an area's schedule a node works from."""

    area_id: str = ""
    revision: int = 0


@dataclass(frozen=True, slots=True)
class Board:
    """The hardware around the program; None: this board does not tell. See README.md, status."""

    temperature_c: float | None = None
    under_voltage: bool | None = None
    throttled: bool | None = None
    power_was_low: bool | None = None
    boot_reason: str = ""
    boot_s: int = 0
    card_life_pct: int | None = None
    written_bytes: int | None = None
    link: str = ""
    signal_dbm: int | None = None
    signal_pct: int | None = None


@dataclass(frozen=True, slots=True)
class Status:
    """A node's state, retained: at once on a change that matters, and now and then in full.

    `holds_same`: `holds` is left out, it is as in the last status that had it.
    """

    at: datetime = EPOCH
    uptime_s: int = 0
    clock: ClockReading = ClockReading()
    schedules: tuple[HeldSchedule, ...] = ()
    holds: tuple[str, ...] = ()
    fetching: dict[str, int] = field(default_factory=dict)
    free_bytes: int = 0
    outbox: int = 0
    next_airing_id: str = ""
    next_airing_at: datetime | None = None
    playing: str = ""
    amplifier_on: bool = False
    sink: str = ""
    xruns: int = 0
    problems: tuple[str, ...] = ()
    refused: dict[str, int] = field(default_factory=dict)
    holds_same: bool = False
    version: str = ""
    sound_device: str = ""
    details: dict[str, str] = field(default_factory=dict)
    board: Board = Board()
    zones: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Beat:
    """Not retained; every `status_interval_s` while nothing in the status has changed."""

    uptime_s: int = 0
    offset_ms: int = 0


@dataclass(frozen=True, slots=True)
class Report:
    """One event of one airing, immutable once written; its id is (device, store_epoch, seq)."""

    seq: int = 0
    kind: ReportKind = ReportKind.FINISHED
    airing_id: str = ""
    planned_at: datetime = EPOCH
    at: datetime = EPOCH
    monotonic_ms: int = 0
    boot_id: str = ""
    clock: ClockReading = ClockReading()
    outcome: Outcome | None = None
    reason: str = ""
    detail: str = ""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    start_error_ms: float | None = None
    played_ms: int = 0
    length_ms: int = 0
    volume_pct: int = 100
    xruns: int = 0
    amplifier_on_at: datetime | None = None
    amplifier_off_at: datetime | None = None
    heard_ms: int | None = None
    heard_level_db: float | None = None
    heard_delay_ms: float | None = None

    @classmethod
    def salvaged(cls, known: dict[str, Any], unread: dict[str, str]) -> "Report":
        """One of a later version: kept and acknowledged, and folded as far as it can be read."""
        blurred = {"reason": Reason.NOT_UNDERSTOOD.value, "detail": first_of(unread)}
        kind = {"kind": ReportKind.UNKNOWN} if "kind" in unread else {}
        return cls(**{**known, **kind, **blurred})


@dataclass(frozen=True, slots=True)
class ReportBatch:
    """Up to 50 reports of one store, oldest first."""

    store_epoch: str = ""
    reports: tuple[Report, ...] = ()


@dataclass(frozen=True, slots=True)
class Want:
    """Chunks a broker did not have. `have`: base64 bitmap; `room`: bytes for the own topic."""

    sha256: str = ""
    bytes: int = 0
    have: str = ""
    room: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a command: `ok`, or a `problem` as a reason code with a plain `detail`."""

    command_id: str = ""
    verb: str = ""
    ok: bool = False
    problem: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Claim:
    """A new device asks to be bound. `proof`: see `claims`; signed by the key it shows."""

    public_key: str = ""
    proof: str = ""
    hardware: str = ""
    version: str = ""
