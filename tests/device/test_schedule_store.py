"""Schedules on disk: active only when held, back after a restart, never from damaged bytes."""

import json
from datetime import timedelta

import pytest

from device.schedule_store import ScheduleStore
from protocol.codec import from_json, to_json
from protocol.messages import DayPage, ScheduleHead
from protocol.pages import pack_page
from tests.device.fakes import START, an_airing


class Shelf:
    """Held pages by hash."""

    def __init__(self):
        self.blobs = {}

    def load(self, sha256):
        return self.blobs.get(sha256)


def make_head(shelf, *airings, area="a", revision=1, days=3, hold=True):
    pages = []
    for offset in range(days):
        day = (START + timedelta(days=offset)).date().isoformat()
        mine = tuple(each for each in airings if each.starts_at.date().isoformat() == day)
        ref, blob = pack_page(DayPage(area, day, mine, None))
        pages.append(ref)
        if hold:
            shelf.blobs[ref.sha256] = blob
    return ScheduleHead(area, revision, START + timedelta(days=days), tuple(pages))


def raw_of(head):

    return json.dumps(to_json(head)).encode()


def reopen(raw):

    try:
        return from_json(ScheduleHead, json.loads(raw))
    except ValueError:
        return None


DAYS = [(START + timedelta(days=offset)).date().isoformat() for offset in range(3)]


@pytest.fixture
def shelf():
    return Shelf()


@pytest.fixture
def store(tmp_path, shelf):
    return ScheduleStore(tmp_path, shelf.load)


def take(store, head):
    return store.take(head, raw_of(head), START)


def test_a_head_whose_pages_are_held_comes_into_force(store, shelf):
    assert take(store, make_head(shelf, an_airing()))
    assert store.activate(START) == ["a"]
    assert list(store.airings(["a"], DAYS)) == ["a1"]
    assert [(h.area_id, h.revision) for h in store.held()] == [("a", 1)]


def test_the_former_schedule_holds_until_todays_and_tomorrows_pages_are_here(store, shelf):
    take(store, make_head(shelf, an_airing("old")))
    store.activate(START)
    later = make_head(shelf, an_airing("new"), revision=2, hold=False)
    take(store, later)
    assert store.activate(START) == []
    assert list(store.airings(["a"], DAYS)) == ["old"]
    made = make_head(Shelf(), an_airing("new"))
    assert [ref.sha256 for ref in made.pages] == [ref.sha256 for ref in later.pages]
    full = Shelf()
    make_head(full, an_airing("new"))
    for ref in later.pages[:2]:
        shelf.blobs[ref.sha256] = full.blobs[ref.sha256]
    assert store.activate(START) == ["a"]
    assert list(store.airings(["a"], DAYS)) == ["new"]


def test_the_same_document_again_changes_nothing(store, shelf):
    head = make_head(shelf, an_airing())
    assert take(store, head)
    assert not take(store, head)


def test_it_is_back_after_a_restart(tmp_path, store, shelf):
    take(store, make_head(shelf, an_airing()))
    store.activate(START)
    again = ScheduleStore(tmp_path, shelf.load)
    again.restore("a", reopen)
    assert list(again.airings(["a"], DAYS)) == ["a1"]


def test_a_damaged_head_is_dropped(tmp_path, store, shelf):
    take(store, make_head(shelf, an_airing()))
    store.activate(START)
    (tmp_path / "a.active").write_bytes(b"\x00\xff")
    again = ScheduleStore(tmp_path, shelf.load)
    again.restore("a", reopen)
    assert again.held() == () and not (tmp_path / "a.active").exists()


def test_a_page_that_is_not_what_its_name_says_is_not_read(store, shelf):
    head = make_head(shelf, an_airing())
    take(store, head)
    store.activate(START)
    for ref in head.pages:
        shelf.blobs[ref.sha256] = b"something else"
    assert store.airings(["a"], DAYS) == {}


def test_the_leaf_wins_and_its_hours_govern(store, shelf):
    parent = make_head(shelf, an_airing("both", late_s=1), an_airing("up"), area="top")
    leaf = make_head(shelf, an_airing("both", late_s=9), area="leaf")
    for head in (parent, leaf):
        take(store, head)
    store.activate(START)
    merged = store.airings(["top", "leaf"], DAYS)
    assert merged["both"][0].late_s == 9 and merged["both"][1] == "leaf"
    assert set(merged) == {"both", "up"}
    hours = store.hours(("top", "leaf"), DAYS)
    assert [b.volume_pct for b in hours.bands(START, START + timedelta(hours=1))] == [100]


def test_without_a_leaf_document_the_hours_are_closed(store, shelf):
    take(store, make_head(shelf, an_airing(), area="top"))
    store.activate(START)
    assert not store.hours(("top", "leaf"), DAYS).bands(START, START + timedelta(hours=1))


def test_pages_are_wanted_today_and_tomorrow_first_and_never_of_the_past(store, shelf):
    head = make_head(shelf, days=5, hold=False)
    take(store, head)
    later = START + timedelta(days=2)
    days = {ref.sha256: ref.day for ref in head.pages}
    wanted = [days[ref.sha256] for ref in store.wanted_pages(["a"], later)]
    assert wanted[0] == later.date().isoformat() and len(wanted) == 3


def test_areas_left_behind_are_forgotten(tmp_path, store, shelf):
    take(store, make_head(shelf, an_airing()))
    store.activate(START)
    store.keep_only(["b"])
    assert store.held() == () and not (tmp_path / "a.active").exists()


def test_without_a_trusted_clock_every_page_must_be_held(store, shelf):
    head = make_head(shelf, an_airing())
    last = head.pages[-1].sha256
    blob = shelf.blobs.pop(last)
    take(store, head)
    assert store.activate(START, trusted=False) == []
    shelf.blobs[last] = blob
    assert store.activate(START, trusted=False) == ["a"]


def test_since_when_an_area_is_known_outlives_updates_and_restarts(tmp_path, store, shelf):
    take(store, make_head(shelf, an_airing()))
    store.activate(START)
    take(store, make_head(shelf, an_airing(), revision=2))
    store.activate(START + timedelta(days=1))
    again = ScheduleStore(tmp_path, shelf.load)
    again.restore("a", reopen)
    assert store.active_since("a") == again.active_since("a") == START
