"""Stagger slots in the database: set when a node is placed, told to the nodes they touch."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from controller.errors import BadInput, NotAllowed
from controller.fleet import nodes, stagger
from controller.fleet.nodes import NodeInput
from controller.models import ServiceCommand, Setting
from controller.planning import airings
from controller.scheduling import approvals, schedules
from controller.territory.places import Tree
from tests.controller.factories import NOW, make_clip, schedule_input

METRE = 1 / 111_320


@pytest.fixture
def neighbours(session, cast):
    """Two villages 400 m apart."""
    made = []
    for code, area, metres in (("A", "upper", 0), ("B", "lower", 400)):
        data = NodeInput(code, code, cast.areas[area], lat=20 + metres * METRE, lon=105.0)
        made.append(nodes.create(session, cast.tom, data, NOW)[0])
    return made


def test_a_neighbour_gets_the_next_slot(session, neighbours):
    assert sorted(node.stagger_slot for node in neighbours) == [0, 1]


def test_a_node_without_a_place_keeps_the_first(session, cast, neighbours):
    node, _ = nodes.create(session, cast.tom, NodeInput("C", "C", cast.areas["upper"]), NOW)
    assert node.stagger_slot == 0


def test_moving_away_frees_the_slot_and_tells_the_node(session, cast, neighbours):
    waiting = next(node for node in neighbours if node.stagger_slot == 1)
    nodes.update(session, cast.tom, waiting.id, {"lat": 21.0}, NOW)
    assert waiting.stagger_slot == 0
    told = [command.body for command in session.scalars(select(ServiceCommand))]
    assert {"node_id": waiting.id} in told


def test_earshot_can_be_set(session, cast, neighbours):
    session.add(Setting(name=stagger.SETTING, value={"metres": 100}))
    session.flush()
    assert len(stagger.assign(session, cast.alice, NOW)) == 1
    assert [node.stagger_slot for node in neighbours] == [0, 0]


def test_the_page_can_say_who_waits_and_how_long(session, cast, neighbours):
    (wait,) = stagger.waits(session, [cast.areas["commune"]], Tree.load(session))
    assert wait.wait_ms == 2000
    assert wait.node.stagger_slot == 1


def test_who_gets_a_neighbour_later_waits_in_what_is_planned_already(session, cast):
    clip = make_clip(session, area_id=cast.areas["commune"])
    data = schedule_input(clip.id, cast.areas["commune"])
    schedule, _ = schedules.create(session, cast.erin, data, NOW)
    approvals.approve_schedule(session, cast.bob, schedule.id, NOW)
    for code, metres in (("A", 0), ("B", 400)):
        place = NodeInput(code, code, cast.areas["upper"], lat=20 + metres * METRE, lon=105.0)
        nodes.create(session, cast.tom, place, NOW)
    (view,) = airings.page(session, cast.bob, now=NOW).items
    assert view.airing.stagger_step_ms == 2000


@pytest.mark.parametrize(("class_", "step_ms"), [("normal", 2000), ("emergency", 0)])
def test_speech_is_staggered_and_emergencies_are_not(session, cast, neighbours, class_, step_ms):
    clip = make_clip(session, area_id=cast.areas["commune"])
    data = schedule_input(clip.id, cast.areas["commune"], class_=class_)
    schedule, _ = schedules.create(session, cast.erin, data, NOW)
    approvals.approve_schedule(session, cast.bob, schedule.id, NOW)
    (view,) = airings.page(session, cast.bob, now=NOW).items
    assert view.airing.stagger_step_ms == step_ms
    assert (view.airing.ends_at - view.airing.starts_at).total_seconds() == 60 + step_ms / 1000


def test_earshot_is_adjusted_and_the_slots_follow(session, cast, neighbours):
    root = replace(cast.alice, area_id=None)
    changed = stagger.set_earshot(session, root, 300, NOW)
    assert len(changed) == 1
    assert [node.stagger_slot for node in neighbours] == [0, 0]
    assert stagger.set_earshot(session, root, 700, NOW)
    assert sorted(node.stagger_slot for node in neighbours) == [0, 1]
    with pytest.raises(BadInput, match="50 to 5000"):
        stagger.set_earshot(session, root, 5, NOW)
    with pytest.raises(NotAllowed):
        stagger.set_earshot(session, cast.bob, 300, NOW)
