"""RFC 6238's own examples, and what a code is refused for."""

import base64
from datetime import UTC, datetime

import pytest

from controller.accounts import totp

RFC_SECRET = base64.b32encode(b"12345678901234567890").decode()
NOW = datetime(2026, 11, 22, 5, 0, 10, tzinfo=UTC)


# Appendix B, SHA-1; the RFC prints eight digits, phones show the last six.
@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_the_codes_are_those_of_the_standard(seconds, expected):
    assert totp.code(RFC_SECRET, seconds // totp.STEP_S) == expected[-6:]


def test_a_phone_half_a_minute_off_is_right_and_two_minutes_off_is_wrong():
    step = totp.step_of(NOW)
    for off, accepted in ((-1, True), (0, True), (1, True), (4, False), (-4, False)):
        given = totp.code(RFC_SECRET, step + off)
        assert (totp.matching_step(RFC_SECRET, given, NOW, 0) is not None) == accepted


def test_a_code_counts_once():
    step = totp.matching_step(RFC_SECRET, totp.code(RFC_SECRET, totp.step_of(NOW)), NOW, 0)
    again = totp.code(RFC_SECRET, totp.step_of(NOW))
    assert totp.matching_step(RFC_SECRET, again, NOW, step) is None


@pytest.mark.parametrize("given", ["", "12345", "١٢٣٤٥٦", "x" * 5000])
def test_what_is_no_code_is_refused(given):
    assert totp.matching_step(RFC_SECRET, given, NOW, 0) is None


def test_every_secret_is_new():
    assert totp.new_secret() != totp.new_secret()
    assert len(base64.b32decode(totp.new_secret())) == 20
