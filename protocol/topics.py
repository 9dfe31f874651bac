"""Every MQTT topic, built and parsed in one place.

Grammar: `loa/v1/<site>/<kind>/<id>/<way>/<channel>`, always seven levels, so that one filter
shape fits all. `way` is `dn` (said to nodes), `up` (said by nodes) or `c` (a chunk of a blob).
"""

import re
from dataclasses import dataclass

ROOT = "loa/v1"
SHARE = "$share/"  # and a group, before a filter: the broker spreads its messages over the group
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class Topic:
    """A parsed topic: `kind` is ctl, area, device, blob or claim."""

    site: str
    kind: str
    id: str
    way: str
    channel: str

    def __str__(self) -> str:
        return f"{ROOT}/{self.site}/{self.kind}/{self.id}/{self.way}/{self.channel}"


def parse(topic: str) -> Topic | None:
    """The parts of a topic of ours, or None for any other string."""
    levels = topic.split("/")
    if len(levels) != 7 or "/".join(levels[:2]) != ROOT:
        return None
    if not all(_ID.fullmatch(level) for level in levels[2:]):
        return None
    return Topic(*levels[2:])


@dataclass(frozen=True, slots=True)
class Topics:
    """Builds the topics of one site (a commune, or a province's shard)."""

    site: str

    def __post_init__(self) -> None:
        if not _ID.fullmatch(self.site):
            raise ValueError(f"site {self.site!r}: use 1-64 letters, digits, '-' or '_'")

    def controller_state(self) -> str:
        """Retained, with a last will: is the controller there."""
        return f"{ROOT}/{self.site}/ctl/main/dn/state"

    def trust(self) -> str:
        """Retained: which keys may say what."""
        return f"{ROOT}/{self.site}/ctl/main/dn/trust"

    def schedule(self, area_id: str) -> str:
        """Retained schedule head of an area."""
        return f"{ROOT}/{self.site}/area/{area_id}/dn/schedule"

    def area_state(self, area_id: str) -> str:
        """Retained emergencies and mutes of an area."""
        return f"{ROOT}/{self.site}/area/{area_id}/dn/state"

    def area_command(self, area_id: str) -> str:
        """Instant commands to an area; never retained."""
        return f"{ROOT}/{self.site}/area/{area_id}/dn/command"

    def to_device(self, device_id: str, channel: str) -> str:
        """`channel`: config, certificate (both retained), command, ack or beacon."""
        return f"{ROOT}/{self.site}/device/{device_id}/dn/{channel}"

    def from_device(self, device_id: str, channel: str) -> str:
        """`channel`: presence (retained, will), status (retained), beat, report, want, answer."""
        return f"{ROOT}/{self.site}/device/{device_id}/up/{channel}"

    def claim(self, device_id: str) -> str:
        """A device nobody knows yet asks to be bound to a node."""
        return f"{ROOT}/{self.site}/claim/{device_id}/up/claim"

    def claim_answer(self, device_id: str) -> str:
        """The certificate of a device that has just been bound, where it may hear it."""
        return f"{ROOT}/{self.site}/claim/{device_id}/dn/certificate"

    def chunk(self, sha256: str, index: int) -> str:
        """Retained chunk `index` of the blob with this SHA-256 (hex)."""
        return f"{ROOT}/{self.site}/blob/{sha256[:32]}/c/{index}"

    def shared_reports(self, group: str) -> str:
        """The subscription that a group shares: each report comes to one of its workers.

        The group's name is a secret: whoever subscribed under it, even without the right to read,
        would have its share of the reports thrown away.
        """
        return f"{SHARE}{group}/{self.from_device('+', 'report')}"

    def everything_from_devices(self) -> list[str]:
        """The controller's subscriptions, one per channel so that workers can share some."""
        channels = ("presence", "status", "beat", "report", "want", "answer")
        return [f"{ROOT}/{self.site}/device/+/up/{channel}" for channel in channels] + [
            f"{ROOT}/{self.site}/claim/+/up/claim"
        ]
