"""What the node is told: each message to the part it is for, after the gate has let it through."""

import logging
from typing import TYPE_CHECKING

from protocol.envelope import MessageType
from protocol.errors import Malformed
from protocol.messages import Beacon, ControllerState, ReportAck

if TYPE_CHECKING:
    from device.node import Node

log = logging.getLogger(__name__)

_MOST_REFUSED = 50


class Inbox:
    """Sorts the messages of one node. `refused`: what the disk did not let us take, to be retried.

    What must not be obeyed before it is written down (see `trust`) is heard anew, some seconds
    later, with the same signature and the same expiry.
    """

    def __init__(self, node: "Node") -> None:
        self._node = node
        self._controller_epoch = ""
        self._me = f"device:{node.device_id}"
        self.refused: list[tuple[str, bytes, bool]] = []
        self.refusal: OSError | None = None  # the disk's word on the newest of them

    def message(self, topic: str, payload: bytes, retained: bool) -> None:
        """A message of the link's, or of a stick's."""
        try:
            self._sort(topic, payload, retained=retained)
        except Malformed as error:
            log.error("a signed message on %s cannot be read: %s", topic, error)
            self._node.gate.refused["malformed"] += 1
        except OSError as error:
            log.error("a message on %s cannot be taken now: %s", topic, error)
            same = [each for each in self.refused if each[1] != payload]
            self.refusal = error
            self.refused = [*same, (topic, payload, retained)][-_MOST_REFUSED:]

    def retry(self) -> None:
        """Take what the disk refused, in the order it came."""
        waiting, self.refused, self.refusal = self.refused, [], None
        for topic, payload, retained in waiting:
            self.message(topic, payload, retained)

    def _sort(self, topic: str, payload: bytes, *, retained: bool) -> None:
        if "/blob/" in topic:
            self._node.fetcher.take(topic, payload)
        elif topic.endswith("/dn/chunk"):
            self._node.fetcher.take_private(payload)
        elif not payload:
            return  # a retained message was cleared; what we hold stays in force
        elif topic == self._node.topics.controller_state():
            self._controller_state(payload, retained=retained)
        elif topic == self._node.topics.trust():
            if self._node.documents.take_trust(payload):
                self._node.link.ask_again()
        elif topic.endswith("/dn/config"):
            if self._node.documents.take_config(payload):
                self._rebound()
        elif topic.endswith("/dn/certificate"):
            if self._node.passport.take(payload) and self._node.link.joining:
                # A session that was only for joining has served its purpose.
                self._node.loop.call_later(0.0, self._node.link.redial)
        elif topic.endswith("/dn/schedule"):
            if self._node.documents.take_schedule(topic, payload):
                self._node.replan()
        elif "/area/" in topic and topic.endswith("/dn/state"):
            if self._node.documents.take_area_state(topic, payload):
                self._node.replan()
                self._node.tick_now()
        elif topic.endswith("/dn/command"):
            self._node.desk.command(topic, payload, retained=retained)
        elif topic.endswith("/dn/ack"):
            self._acknowledged(payload)
        elif topic.endswith("/dn/beacon"):
            self._beacon(payload)

    def _rebound(self) -> None:
        """A new config: other areas perhaps, other languages, another volume.

        A presence sent before the binding belonged to nobody; it is said again.
        """
        self._node.link.unwant(self._node.documents.left_topics(self._node.topics))
        self._node.link.want(self._node.documents.area_topics(self._node.topics))
        self._node.present()
        self._node.replan()

    def _controller_state(self, payload: bytes, *, retained: bool) -> None:
        opened = self._node.gate.open(
            payload,
            MessageType.CONTROLLER_STATE,
            "controller",
            to="site",
            retained=True,
            durable=False,
        )
        if opened is None:
            return
        state = opened.read(ControllerState)
        if not state.online:
            return
        if self._controller_epoch not in ("", state.epoch):
            self._node.present()
            self._node.pulse.afresh()
        if not retained:
            # It has just come (back): what was sent into a broker without it was lost.
            self._node.sender.connected()
            self._node.send_reports()
        self._controller_epoch = state.epoch

    def _acknowledged(self, payload: bytes) -> None:
        opened = self._node.gate.open(payload, MessageType.ACK, "ack", to=self._me, durable=False)
        if opened and self._node.sender.acknowledged(
            opened.read(ReportAck), self._node.loop.monotonic()
        ):
            self._node.changed()

    def _beacon(self, payload: bytes) -> None:
        opened = self._node.gate.open(
            payload,
            MessageType.BEACON,
            "beacon",
            to=f"device:{self._node.device_id}",
            durable=False,
        )
        if opened is None:
            return
        beacon = opened.read(Beacon)
        if not self._node.gate.nonce or beacon.nonce != self._node.gate.nonce:
            self._node.gate.refused["not_fresh"] += 1
            return
        self._node.gate.fresh = True
        round_trip_s = self._node.loop.monotonic() - self._node.asked_at
        self._node.clock.take_beacon(beacon.now.timestamp(), round_trip_s)
        self._node.note_time()
        self._node.replan()
