"""The roll of clusters: the longest silent first, paged and filtered over ten thousand."""

from datetime import timedelta

import pytest
from sqlalchemy import insert

from controller.database import reading, transaction
from controller.fleet import roll
from controller.fleet.roll import Asked
from controller.models import Device, DeviceBinding, Node, NodeMembership
from tests.controller.factories import DAY, NOW

MANY = 10_000
PLACE = {"volume_pct": 100, "stagger_slot": 0, "settle_ms": 500, "tail_ms": 500}
SAID = {"hardware": "", "version": "", "session": 0, "boot_id": "", "store_epoch": ""}
SAID |= {"presence_seq": 0, "status_seq": 0}


def seed(session, area_id, many, mark="n"):
    """Every tenth is silent, number 10 n for n days; every hundredth has no device."""
    nodes, members, devices, bindings = [], [], [], []
    for number in range(many):
        node_id, device_id, since = f"{mark}{number:05}", f"d{mark}{number:05}", NOW - 999 * DAY
        name = {"id": node_id, "code": node_id, "name": f"Cụm {number}", "created_at": NOW}
        nodes.append({**PLACE, **name})
        members.append({"node_id": node_id, "from_at": since, "area_id": area_id})
        if number % 100 == 50:
            continue
        silent = number % 10 == 0
        seen = NOW - timedelta(days=number // 10) if silent else NOW
        about = {"id": device_id, "public_key": device_id, "first_seen_at": since}
        devices.append({**SAID, **about, "last_seen_at": seen, "online": not silent})
        bindings.append({"node_id": node_id, "from_at": since, "device_id": device_id})
    tables = {Node: nodes, NodeMembership: members, Device: devices, DeviceBinding: bindings}
    for table, rows in tables.items():
        session.execute(insert(table), rows)


@pytest.fixture
def fleet(engine, cast):
    with transaction(engine) as session:
        seed(session, cast.areas["upper"], MANY)
        seed(session, cast.areas["elsewhere"], 20, "x")


def walked(engine, actor, asked, limit=500):
    """(ids in order, number of pages)"""
    ids, cursor, pages = [], None, 0
    with reading(engine) as session:
        while True:
            page = roll.page(session, actor, asked, NOW, limit=limit, cursor=cursor)
            ids += [view.node.id for view in page.items]
            cursor, pages = page.next_cursor, pages + 1
            if cursor is None:
                return ids, pages


def test_the_longest_silent_of_ten_thousand_come_first(engine, cast, fleet):
    with reading(engine) as session:
        counted = roll.counted(session, cast.tom, Asked(), NOW)
        first = roll.page(session, cast.tom, Asked(), NOW, limit=100)
        second = roll.page(session, cast.tom, Asked(), NOW, limit=100, cursor=first.next_cursor)
    assert (counted.total, counted.online) == (MANY, MANY * 9 // 10)
    down = [number for number in range(MANY - 10, -1, -10) if number % 100 != 50]
    expected = [f"n{number:05}" for number in down[:200]]
    assert [view.node.id for view in (*first.items, *second.items)] == expected


def test_days_down_and_silent_since_are_right_to_the_last_page(engine, cast, fleet):
    asked = Asked(days=30)
    ids, pages = walked(engine, cast.tom, asked)
    wanted = {f"n{n:05}" for n in range(300, MANY, 10) if n % 100 != 50}
    assert (set(ids), len(ids), pages) == (wanted, len(wanted), 2)
    with reading(engine) as session:
        assert roll.counted(session, cast.tom, asked, NOW).total == len(wanted)
    recent, _ = walked(engine, cast.tom, Asked(since=NOW - 7 * DAY))
    assert recent == [f"n{n:05}" for n in (70, 60, 40, 30, 20, 10, 0)]
    between, _ = walked(engine, cast.tom, Asked(since=NOW - 7 * DAY, days=3))
    assert between == [f"n{n:05}" for n in (70, 60, 40, 30)]


def test_what_is_looked_at_one_by_one_is_found_beyond_the_first_page(engine, cast, fleet):
    def sevens(views):
        return {view.node.id for view in views if view.node.id.endswith("777")}

    ids, _ = walked(engine, cast.tom, Asked(also=sevens), limit=5)
    assert ids == [f"n{n}777" for n in ("00", "01", "02", "03", "04", "05", "06", "07", "08", "09")]


def test_clusters_of_another_commune_are_not_on_it(engine, cast, fleet):
    ids, pages = walked(engine, cast.charlie, Asked())
    assert (len(ids), pages) == (20, 1)
    assert {each[0] for each in ids} == {"x"}
    with reading(engine) as session:

        def every(*_):
            return True

        assert len(roll.named(session, cast.charlie, every, NOW)) == 20
