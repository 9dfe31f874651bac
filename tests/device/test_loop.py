"""The loop: timers in order, sockets, other threads; a task that fails leaves the others alone."""

import itertools
import os
import threading

import pytest

from device.channel import Channel, pair
from device.loop import Loop


@pytest.fixture
def loop():
    loop = Loop()
    yield loop
    loop.close()


def test_timers_run_in_order_and_not_when_cancelled(loop):
    ran = []
    loop.call_later(0.02, lambda: ran.append("second"))
    loop.call_later(0.01, lambda: ran.append("first"))
    loop.call_later(0.015, lambda: ran.append("never")).cancel()
    loop.call_later(0.03, loop.stop)
    loop.run()
    assert ran == ["first", "second"]


def test_a_task_that_fails_is_counted_and_the_others_run(loop):
    ran = []
    loop.call_later(0.0, lambda: 1 / 0)
    loop.call_later(0.01, lambda: ran.append(1))
    loop.call_later(0.02, loop.stop)
    loop.run()
    assert (ran, loop.failures) == ([1], 1)


def test_another_thread_can_wake_it(loop):
    threading.Thread(target=lambda: loop.call_from_thread(loop.stop)).start()
    loop.run()


def test_messages_go_both_ways_and_the_end_is_told(loop):
    ours, theirs = pair()
    heard, closed = [], []
    one = Channel(loop, ours, heard.append, lambda: closed.append("one"))
    two = Channel(loop, theirs, lambda message: two.send({"answer": message["ask"]}), lambda: None)
    assert one.send({"ask": 1})
    while not heard:
        loop.turn(0.1)
    assert heard == [{"answer": 1}]
    two.close()
    while not closed:
        loop.turn(0.1)
    assert not one.open and not one.send({"ask": 2})


def test_a_peer_that_stops_reading_does_not_block(loop):
    ours, theirs = pair()
    one = Channel(loop, ours, lambda _: None, lambda: None)
    sent = 0
    while one.send({"text": "x" * 1000}) and sent < 10_000:
        sent += 1
    assert 0 < sent < 10_000
    one.close()
    theirs.close()


def test_a_timer_is_not_late_because_many_sockets_are_busy(loop):
    """With hundreds of agents on a loop, one turn may take a second."""
    ran = []

    def busy(name):
        ran.append(name)
        loop.call_later(0.0, lambda: ran.append("due"))

    pipes = [os.pipe() for _ in range(3)]
    for out, into in pipes:
        os.write(into, b"x")
        loop.watch(out, lambda out=out: busy(os.read(out, 1)))
    loop.turn(0.1)
    for each in itertools.chain(*pipes):
        os.close(each)
    assert ran[:4] == [b"x", "due", b"x", "due"]
