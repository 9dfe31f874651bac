"""Occurrences: RFC 5545's own examples, nights on which clocks move, seasons, holidays."""

from datetime import UTC, date, datetime, time

import pytest

from controller.calendar.days import DaySet, Holiday
from controller.calendar.lunar import LunarRule
from controller.calendar.recurrence import Rule, occurrences
from controller.calendar.rrule_text import RRule
from controller.calendar.rule_json import rule_from_json
from controller.calendar.season import Season, SeasonTime
from controller.errors import BadInput

HANOI = "Asia/Ho_Chi_Minh"
NEW_YORK = "America/New_York"


def local(text):
    return datetime.fromisoformat(text)


def utc(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def starts(rule, timezone, first, after, until):
    found = occurrences(rule, timezone, local(first), utc(after), utc(until))
    return [o.starts_at.strftime("%Y-%m-%d %H:%M") for o in found]


def rrule(text, **more):
    return Rule(rrule=RRule.parse(text), **more)


# RFC 5545, section 3.8.5.3: each rule from 1997-09-02T09:00 New York, first results by its text.
RFC_EXAMPLES = [
    ("FREQ=DAILY;COUNT=10", "0902 0903 0904 0905 0906 0907 0908 0909 0910 0911"),
    ("FREQ=DAILY;INTERVAL=10;COUNT=5", "0902 0912 0922 1002 1012"),
    ("FREQ=WEEKLY;COUNT=10", "0902 0909 0916 0923 0930 1007 1014 1021 1028 1104"),
    ("FREQ=WEEKLY;UNTIL=19971007T000000Z;WKST=SU;BYDAY=TU,TH",
     "0902 0904 0909 0911 0916 0918 0923 0925 0930 1002"),
    ("FREQ=WEEKLY;INTERVAL=2;COUNT=8;WKST=SU;BYDAY=TU,TH",
     "0902 0904 0916 0918 0930 1002 1014 1016"),
    ("FREQ=MONTHLY;COUNT=10;BYMONTHDAY=2,15",
     "0902 0915 1002 1015 1102 1115 1202 1215 0102 0115"),
    ("FREQ=MONTHLY;COUNT=10;BYMONTHDAY=1,-1",
     "0930 1001 1031 1101 1130 1201 1231 0101 0131 0201"),
    ("FREQ=MONTHLY;INTERVAL=18;COUNT=10;BYMONTHDAY=10,11,12,13,14,15",
     "0910 0911 0912 0913 0914 0915 0310 0311 0312 0313"),
    ("FREQ=MONTHLY;BYDAY=TU,WE,TH;BYSETPOS=3;COUNT=3", "0904 1007 1106"),
    ("FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO", "0902 0907 0916 0921"),
    ("FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU", "0902 0914 0916 0928"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "days"), RFC_EXAMPLES)
def test_the_examples_of_the_standard_come_out(text, days):
    found = list(
        occurrences(
            rrule(text), NEW_YORK, local("1997-09-02T09:00"), utc("1997-01-01"), utc("2004-01-01")
        )
    )
    assert [o.starts_at.strftime("%m%d") for o in found] == days.split()
    # 9 o'clock on the wall on both sides of the clock change.
    assert {o.starts_at.strftime("%H") for o in found} <= {"13", "14"}


def test_once_is_one_occurrence():
    found = starts(Rule(), HANOI, "2026-11-23T17:00", "2026-01-01", "2027-01-01")
    assert found == ["2026-11-23 10:00"]


def test_the_count_runs_from_the_start_whatever_the_look():
    found = starts(
        rrule("FREQ=DAILY;COUNT=5"), HANOI, "2026-11-01T17:00", "2026-11-04", "2026-12-01"
    )
    assert found == ["2026-11-04 10:00", "2026-11-05 10:00"]


@pytest.mark.parametrize(
    ("timezone", "at", "after", "expected"),
    [
        # Forward: the time does not exist and moves by the gap.
        ("Europe/Berlin", "02:30", "2026-03-28", ["03-28 01:30", "03-29 01:30", "03-30 00:30"]),
        (NEW_YORK, "02:30", "2026-03-07", ["03-07 07:30", "03-08 07:30", "03-09 06:30"]),
        ("Australia/Lord_Howe", "02:15", "2026-10-02",
         ["10-02 15:45", "10-03 15:45", "10-04 15:15"]),
        # Back: the time exists twice; the first counts, once.
        ("Europe/Berlin", "02:30", "2026-10-24", ["10-24 00:30", "10-25 00:30", "10-26 01:30"]),
        (NEW_YORK, "01:30", "2026-10-31", ["10-31 05:30", "11-01 05:30", "11-02 06:30"]),
        ("Australia/Lord_Howe", "01:45", "2026-04-03",
         ["04-03 14:45", "04-04 14:45", "04-05 15:15"]),
    ],
)  # fmt: skip
def test_an_item_sounds_once_on_the_nights_the_clocks_move(timezone, at, after, expected):
    rule = rrule("FREQ=DAILY")
    found = starts(rule, timezone, f"2026-01-01T{at}", after, "2026-12-01")
    assert [start[5:] for start in found[:3]] == expected


def test_two_wall_times_that_are_one_instant_are_one_airing():
    found = starts(
        rrule("FREQ=HOURLY"), "Europe/Berlin", "2026-03-29T00:30", "2026-03-29", "2026-03-29T04:00"
    )
    assert found == [f"2026-03-29 0{hour}:30" for hour in range(4)]


def test_old_schedules_keep_their_phase():
    rule = rrule("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,SU")
    whole = starts(rule, HANOI, "2016-01-06T17:00", "2016-01-01", "2026-12-31")
    late = starts(rule, HANOI, "2016-01-06T17:00", "2026-11-01", "2026-12-31")
    assert late == [start for start in whole if start >= "2026-11-01"]


def test_seasons_move_the_time_and_keep_the_id():
    summer = SeasonTime(Season((4, 16), (10, 15)), time(5, 0))
    rule = rrule("FREQ=DAILY", seasons=(summer,))
    found = list(
        occurrences(rule, HANOI, local("2026-01-01T05:30"), utc("2026-04-14T12:00"),
                    utc("2026-04-17"))
    )  # fmt: skip
    assert [o.starts_at.strftime("%d %H:%M") for o in found] == ["14 22:30", "15 22:00", "16 22:00"]
    assert [o.original_at.strftime("%d %H:%M") for o in found] == [
        "14 22:30",
        "15 22:30",
        "16 22:30",
    ]


def test_a_season_reaches_over_new_year():
    winter = Season((10, 16), (4, 15))
    assert winter.has(date(2026, 1, 1)) and winter.has(date(2026, 12, 31))
    assert not winter.has(date(2026, 7, 1))


def test_exceptions_take_out_and_add():
    rule = rule_from_json(
        {
            "recurrence": {"rrule": "FREQ=DAILY"},
            "exceptions": {"exdates": ["2026-11-24T17:00", "2026-11-25"],
                           "rdates": ["2026-11-26T09:00"]},
        },
        HANOI,
    )  # fmt: skip
    found = starts(rule, HANOI, "2026-11-23T17:00", "2026-11-23", "2026-11-27")
    assert found == ["2026-11-23 10:00", "2026-11-26 02:00", "2026-11-26 10:00"]


def test_an_end_date_includes_its_day():
    rule = rule_from_json({"recurrence": {"rrule": "FREQ=DAILY"}, "until": "2026-11-24"}, HANOI)
    found = starts(rule, HANOI, "2026-11-23T17:00", "2026-11-23", "2026-11-27")
    assert found == ["2026-11-23 10:00", "2026-11-24 10:00"]


@pytest.mark.parametrize(
    ("on_holidays", "days"),
    [
        ("skip", ["01", "03"]),
        ("only", ["02"]),
        ("move", ["01", "03"]),
        ("play", ["01", "02", "03"]),
    ],
)
def test_holidays_are_skipped_or_kept(on_holidays, days):
    rule = rrule("FREQ=DAILY", holidays=(Holiday(solar=(9, 2)),), on_holidays=on_holidays)
    found = starts(rule, HANOI, "2026-08-01T17:00", "2026-09-01", "2026-09-04")
    assert [start[8:10] for start in found] == days


def test_a_holiday_airing_moves_to_the_next_working_day():
    rule = rrule(
        "FREQ=WEEKLY;BYDAY=WE", holidays=(Holiday(solar=(9, 2), days=2),), on_holidays="move"
    )
    found = starts(rule, HANOI, "2026-08-05T17:00", "2026-09-01", "2026-09-08")
    assert found == ["2026-09-04 10:00"]  # the 2nd is a Wednesday


def test_lunar_days_at_a_time_of_day():
    rule = Rule(lunar=LunarRule((1, 15)))
    found = starts(rule, HANOI, "2026-11-22T06:00", "2026-11-22", "2027-01-01")
    # Rằm tháng 10, mùng một and rằm tháng 11.
    assert found == ["2026-11-22 23:00", "2026-12-08 23:00", "2026-12-22 23:00"]


def test_a_set_of_days_restricts_a_rule_and_stands_alone():
    boats = DaySet(dates=(date(2026, 11, 24), date(2026, 11, 29)))
    daily = starts(
        rrule("FREQ=WEEKLY;BYDAY=TU", day_set=boats), HANOI, "2026-11-01T17:00", "2026-11-20",
        "2026-12-10",
    )  # fmt: skip
    assert daily == ["2026-11-24 10:00"]
    alone = starts(Rule(day_set=boats), HANOI, "2026-11-01T17:00", "2026-11-20", "2026-12-10")
    assert alone == ["2026-11-24 10:00", "2026-11-29 10:00"]


def test_a_set_of_days_is_left_out():
    boats = DaySet(dates=(date(2026, 11, 24), date(2026, 11, 29)))
    found = starts(
        rrule("FREQ=DAILY", not_on=boats), HANOI, "2026-11-01T17:00", "2026-11-23", "2026-11-27"
    )
    assert found == ["2026-11-23 10:00", "2026-11-25 10:00", "2026-11-26 10:00"]


def test_a_moved_occurrence_keeps_its_id():
    rule = rule_from_json(
        {
            "recurrence": {"rrule": "FREQ=DAILY"},
            "overrides": {"2026-11-24T17:00:00": "2026-11-24T18:30:00"},
        },
        HANOI,
    )
    found = list(
        occurrences(rule, HANOI, local("2026-11-23T17:00"), utc("2026-11-24"), utc("2026-11-25"))
    )
    assert found[0].original_at == utc("2026-11-24T10:00")
    assert found[0].starts_at == utc("2026-11-24T11:30")


@pytest.mark.parametrize(
    "text",
    [
        "FREQ=DAILY;COUNT=2;UNTIL=20270101",
        "BYDAY=MO",
        "FREQ=DAILY;BYDAY=XX",
        "FREQ=DAILY\nDTSTART:19970101",
        "FREQ=DAILY;INTERVAL=0",
        "",
    ],
)
def test_a_rule_that_cannot_be_is_refused_with_a_sentence(text):
    with pytest.raises(BadInput) as refused:
        RRule.parse(text)
    assert "RFC 5545" in refused.value.errors["recurrence"][0]


@pytest.mark.parametrize(
    "text", ["FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "FREQ=MONTHLY;BYDAY=1MO;BYMONTHDAY=15"]
)
def test_a_rule_that_never_falls_on_a_day_is_refused_as_such(text):
    with pytest.raises(BadInput) as refused:
        RRule.parse(text)
    assert "không bao giờ rơi vào ngày nào" in refused.value.errors["recurrence"][0]


@pytest.mark.parametrize("often", ["FREQ=MINUTELY", "FREQ=SECONDLY"])
def test_a_rule_nobody_could_listen_to_is_refused(often):
    with pytest.raises(BadInput):
        starts(rrule(often), HANOI, "2026-01-01T00:00", "2026-01-01", "2027-01-01")


def test_seconds_are_part_of_the_standard_too():
    found = occurrences(
        rrule("FREQ=SECONDLY;INTERVAL=20;COUNT=3"), HANOI, local("2026-11-23T17:00"),
        utc("2026-11-23"), utc("2026-11-24"),
    )  # fmt: skip
    assert [each.starts_at.second for each in found] == [0, 20, 40]
    found = occurrences(
        rrule("FREQ=DAILY;BYSECOND=0,30"), HANOI, local("2026-11-23T17:00"),
        utc("2026-11-23"), utc("2026-11-24"),
    )  # fmt: skip
    assert [each.starts_at.second for each in found] == [0, 30]


@pytest.mark.parametrize(
    "freq", ["HOURLY;INTERVAL=7", "MINUTELY;INTERVAL=700", "SECONDLY;INTERVAL=9000"]
)
def test_an_old_rule_is_where_counting_from_its_start_puts_it(freq):
    rule, start = rrule(f"FREQ={freq}"), "2019-03-01T05:00"
    late = starts(rule, "UTC", start, "2026-11-22", "2026-11-25")
    step = {"H": 7 * 3600, "M": 700 * 60, "S": 9000}[freq[0]]
    for each in late:
        away = datetime.fromisoformat(f"{each}+00:00") - utc(start)
        assert away.total_seconds() // 60 * 60 % step < 60
    assert late


def test_an_until_in_utc_is_an_instant():
    rule = rrule("FREQ=DAILY;UNTIL=20261124T100000Z")
    found = starts(rule, HANOI, "2026-11-23T17:00", "2026-11-23", "2026-11-27")
    assert found == ["2026-11-23 10:00", "2026-11-24 10:00"]
