"""An armed airing as the player has it, and the amplifier as the player sees it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from device.player.envelope import Envelope
from device.player.evidence import Recording
from device.player.score import Score

_GRANT_MARGIN_S = 0.06  # the keeper's own way to the pin
ALL_ZONES = ""


class Lease(Protocol):
    """The amplifier keeper, as the engine sees it."""

    def hold(self, airing_id: str, zones: Sequence[str]) -> None:
        """These amplifiers on, or still on; to be repeated well within the lease."""

    def release(self) -> None: ...


@dataclass
class Job:
    """One armed airing. `start` is when frame 0 belongs on the wire."""

    airing_id: str
    score: Score
    start: float
    wall_offset: float
    settle_s: float
    tail_s: float
    volume: float
    zones: tuple[str, ...] = ()  # the amplifiers it is for; none named: all
    envelope: Envelope = field(default_factory=Envelope)
    gone: bool = False
    granted_at: float | None = None
    position: int | None = None  # the next frame to write, once spliced in
    ends_at: float | None = None  # when the last frame leaves
    first_frame_at: float = 0.0
    joined_at: int = 0  # frames skipped by a late join
    played: int = 0
    fading: bool = False
    stopped: str = ""
    xruns_before: int = 0
    told: bool = False  # `finished` has been sent
    recording: Recording | None = None

    @property
    def waiting(self) -> bool:
        """Released, and neither begun nor given up."""
        return self.gone and self.position is None and self.ends_at is None

    @property
    def grant_at(self) -> float:
        """When the amplifier is to be switched on."""
        return self.start - self.settle_s - _GRANT_MARGIN_S

    @property
    def amplifiers(self) -> tuple[str, ...]:
        return self.zones or (ALL_ZONES,)

    def loudness(self, position: int) -> float:
        """The volume at a frame: the node's own, as far as the hours let it through."""
        return self.volume * self.envelope.at(position)

    def on_wire_at(self, now: float) -> float:
        """The earliest instant sound may leave: the amplifier will have settled by then."""
        granted_at = self.granted_at if self.granted_at is not None else max(now, self.grant_at)
        return max(self.start, granted_at + self.settle_s)
