"""What the API's fields take, and what they refuse before a database has to."""

from datetime import UTC, datetime

import marshmallow as ma
import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.api.fields import Id, Instant, Plain, Text, Whole, harmless, printable


def load(field, value):
    return field.deserialize(value)


def test_text_is_composed_and_trimmed():
    assert load(Text(), "  Ba\u0309n tin ") == "Bản tin"
    assert load(Text(lines=True), "a \r\nb\n") == "a\nb"
    assert load(Text(), "   ") is None


@given(st.text(st.characters()))
def test_text_that_is_taken_can_be_kept_and_shown(text):
    try:
        taken = load(Text(), text)
    except ma.ValidationError:
        return
    if taken is not None:
        assert printable(taken)
        assert taken.encode("utf-8")


@pytest.mark.parametrize("text", ["a\nb", "a\x00", "\ud800", "x" * 201])
def test_text_that_would_break_something_is_refused(text):
    with pytest.raises(ma.ValidationError):
        load(Text(), text)


def test_a_time_with_an_offset_is_aware_and_one_without_is_local_text():
    assert load(Instant(), "2026-11-22T12:00:00Z") == datetime(2026, 11, 22, 12, tzinfo=UTC)
    assert load(Instant(), "2026-11-22T12:00:00 07:00").utcoffset().seconds == 7 * 3600
    assert load(Instant(), "2026-11-22 12:00") == "2026-11-22T12:00:00"


@pytest.mark.parametrize(
    "text", ["", "noon", "2026-11-22", "12:00", "1999-01-01T00:00", "9999-01-01T00:00Z", 5, None]
)
def test_what_is_no_time_is_refused(text):
    with pytest.raises(ma.ValidationError):
        load(Instant(required=True), text)


@given(st.text(max_size=40))
def test_no_text_breaks_a_time(text):
    try:
        load(Instant(), text)
    except ma.ValidationError:
        return


@pytest.mark.parametrize("id", ["../x", "a b", "é", "x" * 65])
def test_an_id_has_plain_letters(id):
    with pytest.raises(ma.ValidationError):
        load(Id(), id)


def test_a_whole_number_is_not_cut():
    assert load(Whole(), "3") == load(Whole(), 3.0) == 3
    for wrong in (3.5, True, float("inf"), "3.5"):
        with pytest.raises(ma.ValidationError):
            load(Whole(), wrong)


@pytest.mark.parametrize(
    "value", [{"a": "\x00"}, {"a": float("nan")}, {"\ud800": 1}, {"a": 2**60}, {"a": [{}] * 3}]
)
def test_plain_json_is_looked_into(value):
    if value == {"a": [{}] * 3}:
        assert load(Plain(), value) == value
    else:
        with pytest.raises(ma.ValidationError):
            load(Plain(), value)


def test_json_is_not_endlessly_deep():
    deep: object = 1
    for _ in range(20):
        deep = [deep]
    assert not harmless({"a": deep})
