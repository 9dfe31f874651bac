"""Nodes: where they belonged and when, and what their devices say."""

import pytest
from sqlalchemy import select

from controller.errors import BadInput, NotAllowed, NotFound
from controller.fleet import nodes
from controller.fleet.nodes import NodeInput
from controller.models import ClaimCode, ServiceCommand
from tests.controller.factories import DAY, HOUR, NOW, make_clip, make_node, serve, sha


def test_a_new_node_has_a_claim_code_and_a_place(session, cast):
    data = NodeInput("Loa nhà văn hoá", "TH-01", cast.areas["upper"], volume=80)
    node, code = nodes.create(session, cast.tom, data, NOW)
    assert nodes.area_of(session, node.id, NOW) == cast.areas["upper"]
    assert nodes.area_of(session, node.id, NOW - HOUR) is None
    assert session.scalars(select(ClaimCode.code)).all() == [code]
    assert node.volume_pct == 80
    assert session.scalars(select(ServiceCommand.body)).all() == [{"node_id": node.id}]


def test_a_viewer_makes_no_node(session, cast):
    with pytest.raises(NotAllowed):
        nodes.create(session, cast.vera, NodeInput("x", "X-1", cast.areas["upper"]), NOW)


def test_a_code_is_given_once(session, cast):
    make_node(session, cast.areas["upper"], "TH-01")
    with pytest.raises(BadInput) as refused:
        nodes.create(session, cast.tom, NodeInput("x", "TH-01", cast.areas["lower"]), NOW)
    assert "code" in refused.value.errors


@pytest.mark.parametrize(
    ("values", "field"),
    [({"volume": 101}, "volume"), ({"lat": 91.0}, "lat"), ({"name": ""}, "name"),
     ({"slot": 1}, "slot"), ({"languages": ["?"]}, "languages")],
)  # fmt: skip
def test_what_cannot_be_is_named(session, cast, values, field):
    node = make_node(session, cast.areas["upper"])
    with pytest.raises(BadInput) as refused:
        nodes.update(session, cast.tom, node.id, values, NOW)
    assert field in refused.value.errors


def test_moving_a_node_keeps_where_it_was(session, cast):
    upper, lower = cast.areas["upper"], cast.areas["lower"]
    node = make_node(session, upper, now=NOW - 2 * DAY)
    nodes.update(session, cast.tom, node.id, {"area_id": lower}, NOW)
    assert nodes.area_of(session, node.id, NOW - DAY) == upper
    assert nodes.area_of(session, node.id, NOW) == lower
    assert nodes.nodes_in(session, [upper], NOW) == []
    assert [n.id for n in nodes.nodes_in(session, [upper], NOW - DAY)] == [node.id]


def test_two_moves_in_one_instant_leave_the_last(session, cast):
    upper, lower = cast.areas["upper"], cast.areas["lower"]
    node = make_node(session, upper, now=NOW)
    nodes.update(session, cast.tom, node.id, {"area_id": lower}, NOW)
    assert nodes.area_of(session, node.id, NOW) == lower


def test_a_node_moves_only_within_the_actors_areas(session, cast):
    node = make_node(session, cast.areas["upper"])
    with pytest.raises(NotFound):
        nodes.update(session, cast.tom, node.id, {"area_id": cast.areas["elsewhere"]}, NOW)


def test_nodes_below_an_area_belong_to_it(session, cast):
    for code, area in (("B", "upper"), ("A", "lower"), ("C", "elsewhere")):
        make_node(session, cast.areas[area], code)
    found = nodes.nodes_in(session, [cast.areas["commune"]], NOW)
    assert [node.code for node in found] == ["A", "B"]


def test_a_retired_node_is_no_target_any_more(session, cast):
    node = make_node(session, cast.areas["upper"])
    nodes.retire(session, cast.tom, node.id, NOW)
    assert nodes.nodes_in(session, [cast.areas["upper"]], NOW) == []
    assert nodes.page(session, cast.tom, now=NOW).items == []
    assert nodes.get(session, cast.tom, node.id).retired_at == NOW


def test_a_new_claim_code_voids_the_old(session, cast):
    node = make_node(session, cast.areas["upper"])
    new = nodes.new_claim_code(session, cast.tom, node.id, NOW)
    valid = select(ClaimCode.code).where(ClaimCode.expires_at > NOW)
    assert session.scalars(valid).all() == [new]


def test_the_view_tells_what_the_device_said(session, cast):
    clip = make_clip(session)
    node = make_node(session, cast.areas["upper"])
    holds = [clip.versions[0].sha256, sha("a tune")]
    device = serve(session, node, holds=holds, problems=["no_sound"])
    view = nodes.view(session, node, NOW)
    assert (view.online, view.device_id, view.area_id) == (True, device.id, cast.areas["upper"])
    assert view.holds == (clip.id,)
    assert view.problems == ("no_sound",)
    assert view.clock == {"trusted": True}


def test_the_view_tells_how_far_a_download_is(session, cast):
    clip = make_clip(session)
    node = make_node(session, cast.areas["upper"])
    device = serve(session, node)
    version = clip.versions[0]
    device.status = {"fetching": {version.sha256: 25, sha("a page"): 50}}
    session.flush()
    (under_way,) = nodes.view(session, node, NOW).fetching
    assert (under_way.clip_id, under_way.bytes) == (clip.id, version.bytes)
    assert under_way.held_bytes == version.bytes // 4


def test_a_node_without_hardware_is_offline(session, cast):
    view = nodes.view(session, make_node(session, cast.areas["upper"]), NOW)
    assert (view.online, view.last_seen_at, view.holds) == (False, None, ())


def test_lists_go_by_code_and_area(session, cast):
    for code, area in (("B", "upper"), ("A", "lower"), ("C", "elsewhere")):
        make_node(session, cast.areas[area], code)
    first = nodes.page(session, cast.vera, now=NOW, limit=1)
    second = nodes.page(session, cast.vera, now=NOW, limit=1, cursor=first.next_cursor)
    assert [v.node.code for v in first.items + second.items] == ["A", "B"]
    assert second.next_cursor is None
    upper = nodes.page(session, cast.vera, now=NOW, area_id=cast.areas["upper"])
    assert [v.node.code for v in upper.items] == ["B"]


def test_an_outsider_sees_no_node(session, cast):
    node = make_node(session, cast.areas["upper"])
    assert nodes.page(session, cast.charlie, now=NOW).items == []
    with pytest.raises(NotFound):
        nodes.get(session, cast.charlie, node.id)
    with pytest.raises(NotFound):
        nodes.update(session, cast.charlie, node.id, {"name": "x"}, NOW)
