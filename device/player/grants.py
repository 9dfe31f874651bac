"""When each amplifier is wanted: told to the keeper, and noted down in the jobs it is for."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from device.player.jobs import ALL_ZONES, Job, Lease


@dataclass
class Grants:
    """Holds the lease for the jobs that want it, and remembers how long each amplifier is on."""

    lease: Lease
    _held_since: dict[str, float] = field(default_factory=dict)  # by zone

    def mind(self, jobs: Iterable[Job], now: float) -> None:
        """Called on every step."""
        wanting = [job for job in jobs if job.gone and now >= job.grant_at]
        if not wanting:
            self.release()
            return
        zones = sorted({zone for job in wanting for zone in job.amplifiers})
        self._held_since = {zone: self._held_since.get(zone, now) for zone in zones}
        for job in wanting:
            # An amplifier that is on already has settled for whoever comes next.
            since = max(self._held_since[zone] for zone in job.amplifiers)
            job.granted_at = since if job.granted_at is None else job.granted_at
        holder = min(wanting, key=lambda job: job.told).airing_id
        self.lease.hold(holder, () if ALL_ZONES in zones else zones)

    def release(self) -> None:
        self._held_since.clear()
        self.lease.release()
