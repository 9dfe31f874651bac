"""When the clock is believed: by the kernel, a beacon, an RTC set not too long ago."""

from datetime import UTC, datetime, timedelta

import pytest

from device.clock import Clock, kernel_is_synchronised
from tests.device.fakes import START, FakeClock

DAY = 86_400.0


def source(clock):
    reading = clock.reading()
    return reading.trusted, reading.source


def test_the_kernels_word_is_enough():
    assert source(FakeClock()) == (True, "ntp")


def test_a_kernel_that_claims_1970_is_not_believed():
    clock = FakeClock(at=datetime(1970, 1, 1, tzinfo=UTC))
    assert source(clock) == (False, "guess")


def test_nobodys_word_is_a_guess():
    clock = FakeClock()
    clock.believed = False
    assert source(clock) == (False, "guess")


@pytest.mark.parametrize(
    ("rtc", "age_days", "expected"),
    [
        (True, 1, (True, "rtc")),
        (True, 29, (True, "rtc")),
        (True, 31, (False, "saved")),
        (False, 1, (False, "saved")),
        (True, -1, (False, "guess")),
    ],
)
def test_an_rtc_counts_for_thirty_days_after_trusted_time(rtc, age_days, expected):
    later = START + timedelta(days=90)
    clock = FakeClock(at=later, saved_at=later.timestamp() - age_days * DAY)
    clock.believed = False
    clock._has_rtc = rtc
    assert source(clock) == expected


def test_a_beacon_sets_the_time_of_a_node_that_has_none():
    clock = FakeClock(at=datetime(1970, 1, 1, tzinfo=UTC))
    clock.believed = False
    clock.take_beacon(START.timestamp(), 0.2)
    assert source(clock) == (True, "beacon")
    assert abs(clock.wall() - START.timestamp() - 0.1) < 1e-6
    assert abs(clock.now() - START) < timedelta(seconds=0.2)


def test_a_beacon_does_not_move_a_clock_the_kernel_vouches_for():
    clock = FakeClock()
    clock.take_beacon(START.timestamp() + 100, 0.0)
    assert clock.correction_s == 0
    assert clock.reading().offset_ms == -100_000


def test_a_week_without_a_beacon_ends_its_trust():
    clock = FakeClock()
    clock.believed = False
    clock.take_beacon(START.timestamp(), 0.0)
    clock.pass_time(8 * DAY)
    assert source(clock)[0] is False


def test_when_ntp_takes_over_the_correction_ends():
    clock = FakeClock()
    clock.believed = False
    clock.take_beacon(START.timestamp() + 50, 0.0)
    clock.believed = True
    assert source(clock) == (True, "ntp")
    assert clock.wall() == START.timestamp()


def test_the_offset_between_the_clocks_is_read_closely():
    clock = Clock(always_trusted=True)
    assert abs(clock.wall_minus_monotonic() - (clock.wall() - clock.monotonic())) < 0.01


def test_the_kernel_can_be_asked():
    assert kernel_is_synchronised() in (True, False)
