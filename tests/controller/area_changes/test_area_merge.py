"""Merging and splitting units: what lies ahead passes on, what has been stays."""

import pytest
from sqlalchemy import select

from controller.accounts.access import SYSTEM
from controller.area_changes import area_edits, area_merge
from controller.area_changes.area_edits import AreaInput
from controller.errors import BadInput, NotFound
from controller.fleet import nodes
from controller.models import Airing, Playback, ServiceCommand, User
from controller.outcomes import playbacks
from controller.outcomes.playbacks import PlaybackFilters
from controller.planning import airings
from controller.scheduling import approvals, schedules
from controller.territory import areas
from tests.controller.factories import DAY, HOUR, NOW, make_clip, make_node, schedule_input


@pytest.fixture
def villages(cast):
    return cast.areas["upper"], cast.areas["lower"]


def on_air(session, cast, clip, area_id, **more):
    schedule, _ = schedules.create(
        session, cast.erin, schedule_input(clip.id, area_id, **more), NOW
    )
    return approvals.approve_schedule(session, cast.bob, schedule.id, NOW)


def test_nodes_clips_and_people_pass_on(session, cast, villages):
    upper, lower = villages
    node = make_node(session, upper)
    clip = make_clip(session, area_id=upper)
    user = session.scalars(select(User).where(User.username == "vera")).one()
    user.area_id = upper
    area_merge.merge(session, cast.alice, [upper], lower, NOW)
    assert nodes.area_of(session, node.id, NOW) == lower
    assert nodes.area_of(session, node.id, NOW - HOUR) == upper
    session.expire_all()
    assert (clip.area_id, user.area_id) == (lower, lower)
    assert areas.get(session, SYSTEM, upper).closed_at == NOW
    assert upper not in {area.id for area in areas.page(session, cast.alice).items}


def test_schedules_go_on_in_the_merged_area_with_their_ids(session, cast, villages):
    upper, lower = villages
    clip = make_clip(session, area_id=cast.areas["commune"])
    on_air(session, cast, clip, upper, recurrence={"rrule": "FREQ=DAILY"})
    before = [view.airing.id for view in airings.page(session, cast.bob, now=NOW).items]
    area_merge.merge(session, cast.alice, [upper], lower, NOW)
    found = airings.page(session, cast.bob, now=NOW).items
    assert [view.airing.id for view in found] == before
    assert {view.area_ids for view in found} == {(lower,)}


def test_the_log_stays_where_it_was(session, cast, villages):
    upper, lower = villages
    node = make_node(session, upper)
    at = NOW - DAY
    session.add(Playback(planned_day=at.date(), airing_id="a", node_id=node.id, planned_at=at))
    session.flush()
    area_merge.merge(session, cast.alice, [upper], lower, NOW)
    (view,) = playbacks.page(session, cast.bob, PlaybackFilters()).items
    assert view.area_id == upper


def test_an_airing_on_the_air_keeps_its_targets(session, cast):
    """A commune merges while its evening bulletin sounds in its villages."""
    commune = cast.areas["commune"]
    other = area_edits.create(session, SYSTEM, AreaInput("Xã Mới", "xã"), NOW)
    node = make_node(session, cast.areas["upper"])
    clip = make_clip(session)
    schedule = on_air(session, cast, clip, commune)
    airing = session.scalars(select(Airing).where(Airing.schedule_id == schedule.id)).one()
    during = airing.starts_at + HOUR / 60
    area_merge.merge(session, SYSTEM, [commune], other.id, during)
    session.expire_all()
    assert [n.id for n in airings.targets(session, airing)] == [node.id]
    assert areas.path(session, cast.areas["upper"]) == (other.id, cast.areas["upper"])


def test_nodes_are_told_their_new_path(session, cast, villages):
    node = make_node(session, villages[0])
    area_merge.merge(session, cast.alice, [villages[0]], villages[1], NOW)
    told = [(c.kind, c.body) for c in session.scalars(select(ServiceCommand))]
    assert ("node_changed", {"node_id": node.id}) in told
    assert any(kind == "schedules_changed" for kind, _ in told)


def test_what_cannot_merge_is_refused(session, cast, villages):
    upper, _ = villages
    with pytest.raises(BadInput):
        area_merge.merge(session, cast.alice, [cast.areas["commune"]], upper, NOW)
    area_edits.update(session, cast.alice, upper, {"timezone": "Europe/Berlin"}, NOW)
    with pytest.raises(BadInput):
        area_merge.merge(session, cast.alice, [upper], villages[1], NOW)


def test_a_split_takes_over_the_named_nodes(session, cast, villages):
    upper, _ = villages
    stays, goes = make_node(session, upper, "A"), make_node(session, upper, "B")
    new = area_merge.split(session, cast.alice, upper, AreaInput("Bản Tách", "bản"), [goes.id], NOW)
    assert nodes.area_of(session, goes.id, NOW) == new.id
    assert nodes.area_of(session, stays.id, NOW) == upper
    assert areas.path(session, new.id)[0] == cast.areas["commune"]
    with pytest.raises(BadInput):
        data = AreaInput("Bản Khác", "bản")
        area_merge.split(session, cast.alice, upper, data, [goes.id], NOW)


def test_an_outsider_merges_nothing(session, cast, villages):
    with pytest.raises(NotFound):
        area_merge.merge(session, cast.charlie, [villages[0]], cast.areas["elsewhere"], NOW)
