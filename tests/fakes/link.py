"""A link to no broker: it keeps what was published, and can be taken down."""

from dataclasses import dataclass

from controller.mqtt.errors import LinkDown
from controller.mqtt.link import BrokerAddress, Link


@dataclass(frozen=True)
class Sent:
    """One publish."""

    topic: str
    payload: bytes
    retain: bool
    expires_in_s: int | None


class FakeLink(Link):
    def __init__(self):
        super().__init__(
            BrokerAddress("broker.invalid", 1883),
            "fake",
            [],
            make_will=lambda: ("will", b""),
            on_up=lambda session_present: None,
            on_arrival=lambda arrival: None,
        )
        self.sent = []
        self.acknowledged = []
        self.down = False

    @property
    def up(self):
        return not self.down

    def publish(self, topic, payload, *, retain=False, expires_in_s=None, timeout_s=10.0):
        if self.down:
            raise LinkDown
        self.sent.append(Sent(topic, payload, retain, expires_in_s))

    def acknowledge(self, arrival):
        self.acknowledged.append(arrival)

    def last(self, topic):
        return next(sent for sent in reversed(self.sent) if sent.topic == topic)
