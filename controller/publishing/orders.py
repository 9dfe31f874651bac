"""What overrides the schedule: the state of areas, retained, and the instant commands beside it.

A stop or an emergency goes out at once as a command that expires in a minute; the state that
follows it is what a node sees that comes back later. One sequence numbers both, so that a stop
beats the plays before it whichever way they came.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from controller import database
from controller.emergency import area_states, node_orders
from controller.models import Document, Emergency, NodeOrder, new_id
from controller.mqtt.publisher import Publisher, Retained
from protocol.envelope import MessageType
from protocol.messages import Command
from protocol.outcomes import CommandVerb
from protocol.programme import blobs_of
from protocol.topics import parse

_TTL = timedelta(seconds=60)


class Orders:
    """`announce` after every change, `refresh` now and then: states lapse by themselves.

    `offer` is given the sounds (sha256 → bytes) that nodes may have to fetch at once.
    """

    def __init__(
        self,
        engine: Engine,
        publisher: Publisher,
        offer: Callable[[Mapping[str, int]], None],
        clock: Callable[[], datetime],
    ) -> None:
        self._engine = engine
        self._publisher = publisher
        self._offer = offer
        self._clock = clock

    def announce(
        self, area_ids: Sequence[str], verb: str | None = None, emergency_id: str | None = None
    ) -> int:
        """Say the command (`stop`, or `play` of an emergency), then the areas' states; how many."""
        if verb:
            self._command(area_ids, verb, emergency_id)
        published = self._publish(area_ids)
        if emergency_id:
            self._note_published(emergency_id)
        return published

    def tell_node(self, order_id: str) -> int:
        """Say a technician's order to its node, once; how many were said."""
        with database.transaction(self._engine) as session:
            row = session.get(NodeOrder, order_id)
            if row is None or row.sent_at is not None:
                return 0
            row.sent_at = self._clock()
            said = node_orders.command_of(row)
            to, ttl = f"device:{row.device_id}", node_orders.TTL
            sealed = self._publisher.seal(session, MessageType.COMMAND, to, said, ttl)
            topic = self._publisher.topics.to_device(row.device_id, "command")
        self._publisher.send(topic, sealed, ttl)
        if said.airing:
            self._offer(blobs_of(said.airing.parts))
        return 1

    def refresh(self) -> int:
        """Bring the states that stand up to date: what has lapsed leaves them."""
        with database.reading(self._engine) as session:
            topics = session.scalars(select(Document.topic)).all()
        parsed = (parse(topic) for topic in topics)
        return self._publish([t.id for t in parsed if t and (t.kind, t.channel) == _STATE])

    def _publish(self, area_ids: Iterable[str]) -> int:
        return sum(self._publish_one(area_id) for area_id in area_ids)

    def _publish_one(self, area_id: str) -> bool:
        with database.reading(self._engine) as session:
            state = area_states.area_state(session, area_id, self._clock())
        topic = self._publisher.topics.area_state(area_id)
        return self._publisher.retain(
            Retained(topic, MessageType.AREA_STATE, f"area:{area_id}", state)
        )

    def _command(self, area_ids: Sequence[str], verb: str, emergency_id: str | None) -> None:
        with database.transaction(self._engine) as session:
            said = self._said(session, verb, emergency_id)
            sealed = [
                self._publisher.seal(session, MessageType.COMMAND, f"area:{area_id}", said, _TTL)
                for area_id in area_ids
            ]
        for area_id, envelope in zip(area_ids, sealed, strict=True):
            self._publisher.send(self._publisher.topics.area_command(area_id), envelope, _TTL)
        if said.airing:
            self._offer(blobs_of(said.airing.parts))

    def _said(self, session: Session, verb: str, emergency_id: str | None) -> Command:
        if verb != CommandVerb.PLAY or emergency_id is None:
            return Command(new_id(), verb)
        emergency = session.get_one(Emergency, emergency_id)
        # Its repeats travel in the state; only the first sounding is a matter of seconds.
        first, *_ = area_states.soundings(session, emergency)
        return Command(first.airing_id, verb, airing=first)  # an answer names what it is about

    def _note_published(self, emergency_id: str) -> None:
        with database.transaction(self._engine) as session:
            emergency = session.get_one(Emergency, emergency_id)
            emergency.published_at = emergency.published_at or self._clock()


_STATE = ("area", "state")
