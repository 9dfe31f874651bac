"""Documents follow the rows: what airs, when it may sound, and what is a node's own."""

from datetime import UTC, datetime, timedelta

import pytest

from controller.accounts.access import SYSTEM
from controller.area_changes import area_edits
from controller.errors import BadInput
from controller.fleet import nodes
from controller.library import clips
from controller.publishing import documents
from controller.scheduling import approvals, schedules
from protocol.pages import unpack_page
from tests.controller.factories import NOW, make_clip, make_node, schedule_input, serve

DAILY = {"rrule": "FREQ=DAILY"}


@pytest.fixture
def on_air(session, cast):
    def make(area="commune", **more):
        clip = make_clip(session, area_id=cast.areas["commune"])
        data = schedule_input(clip.id, cast.areas[area], **more)
        made, _ = schedules.create(session, cast.erin, data, NOW)
        approvals.approve_schedule(session, cast.bob, made.id, NOW)
        return clip, made

    return make


def pages(document):
    return [unpack_page(document.pages[ref.sha256]) for ref in document.head.pages]


def test_a_document_has_a_page_for_each_day_from_yesterday_to_the_horizon(session, cast):
    document = documents.area_document(session, cast.areas["upper"], NOW, 30)
    days = [ref.day for ref in document.head.pages]
    assert (days[0], days[-1], len(days)) == ("2026-11-21", "2026-12-23", 33)
    assert document.head.until == datetime(2026, 12, 24, tzinfo=UTC)


def test_an_airing_stands_on_the_page_of_its_utc_day_with_its_parts(session, cast, on_air):
    clip, _ = on_air(starts_at="2026-11-24T05:30", recurrence=DAILY)
    document = documents.area_document(session, cast.areas["commune"], NOW, 30)
    monday = pages(document)[2]
    assert monday.day == "2026-11-23"
    (airing,) = monday.airings
    assert airing.starts_at == datetime(2026, 11, 23, 22, 30, tzinfo=UTC)
    assert [part.clip_id for part in airing.parts] == [clip.id]
    assert len(document.airings) >= 30


def test_an_airing_stands_only_in_the_areas_it_names(session, cast, on_air):
    on_air("upper")
    assert documents.area_document(session, cast.areas["upper"], NOW, 30).airings
    assert not documents.area_document(session, cast.areas["commune"], NOW, 30).airings


def test_a_withdrawn_clip_takes_the_airing_off_the_page(session, cast, on_air):
    clip, _ = on_air()
    clips.withdraw(session, cast.bob, clip.id, NOW)
    assert not documents.area_document(session, cast.areas["commune"], NOW, 30).airings


def test_a_paused_schedule_leaves_the_pages(session, cast, on_air):
    _, made = on_air()
    schedules.pause(session, cast.bob, made.id, NOW)
    assert not documents.area_document(session, cast.areas["commune"], NOW, 30).airings


def test_the_same_rows_give_the_same_bytes(session, cast, on_air):
    on_air(recurrence=DAILY)
    first = documents.area_document(session, cast.areas["commune"], NOW, 30)
    later = documents.area_document(session, cast.areas["commune"], NOW + timedelta(hours=3), 30)
    assert later.pages == first.pages
    assert later.head == first.head


def test_without_an_hours_rule_a_page_has_no_windows(session, cast):
    document = documents.area_document(session, cast.areas["upper"], NOW, 3)
    assert {page.windows for page in pages(document)} == {None}


def test_permitted_hours_of_the_commune_hold_in_its_villages(session, cast):
    policy = {"permit": [{"days": [1, 2, 3, 4, 5, 6, 7], "from": "05:30", "to": "06:30"}]}
    area_edits.update(session, SYSTEM, cast.areas["commune"], {"policy": policy}, NOW)
    document = documents.area_document(session, cast.areas["upper"], NOW, 3)
    (window,) = pages(document)[1].windows
    assert window.from_ == datetime(2026, 11, 22, 22, 30, tzinfo=UTC)
    assert window.until == datetime(2026, 11, 22, 23, 30, tzinfo=UTC)


def test_every_area_on_the_path_of_a_node_is_served(session, cast):
    make_node(session, cast.areas["upper"])
    served = documents.areas_to_serve(session, NOW)
    assert served == sorted([cast.areas["commune"], cast.areas["upper"]])


def test_an_area_that_is_aired_in_is_served_without_any_node(session, cast, on_air):
    on_air("lower")
    assert documents.areas_to_serve(session, NOW) == [cast.areas["lower"]]


def test_a_config_says_what_is_the_node_s_own(session, cast):
    node = make_node(session, cast.areas["upper"])
    config = documents.node_config(session, node, NOW)
    assert (config.node_id, config.node_code, config.languages) == (node.id, "TH-01", ("vi",))
    assert config.area_path == (cast.areas["commune"], cast.areas["upper"])


def test_a_node_s_own_languages_go_before_its_area_s(session, cast):
    node = make_node(session, cast.areas["upper"], languages=["hmn", "vi"])
    assert documents.node_config(session, node, NOW).languages == ("hmn", "vi")


def test_the_rules_may_leave_the_night_for_what_is_needed_days_from_now(session, cast):
    node = make_node(session, cast.areas["upper"])
    assert documents.node_config(session, node, NOW).later_hours == ""
    rules = {"prefetch": {"from": "22:00", "to": "05:00"}}
    area_edits.update(session, cast.alice, cast.areas["commune"], {"policy": rules}, NOW)
    assert documents.node_config(session, node, NOW).later_hours == "15:00-22:00"


@pytest.mark.parametrize(
    "hours",
    [
        {"from": "22:00"},
        {"from": "22:00", "to": "22:00"},
        {"from": "22:00", "to": "soon"},
        "night",
        {"from": "22:00", "to": "05:00", "days": [1]},
    ],
)
def test_hours_for_fetching_that_cannot_be_meant_are_refused(session, cast, hours):
    with pytest.raises(BadInput):
        area_edits.update(
            session, cast.alice, cast.areas["commune"], {"policy": {"prefetch": hours}}, NOW
        )


def test_a_node_given_up_has_no_config(session, cast):
    node = make_node(session, cast.areas["upper"])
    nodes.retire(session, SYSTEM, node.id, NOW)
    assert documents.node_config(session, node, NOW) is None


def test_only_nodes_that_a_device_serves_are_bound(session, cast):
    make_node(session, cast.areas["upper"], "TH-01")
    served = make_node(session, cast.areas["upper"], "TH-02")
    device = serve(session, served)
    assert [(n.id, d.id) for n, d in documents.bound_nodes(session)] == [(served.id, device.id)]
