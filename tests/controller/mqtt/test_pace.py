"""Bursts pass at once, the rest at the rate."""

import pytest

from controller.mqtt.pace import TokenBucket


def test_a_burst_passes_at_once_and_then_the_rate_holds():
    bucket = TokenBucket(rate=10, burst=30, now_s=0)
    assert bucket.take(30, 0)
    assert not bucket.take(1, 0)
    assert bucket.wait_s(5, 0) == pytest.approx(0.5)
    assert bucket.take(5, 0.5)


def test_more_than_the_burst_goes_through_a_full_bucket():
    bucket = TokenBucket(rate=10, burst=30, now_s=0)
    assert bucket.take(50, 0)
    assert bucket.wait_s(1, 0) == pytest.approx(2.1)


def test_a_clock_that_steps_back_gives_nothing_away():
    bucket = TokenBucket(rate=10, burst=10, now_s=100)
    assert bucket.take(10, 100)
    assert not bucket.take(1, 50)
