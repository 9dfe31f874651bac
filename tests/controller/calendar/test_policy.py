"""What an area permits: dated windows, and sentences that name the rule that was broken."""

from datetime import UTC, datetime, timedelta

import pytest

from controller.calendar.policy import Policy, Span, inherit, violations, windows
from controller.errors import BadInput

HANOI = "Asia/Ho_Chi_Minh"


def at(text):
    """Wall time in Viet Nam as an instant."""
    return datetime.fromisoformat(f"{text}+07:00").astimezone(UTC)


def span(start, minutes=10):
    return Span(at(start), at(start) + timedelta(minutes=minutes))


def opened(policy, from_, until, timezone=HANOI):
    found = windows(Policy.from_json(policy), timezone, at(from_), at(until))
    shown = []
    for window in found:
        start, end = (w + timedelta(hours=7) for w in (window.from_, window.until))
        shown.append(f"{start:%d %H:%M}-{end:%d %H:%M} {window.volume_pct}")
    return shown


def rules_broken(policy, *planned, others=()):
    found = violations(Policy.from_json(policy), HANOI, planned, others)
    return [(v.rule, v.starts_at) for v in found]


def test_no_hours_rule_permits_everything():
    assert windows(Policy(), HANOI, at("2026-11-23T00:00"), at("2026-11-24T00:00")) is None


def test_hours_hold_on_their_weekdays():
    policy = {"permit": [{"days": [1], "from": "05:30", "to": "06:30"}]}
    # The 23rd is a Monday.
    assert opened(policy, "2026-11-22T00:00", "2026-11-25T00:00") == ["23 05:30-23 06:30 100"]


def test_an_empty_list_of_hours_permits_nothing():
    assert opened({"permit": []}, "2026-11-22T00:00", "2026-11-25T00:00") == []


def test_hours_over_midnight_belong_to_the_day_they_begin_on():
    policy = {"permit": [{"days": [1], "from": "22:00", "to": "01:00"}]}
    assert opened(policy, "2026-11-24T00:00", "2026-11-25T00:00") == ["24 00:00-24 01:00 100"]


def test_twenty_four_is_the_end_of_the_day():
    policy = {"permit": [{"days": [1], "from": "20:00", "to": "24:00"}]}
    assert opened(policy, "2026-11-23T00:00", "2026-11-25T00:00") == ["23 20:00-24 00:00 100"]


def test_the_lower_volume_holds_where_hours_overlap():
    policy = {
        "permit": [
            {"from": "05:00", "to": "08:00"},
            {"from": "05:00", "to": "06:00", "volume_pct": 60},
        ]
    }
    assert opened(policy, "2026-11-23T00:00", "2026-11-24T00:00") == [
        "23 05:00-23 06:00 60",
        "23 06:00-23 08:00 100",
    ]


def test_quiet_hours_are_cut_out_of_the_day():
    policy = {"quiet": [{"from": "21:00", "to": "05:00"}]}
    assert opened(policy, "2026-11-23T00:00", "2026-11-24T00:00") == ["23 05:00-23 21:00 100"]


def test_hours_have_seasons():
    policy = {
        "permit": [
            {"from": "05:00", "to": "06:00", "season": {"from": "04-16", "to": "10-15"}},
            {"from": "05:30", "to": "06:30", "season": {"from": "10-16", "to": "04-15"}},
        ]
    }
    assert opened(policy, "2026-10-15T00:00", "2026-10-17T00:00") == [
        "15 05:00-15 06:00 100",
        "16 05:30-16 06:30 100",
    ]


def test_an_airing_must_end_within_the_hours_too():
    policy = {"permit": [{"from": "05:30", "to": "06:30"}]}
    assert rules_broken(policy, span("2026-11-23T06:20", 10)) == []
    late = span("2026-11-23T06:21", 10)
    assert rules_broken(policy, late) == [("permit", late.starts_at)]


def test_hours_that_meet_are_one():
    policy = {
        "permit": [
            {"from": "05:00", "to": "06:00", "volume_pct": 60},
            {"from": "06:00", "to": "07:00"},
        ]
    }
    assert rules_broken(policy, span("2026-11-23T05:55", 10)) == []


def test_the_sentence_names_rule_hours_and_source():
    policy = {"permit": [{"from": "05:30", "to": "06:30"}], "source": "Quy chế 12"}
    (found,) = violations(Policy.from_json(policy), HANOI, [span("2026-11-23T04:30")])
    assert "04:30" in found.vi and "khung giờ được phát (05:30-06:30)" in found.vi
    assert found.vi.endswith("theo Quy chế 12.")
    assert "outside the permitted hours (05:30-06:30)" in found.en


def test_within_the_permitted_hours_the_quiet_ones_are_named():
    rules = {
        "permit": [{"from": "05:00", "to": "21:00"}],
        "quiet": [{"from": "11:30", "to": "13:30"}],
    }
    noon, night = span("2026-11-23T12:00"), span("2026-11-23T04:30")
    found = {v.starts_at: v for v in violations(Policy.from_json(rules), HANOI, [noon, night])}
    assert found[noon.starts_at].rule == "quiet"
    assert "giờ không phát loa (11:30-13:30)" in found[noon.starts_at].vi
    assert found[night.starts_at].rule == "permit"


def test_sessions_a_day_are_counted_with_what_is_there():
    policy = {"max_sessions_per_day": 2}
    there = [span("2026-11-23T05:30"), span("2026-11-23T17:00")]
    third = span("2026-11-23T11:00")
    assert rules_broken(policy, third, others=there) == [("max_sessions_per_day", third.starts_at)]
    joined = span("2026-11-23T17:15")  # a quarter of an hour later: the same session
    assert rules_broken(policy, joined, others=there) == []


def test_of_too_many_new_sessions_the_last_are_named():
    planned = [span(f"2026-11-23T{hour}:00") for hour in ("05", "11", "17")]
    assert rules_broken({"max_sessions_per_day": 2}, *planned) == [
        ("max_sessions_per_day", planned[-1].starts_at)
    ]


def test_every_airing_of_a_session_too_many_is_named():
    there = [span("2026-11-23T05:30")]
    planned = [span("2026-11-23T11:00"), span("2026-11-23T11:15")]
    assert rules_broken({"max_sessions_per_day": 1}, *planned, others=there) == [
        ("max_sessions_per_day", each.starts_at) for each in planned
    ]


def test_what_joins_a_session_is_not_what_is_too_many():
    there = [span(f"2026-11-23T{hour}:00") for hour in ("05", "11", "17")]
    assert rules_broken({"max_sessions_per_day": 2}, span("2026-11-23T17:15"), others=there) == []


def test_minutes_a_session_and_a_day():
    policy = {"max_minutes_per_session": 15, "max_minutes_per_day": 25}
    long = span("2026-11-23T05:30", 16)
    assert rules_broken(policy, long) == [("max_minutes_per_session", long.starts_at)]
    day = [span("2026-11-23T05:30", 15), span("2026-11-23T17:00", 15)]
    assert rules_broken(policy, *day) == [("max_minutes_per_day", day[1].starts_at)]
    assert rules_broken(policy, span("2026-11-24T05:30", 15), others=[day[0]]) == []


def test_days_are_those_of_the_place():
    # 23:00 and 01:00 the next day: two days in Viet Nam, one in UTC.
    planned = [span("2026-11-23T23:00"), span("2026-11-24T01:00")]
    assert rules_broken({"max_sessions_per_day": 1}, *planned) == []


def test_a_key_an_area_lacks_comes_from_above():
    above = {"permit": [], "approval": {"clip": False, "author_may_approve": False}}
    merged = inherit(above, {"max_sessions_per_day": 2, "approval": {"clip": True}})
    policy = Policy.from_json(merged)
    assert policy.permit == ()
    assert policy.max_sessions_per_day == 2
    assert (policy.approval.clip, policy.approval.author_may_approve) == (True, False)


@pytest.mark.parametrize(
    ("policy", "field"),
    [
        ({"permits": []}, "policy.permits"),
        ({"permit": [{"from": "25:00", "to": "06:00"}]}, "policy.permit.from"),
        ({"permit": [{"from": "05:00", "to": "06:00", "days": [8]}]}, "policy.permit.days"),
        ({"permit": {"from": "05:00"}}, "policy.permit"),
        ({"max_sessions_per_day": -1}, "policy.max_sessions_per_day"),
        ({"max_minutes_per_day": "60"}, "policy.max_minutes_per_day"),
        ({"approval": {"emergency_people": 3}}, "policy.approval"),
        ({"approval": {"clip": "no"}}, "policy.approval"),
        ({"holidays": [{"date": "13-40"}]}, "policy.holidays"),
        ({"day_sets": {"boats": {"dates": ["soon"]}}}, "policy.day_sets.boats"),
    ],
)
def test_a_rule_that_is_not_understood_is_named(policy, field):
    with pytest.raises(BadInput) as refused:
        Policy.from_json(policy)
    assert field in refused.value.errors


def test_an_airing_of_seconds_is_named_by_its_start_alone():
    policy = Policy.from_json({"permit": [{"from": "05:00", "to": "06:30"}]})
    (broken,) = violations(policy, HANOI, [span("2026-11-25T04:30", 4 / 60)], [])
    assert "lượt phát 04:30 ngày 25/11/2026" in broken.vi
