"""The stream of changes: names only, to whom they concern, from where the page left off."""

from contextlib import closing

from controller import changes
from controller.database import reading, transaction
from tests.web.village import NOW
from web.live import MOST_OF_ONE, MOST_STREAMS, Event, Hub, Listener


def note(services, kind, area_id):
    with transaction(services.engine) as session:
        changes.note(session, kind, "x", area_id, NOW)


def latest(services):
    with reading(services.engine) as session:
        return changes.latest(session)


def events(client, last_id=None):
    headers = {"Last-Event-ID": str(last_id)} if last_id is not None else {}
    with closing(client.get("/live", headers=headers)) as answer:
        assert answer.content_type.startswith("text/event-stream")
        found = []
        for chunk in answer.iter_encoded():
            found += [line[7:] for line in chunk.decode().splitlines() if line[:7] == "event: "]
            if len(found) > 1 or last_id is None:
                return found
        return found


def test_a_stream_begins_with_a_greeting(visit):
    assert events(visit("vera")) == ["hello"]


def test_a_stream_resumes_where_it_was_lost(visit, services, village):
    since = latest(services)
    note(services, "playback", village.areas["Hạ"])
    note(services, "playback", village.areas["Hạ"])
    assert events(visit("vera"), since) == ["hello", "playback"]


def test_a_listener_hears_of_its_own_areas_only(services, village):
    hub = Hub(services.engine)
    mine = Listener("a", frozenset({village.areas["Hạ"]}), latest(services))
    other = Listener("b", frozenset({village.areas["far"]}), latest(services))
    hub._catch_up_to_now()
    for listener in (mine, other):
        hub._listeners[listener] = None
    note(services, "node", village.areas["Hạ"])
    assert hub.step() == 1
    assert [event.kind for event in mine.take(0)] == ["node"]
    assert other.take(0) == []


def test_nothing_is_said_twice(services, village):
    hub = Hub(services.engine)
    hub._catch_up_to_now()
    note(services, "node", village.areas["Hạ"])
    assert hub.step() == 1
    assert hub.step() == 0


def test_a_user_s_oldest_stream_gives_way_to_a_new_page(services):
    hub = Hub(services.engine)
    streams = [Listener("a", None, 0) for _ in range(MOST_OF_ONE + 2)]
    other = Listener("b", None, 0)
    assert hub.join(other)
    assert all(hub.join(each) for each in streams)
    assert [each.ended for each in streams] == [True, True] + [False] * MOST_OF_ONE
    assert not other.ended
    for each in (*streams, other):
        hub.leave(each)


def test_a_stream_that_gives_way_ends_at_once(services):
    listener = Listener("a", None, 0)
    listener.end()
    assert listener.take(60) == []


def test_reports_that_come_together_are_said_together():
    listener = Listener("a", None, 0)
    for seq in range(1, 9):
        listener.offer([Event(seq, "playback", None)])
        listener.rest(0)
    assert [event.seq for event in listener.take(0)] == list(range(1, 9))


def test_an_emergency_waits_for_no_other_news():
    listener = Listener("a", None, 0)
    listener.offer([Event(1, "playback", None), Event(2, "emergency", None)])
    listener.rest(3600)
    assert len(listener.take(0)) == 2


def test_the_house_is_full_at_last(services):
    hub = Hub(services.engine)
    streams = [Listener(f"u{i}", None, 0) for i in range(MOST_STREAMS)]
    assert all(hub.join(each) for each in streams)
    assert not hub.join(Listener("one more", None, 0))
    for each in streams:
        hub.leave(each)


def test_nobody_listens_without_signing_in(visit):
    assert visit().get("/live").status_code == 302
