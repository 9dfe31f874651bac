"""Cursors: a page continues after the last row, whatever was added meanwhile."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from controller.errors import BadInput
from controller.models import Area
from controller.paging import MAX_LIMIT, Page, beyond, cursor_of, every, limited, page_of

NOW = datetime(2026, 11, 22, 5, 0, tzinfo=UTC)


def names(session, cursor=None, limit=2):
    key = (Area.created_at, Area.name, Area.id)
    query = select(Area).order_by(*key).limit(limit + 1)
    if cursor:
        query = query.where(beyond(key, cursor))
    found = page_of(session.scalars(query).all(), limit, lambda a: (a.created_at, a.name, a.id))
    return [area.name for area in found.items], found.next_cursor


def test_pages_follow_each_other_to_the_end(session):
    first, cursor = names(session)
    second, end = names(session, cursor)
    assert first + second == ["Thôn Hạ", "Thôn Thượng", "Xã Hoà Bình", "Xã Khác"]
    assert end is None


def test_a_row_added_before_the_cursor_does_not_shift_the_next_page(session):
    _, cursor = names(session)
    session.add(Area(name="A mới", kind="thôn", created_at=NOW))
    session.flush()
    assert names(session, cursor)[0] == ["Xã Hoà Bình", "Xã Khác"]


def test_an_empty_list_has_no_cursor():
    assert page_of([], 10, lambda row: (row,)) == Page([], None)


@pytest.mark.parametrize("cursor", ["?", "e30", cursor_of(1), cursor_of("x", "y", "z")])
def test_a_cursor_that_is_none_of_ours_is_refused(cursor):
    with pytest.raises(BadInput):
        beyond((Area.created_at, Area.name, Area.id), cursor)


@pytest.mark.parametrize("limit", [0, -1, 501])
def test_a_limit_has_bounds(limit):
    with pytest.raises(BadInput):
        limited(limit)


def test_every_item_of_a_list_comes_once_however_many_pages_it_has():
    things = [str(number) for number in range(MAX_LIMIT * 2 + 1)]

    def page(*, limit, cursor):
        start = int(cursor or 0)
        more = start + limit < len(things)
        return Page(things[start : start + limit], str(start + limit) if more else None)

    assert list(every(page)) == things
    assert list(every(lambda **_: Page([], None))) == []
