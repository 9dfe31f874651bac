"""An order to a node: checked, said once and signed, answered into its row, seen over the API."""

from datetime import timedelta

import pytest

from controller.accounts.access import SYSTEM, Actor
from controller.database import transaction
from controller.emergency import node_orders
from controller.errors import BadInput, Conflict
from controller.models import Airing, NodeOrder, Role
from controller.publishing.orders import Orders
from protocol import envelope
from protocol.codec import from_json
from protocol.envelope import MessageType
from protocol.keys import SigningKey
from protocol.messages import Answer, Command
from protocol.outcomes import Origin
from protocol.topics import Topics
from tests.controller.factories import make_clip
from tests.controller.mqtt.conftest import (
    NOW,
    bind,
    clock,
    commune,
    controller_key,
    engine,
    link,
    place,
    publisher,
)

__all__ = ["bind", "clock", "commune", "controller_key", "engine", "link", "place", "publisher"]
TOPICS = Topics("main")


@pytest.fixture
def served(place, bind):
    """(node id, device id) of a node with a device."""
    node_id, _ = place()
    return node_id, bind(node_id, SigningKey.generate())


@pytest.fixture
def offered():
    return {}


@pytest.fixture
def orders(engine, publisher, offered, clock):
    return Orders(engine, publisher, offered.update, clock)


@pytest.fixture
def ask(engine, served):
    def do(verb, **args):
        with transaction(engine) as session:
            return node_orders.order(session, SYSTEM, served[0], verb, args, NOW).id

    return do


@pytest.fixture
def said(link, controller_key, served):
    def read():
        sent = link.last(TOPICS.to_device(served[1], "command"))
        assert (sent.retain, sent.expires_in_s) == (False, 60)
        shown = controller_key.verify_key
        body = envelope.verify(sent.payload, MessageType.COMMAND, {shown.kid: shown})
        return from_json(Command, body)

    return read


def test_an_order_is_said_once_and_its_answer_kept(ask, orders, said, engine, served):
    order_id = ask("volume", pct=70)
    assert (orders.tell_node(order_id), orders.tell_node(order_id)) == (1, 0)
    assert said() == Command(order_id, "volume", {"pct": "70"})
    with transaction(engine) as session:
        row = session.get_one(NodeOrder, order_id)
        assert node_orders.state(row, NOW) == "waiting"
        assert node_orders.state(row, NOW + timedelta(seconds=71)) == "unanswered"
        answer = Answer(order_id, "volume", True)
        assert not node_orders.answered(session, "another", answer, NOW)
        assert node_orders.answered(session, served[1], answer, NOW)
        assert not node_orders.answered(session, served[1], Answer(order_id, ok=False), NOW)
        assert node_orders.state(row, NOW) == "done"


def test_a_test_play_is_an_airing_of_its_own(ask, orders, said, engine, offered):
    with transaction(engine) as session:
        clip = make_clip(session)
        clip_id, sha256 = clip.id, clip.versions[-1].sha256
    orders.tell_node(ask("play", clip_id=clip_id))
    airing = said().airing
    assert (airing.origin, airing.parts[0].sha256) == (Origin.TEST, sha256)
    assert set(offered) == {sha256}
    with transaction(engine) as session:
        row = session.get_one(Airing, airing.airing_id)
        assert (row.origin, row.areas, row.starts_at) == (Origin.TEST, [], airing.starts_at)


def test_another_commune_s_clip_is_no_test(engine, served, commune):
    tom = Actor(commune.users["tom"], "Tom", Role.TECHNICIAN, commune.areas["commune"])
    with transaction(engine) as session:
        own = make_clip(session, area_id=commune.areas["upper"])
        assert node_orders.order(session, tom, served[0], "play", {"clip_id": own.id}, NOW)
        theirs = make_clip(session, title="B", area_id=commune.areas["elsewhere"])
        with pytest.raises(BadInput):
            node_orders.order(session, tom, served[0], "play", {"clip_id": theirs.id}, NOW)


@pytest.mark.parametrize(
    ("verb", "args"),
    [
        ("volume", {"pct": 101}),
        ("volume", {}),
        ("mute", {"until": "soon"}),
        ("log_tail", {"lines": 0}),
        ("play", {"clip_id": "none"}),
        ("dance", {}),
    ],
)
def test_what_makes_no_sense_is_refused(ask, verb, args):
    with pytest.raises(BadInput):
        ask(verb, **args)


def test_a_node_without_a_device_takes_no_orders(engine, place):
    node_id, _ = place("loa-02")
    with transaction(engine) as session, pytest.raises(Conflict):
        node_orders.order(session, SYSTEM, node_id, "restart", {}, NOW)
