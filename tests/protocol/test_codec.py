"""Old and new versions read each other; wrong shapes are errors and never surprises."""

from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import messages
from protocol.codec import format_time, from_json, parse_time, to_json
from protocol.errors import Malformed
from protocol.messages import Airing, DayPage, NodeConfig, Status, Window

MESSAGES = [
    kind
    for kind in vars(messages).values()
    if isinstance(kind, type) and is_dataclass(kind) and kind.__module__.startswith("protocol.")
]


@pytest.mark.parametrize("kind", MESSAGES)
def test_every_field_has_a_default_and_unknown_fields_are_ignored(kind):
    assert from_json(kind, {"a_field_of_tomorrow": [1]}) == kind()


@pytest.mark.parametrize("kind", MESSAGES)
def test_every_message_survives_the_way_there_and_back(kind):
    assert from_json(kind, to_json(kind())) == kind()


def test_a_key_is_the_fields_name_without_the_trailing_underscore():
    assert to_json(Airing())["class"] == "normal"
    assert from_json(Airing, {"class": "priority"}).class_ == "priority"


def test_absent_windows_and_no_windows_differ():
    assert from_json(DayPage, {"windows": None}).windows is None
    assert from_json(DayPage, {"windows": []}).windows == ()


@pytest.mark.parametrize(
    "wrong",
    [
        {"languages": "vi"},
        {"languages": [1]},
        {"volume_pct": "80"},
        {"volume_pct": True},
        {"volume_pct": 1.5},
        {"name": None},
    ],
)
def test_a_known_field_of_the_wrong_shape_is_malformed(wrong):
    with pytest.raises(Malformed, match=next(iter(wrong))):
        from_json(NodeConfig, wrong)


@pytest.mark.parametrize("wrong", [{"refused": []}, {"refused": {"replayed": "many"}}])
def test_a_map_is_checked_to_its_values(wrong):
    with pytest.raises(Malformed):
        from_json(Status, wrong)


@pytest.mark.parametrize("wrong", ["", "yesterday", "2026-11-22T05:00:00", "2026-13-01T00:00:00Z"])
def test_a_time_without_zone_or_sense_is_malformed(wrong):
    with pytest.raises(Malformed):
        from_json(Window, {"from": wrong})


def test_a_naive_time_is_never_sent():
    with pytest.raises(ValueError, match="zone"):
        format_time(datetime(2026, 1, 1))  # noqa: DTZ001 - the very thing to refuse


@given(
    st.datetimes(datetime(1970, 1, 2), datetime(2100, 1, 1)),  # noqa: DTZ001
    st.integers(-720, 720),
)
def test_times_travel_to_the_millisecond(naive, offset_min):
    moment = naive.replace(tzinfo=timezone(timedelta(minutes=offset_min)))
    read = parse_time(format_time(moment))
    assert timedelta(0) <= moment - read < timedelta(milliseconds=1)
    assert read.tzinfo is UTC


def test_only_an_object_is_a_message():
    with pytest.raises(Malformed):
        from_json(NodeConfig, [1])


def test_messages_are_frozen_and_slotted():
    for kind in MESSAGES:
        assert "__slots__" in vars(kind), kind
        assert fields(kind)
        with pytest.raises(AttributeError):
            setattr(kind(), fields(kind)[0].name, None)


@dataclass(frozen=True, slots=True)
class Newer(NodeConfig):
    """What a later version may look like."""

    mood: str = "good"


def test_an_older_reader_understands_a_newer_writer():
    assert from_json(NodeConfig, to_json(Newer(name="Hạ"))) == NodeConfig(name="Hạ")
