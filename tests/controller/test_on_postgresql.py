"""The same domain on a real PostgreSQL: every kind of query the controller asks, once."""

import pytest
from sqlalchemy import delete, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from controller import changes, commands, schema
from controller.accounts import audit
from controller.area_changes import area_edits, area_import, area_merge
from controller.database import open_engine
from controller.fleet import nodes, stagger
from controller.library import clips
from controller.library.clips import ClipFilters
from controller.library.expiry import expiring
from controller.models import Approval, AuditEntry, Playback
from controller.outcomes import coverage, playbacks
from controller.outcomes.playbacks import PlaybackFilters
from controller.planning import airings
from controller.planning.tonight import tonight
from controller.scheduling import approvals, catch_up, schedules
from controller.territory import areas
from protocol.outcomes import Outcome
from tests.controller.factories import (
    DAY,
    HOUR,
    NOW,
    Cast,
    actors_of,
    make_clip,
    make_node,
    schedule_input,
    serve,
)
from tests.support.commune import settle
from tests.support.postgres import running_postgres

pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module")
def server():
    with running_postgres() as postgres:
        engine = open_engine(postgres.database("domain"))
        schema.upgrade(engine)
        commune = settle(engine)
        yield engine, Cast(actors_of(commune), commune.areas)
        engine.dispose()


@pytest.fixture
def pg(server):
    """A session whose changes are rolled back."""
    engine, _ = server
    with Session(engine, expire_on_commit=False) as session:
        yield session


@pytest.fixture
def cast(server):
    return server[1]


def test_a_weekly_schedule_reaches_the_log(pg, cast):
    commune = cast.areas["commune"]
    clip = make_clip(pg, area_id=commune, status=Approval.PENDING)
    clips.approve(pg, cast.bob, clip.id, NOW)
    node = make_node(pg, cast.areas["upper"], languages=["vi"])
    serve(pg, node, holds=[clip.versions[0].sha256])
    data = schedule_input(clip.id, commune, recurrence={"rrule": "FREQ=WEEKLY;BYDAY=MO"})
    schedule, _ = schedules.create(pg, cast.erin, data, NOW)
    approvals.approve_schedule(pg, cast.bob, schedule.id, NOW)
    first = airings.page(pg, cast.vera, now=NOW, node_id=node.id, limit=1)
    view = first.items[0]
    assert (view.readiness.ready, view.readiness.total) == (1, 1)
    rest = airings.page(pg, cast.vera, now=NOW, cursor=first.next_cursor, limit=100)
    assert len(rest.items) == 4
    assert airings.expand(pg, schedule, NOW) == 0
    assert airings.roll(pg, NOW + 7 * DAY) == 1
    at = view.airing.starts_at
    pg.add(
        Playback(
            planned_day=at.date(),
            airing_id=view.airing.id,
            node_id=node.id,
            planned_at=at,
            outcome=Outcome.PLAYED,
        )
    )
    pg.flush()
    filters = PlaybackFilters(area_id=cast.areas["upper"], outcome=Outcome.PLAYED)
    (row,) = playbacks.page(pg, cast.vera, filters).items
    assert (row.airing.id, row.area_id) == (view.airing.id, cast.areas["upper"])
    assert len(list(playbacks.rows(pg, cast.vera, filters))) == 1
    (covered,) = coverage.report(pg, cast.vera, NOW, NOW + 7 * DAY)
    assert (covered.planned, covered.played, covered.heard) == (1, 1, None)
    schedules.pause(pg, cast.erin, schedule.id, NOW + HOUR)
    assert airings.page(pg, cast.vera, now=NOW).items == []


def test_catching_up_merging_and_importing(pg, cast):
    upper, lower = cast.areas["upper"], cast.areas["lower"]
    clip = make_clip(pg, area_id=cast.areas["commune"], valid_until=NOW + 2 * DAY)
    node = make_node(pg, upper)
    caught = {"exceptions": {"catch_up": True}}
    data = schedule_input(clip.id, upper, "2026-11-22T13:00", **caught)
    schedule, _ = schedules.create(pg, cast.erin, data, NOW)
    approvals.approve_schedule(pg, cast.bob, schedule.id, NOW)
    airing = airings.page(pg, cast.vera, now=NOW).items[0].airing
    pg.add(
        Playback(
            planned_day=airing.starts_at.date(),
            airing_id=airing.id,
            node_id=node.id,
            planned_at=airing.starts_at,
            outcome=Outcome.MISSED,
        )
    )
    airing.settled_at = airing.ends_at
    pg.flush()
    assert len(catch_up.run(pg, NOW + 2 * HOUR)) == 1
    assert catch_up.run(pg, NOW + 2 * HOUR) == []
    assert [each.clip.id for each in expiring(pg, cast.erin, NOW)] == [clip.id]
    assert [v.airing.id for v in tonight(pg, cast.vera, upper, NOW).airings][:1] == [airing.id]
    area_merge.merge(pg, cast.alice, [upper], lower, NOW + 3 * HOUR)
    assert nodes.area_of(pg, node.id, NOW + 3 * HOUR) == lower
    rows = area_import.read("code,name\n1,Bản A\n".encode(), "x.csv")
    assert area_import.write(pg, cast.alice, rows, lower, NOW).created == 1
    assert stagger.assign(pg, cast.alice, NOW) == []


def test_lists_page_and_search(pg, cast):
    for i in range(3):
        make_clip(pg, title=f"Đường {i}", area_id=cast.areas["commune"], now=NOW + i * HOUR)
        make_node(pg, cast.areas["lower"], f"N{i}")
    found = clips.page(pg, cast.vera, ClipFilters(q="duong", status=Approval.APPROVED), now=NOW,
                       limit=2)  # fmt: skip
    rest = clips.page(pg, cast.vera, ClipFilters(q="duong"), now=NOW, cursor=found.next_cursor)
    assert [v.clip.title for v in found.items + rest.items] == ["Đường 2", "Đường 1", "Đường 0"]
    first = nodes.page(pg, cast.vera, now=NOW, limit=2)
    assert (
        len(first.items + nodes.page(pg, cast.vera, now=NOW, cursor=first.next_cursor).items) == 3
    )
    first_areas = areas.page(pg, cast.vera, limit=1)
    assert len(areas.page(pg, cast.vera, cursor=first_areas.next_cursor).items) == 2
    audited = audit.page(pg, cast.vera, limit=1)
    assert audit.page(pg, cast.vera, cursor=audited.next_cursor).items
    assert approvals.pending(pg, cast.bob, NOW).clips == []


def test_the_audit_log_only_grows(pg, cast):
    whole = text("TRUNCATE audit_entry")
    for forgery in (update(AuditEntry).values(action="x"), delete(AuditEntry), whole):
        with pytest.raises(DBAPIError, match="only grows"), pg.begin_nested():
            pg.execute(forgery)


def test_the_tree_and_the_services_orders(pg, cast):
    upper, commune = cast.areas["upper"], cast.areas["commune"]
    assert areas.path(pg, upper) == (commune, upper)
    assert areas.subtree(pg, [commune]) == {commune, upper, cast.areas["lower"]}
    area_edits.update(pg, cast.alice, commune, {"policy": {"permit": []}}, NOW)
    command = commands.claim_next(pg, NOW)
    commands.finish(pg, command.id, {}, NOW)
    assert commands.claim_next(pg, NOW + HOUR) is None
    assert changes.after(pg, 0)
    assert changes.prune(pg, NOW + HOUR) > 0
