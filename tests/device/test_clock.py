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
    clock.take_beacon(START.timestamp() + 50, 0.0)
    assert clock.correction_s == 0
    assert clock.reading().offset_ms == -50_000


def test_who_was_kept_by_ntp_and_told_by_a_beacon_goes_on_when_the_clock_is_set_to_1970():
    clock = FakeClock()
    clock.take_beacon(clock.wall(), 0.0)
    before = clock.wall()
    assert source(clock) == (True, "ntp")
    clock.unix = 0.0
    clock.pass_time(3.0)
    assert source(clock) == (True, "beacon")
    assert abs(clock.wall() - before - 3.0) < 0.1


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


def unbelieved(**options):
    clock = FakeClock(**options)
    clock.believed = False
    return clock


@pytest.mark.parametrize("jump_s", [3600.0, -3600.0, -7200.0, -START.timestamp(), 4e9])
def test_a_clock_set_by_nobody_we_trust_moves_nothing_after_a_beacon(jump_s):
    clock = unbelieved()
    clock.take_beacon(START.timestamp() + 50, 0.0)
    clock.pass_time(10)
    clock.unix += jump_s
    assert clock.wall() == pytest.approx(START.timestamp() + 60)
    assert source(clock) == (True, "beacon")
    assert clock.correction_s == pytest.approx(50 - jump_s)


def test_a_village_with_an_rtc_and_no_link_survives_a_power_cut_on_the_controllers_time():
    clock = unbelieved(at=START - timedelta(hours=1))  # the RTC is an hour slow
    clock.take_beacon(START.timestamp(), 0.0)
    saved = {"saved_at": clock.wall(), "saved_correction_s": clock.correction_s}
    again = unbelieved(at=START - timedelta(hours=1) + timedelta(days=2), **saved)
    again._has_rtc = True
    assert source(again) == (True, "rtc")
    assert again.wall() == pytest.approx((START + timedelta(days=2)).timestamp())


def test_an_rtc_takes_over_when_the_beacons_end_and_for_thirty_days():
    clock = unbelieved()
    clock._has_rtc = True
    clock.take_beacon(START.timestamp() + 50, 0.0)
    clock.pass_time(8 * DAY)
    assert source(clock) == (True, "rtc")
    assert clock.wall() == pytest.approx(START.timestamp() + 50 + 8 * DAY)
    clock.pass_time(23 * DAY)
    assert source(clock) == (False, "saved")


def test_every_reading_carries_offset_and_source():
    clock = unbelieved()
    clock.take_beacon(START.timestamp() + 50, 0.0)
    assert clock.reading().offset_ms == -50_000
    assert clock.reading().source == "beacon"


def kept_by_ntp_and_told(round_trip_s=0.2):
    clock = FakeClock()
    clock.take_beacon(START.timestamp(), round_trip_s)
    assert source(clock) == (True, "ntp")
    return clock


@pytest.mark.parametrize("jump_s", [3600.0, 62.0, -62.0, -7200.0, 4e8])
def test_synchronised_to_a_time_the_controller_contradicts_is_not_trusted(jump_s):
    clock = kept_by_ntp_and_told()
    clock.pass_time(600)
    clock.unix += jump_s
    clock.pass_time(3600)
    assert source(clock) == (False, "ntp")
    assert clock.contradicted
    assert clock.wall() == pytest.approx(START.timestamp() + 4200, abs=1)
    assert clock.reading().offset_ms == pytest.approx(jump_s * 1000, abs=1000)
    clock.unix -= jump_s
    assert source(clock) == (True, "ntp")
    assert clock.wall() == clock.unix


@pytest.mark.parametrize("jump_s", [59.0, -59.0])
def test_what_two_honest_clocks_differ_by_is_no_contradiction(jump_s):
    clock = kept_by_ntp_and_told()
    clock.unix += jump_s
    assert source(clock) == (True, "ntp")


def test_a_beacon_that_was_long_under_way_contradicts_nothing_that_may_be_true():
    """A broker that holds one back for an hour makes no node distrust its clock."""
    clock = FakeClock()
    clock.pass_time(3600)
    clock.take_beacon(START.timestamp(), 3600.0)
    assert source(clock) == (True, "ntp")
    clock.unix += 61
    assert source(clock) == (False, "ntp")


def test_a_first_beacon_that_contradicts_is_what_the_time_goes_on_by():
    clock = FakeClock(at=START + timedelta(hours=1))
    clock.take_beacon(START.timestamp(), 0.0)
    assert source(clock) == (False, "ntp")
    clock.pass_time(30)
    assert clock.wall() == pytest.approx(START.timestamp() + 30)
    clock.take_beacon(clock.unix, 0.0)  # it was the controller's that was wrong
    assert source(clock) == (True, "ntp")
    assert clock.wall() == clock.unix


def test_a_week_of_a_crystals_drift_is_no_contradiction_and_an_older_beacon_says_nothing():
    clock = kept_by_ntp_and_told()
    clock.pass_time(6 * DAY)
    clock.unix += 100.0
    assert source(clock) == (True, "ntp")
    clock.unix += 3600.0
    assert source(clock) == (False, "ntp")
    clock.pass_time(1.1 * DAY)
    assert source(clock) == (True, "ntp")
