"""Every example of RFC 5545, section 3.8.5.3, and those of dateutil's manual, with their results.

A result is written as in the standard: dates by month, "970902-11" for a run of days. All start on
2 September 1997 at 9:00 in New York unless the example says otherwise.
"""

import re
from datetime import UTC, datetime, timedelta

import pytest

from controller.calendar.recurrence import Rule, occurrences
from controller.calendar.rrule_text import RRule
from controller.calendar.rule_json import rule_from_json
from controller.calendar.wall import to_local, zone

NEW_YORK = "America/New_York"
FIRST = "19970902T090000"
WEEKDAYS = "SU,MO,TU,WE,TH,FR,SA"
JANUARIES = "980101-31 990101-31 000101-31"
THIRTEENTHS = "980213 980313 981113 990813 001013"
SUMMERS = (
    "970605 970612 970619 970626 970703 970710 970717 970724 970731 970807 970814 970821 970828"
)

# (rule, results, start): where the standard says "...", the results are its first ones.
STANDARD = [
    ("FREQ=DAILY;COUNT=10", "970902-11", FIRST),
    ("FREQ=DAILY;UNTIL=19971224T000000Z", "970902-30 971001-31 971101-30 971201-23", FIRST),
    ("FREQ=DAILY;INTERVAL=2", "970902 970904 970906 970908 970910 970912 970914", FIRST),
    ("FREQ=DAILY;INTERVAL=10;COUNT=5", "970902 970912 970922 971002 971012", FIRST),
    (f"FREQ=YEARLY;UNTIL=20000131T140000Z;BYMONTH=1;BYDAY={WEEKDAYS}", JANUARIES,
     "19980101T090000"),
    ("FREQ=DAILY;UNTIL=20000131T140000Z;BYMONTH=1", JANUARIES, "19980101T090000"),
    ("FREQ=WEEKLY;COUNT=10",
     "970902 970909 970916 970923 970930 971007 971014 971021 971028 971104", FIRST),
    ("FREQ=WEEKLY;UNTIL=19971224T000000Z",
     "970902 970909 970916 970923 970930 971007 971014 971021 971028 971104 971111 971118 971125 "
     "971202 971209 971216 971223", FIRST),
    ("FREQ=WEEKLY;INTERVAL=2;WKST=SU",
     "970902 970916 970930 971014 971028 971111 971125 971209 971223 980106 980120", FIRST),
    ("FREQ=WEEKLY;UNTIL=19971007T000000Z;WKST=SU;BYDAY=TU,TH",
     "970902 970904 970909 970911 970916 970918 970923 970925 970930 971002", FIRST),
    ("FREQ=WEEKLY;COUNT=10;WKST=SU;BYDAY=TU,TH",
     "970902 970904 970909 970911 970916 970918 970923 970925 970930 971002", FIRST),
    ("FREQ=WEEKLY;INTERVAL=2;UNTIL=19971224T000000Z;WKST=SU;BYDAY=MO,WE,FR",
     "970901 970903 970905 970915 970917 970919 970929 971001 971003 971013 971015 971017 971027 "
     "971029 971031 971110 971112 971114 971124 971126 971128 971208 971210 971212 971222",
     "19970901T090000"),
    ("FREQ=WEEKLY;INTERVAL=2;COUNT=8;WKST=SU;BYDAY=TU,TH",
     "970902 970904 970916 970918 970930 971002 971014 971016", FIRST),
    ("FREQ=MONTHLY;COUNT=10;BYDAY=1FR",
     "970905 971003 971107 971205 980102 980206 980306 980403 980501 980605", "19970905T090000"),
    ("FREQ=MONTHLY;UNTIL=19971224T000000Z;BYDAY=1FR", "970905 971003 971107 971205",
     "19970905T090000"),
    ("FREQ=MONTHLY;INTERVAL=2;COUNT=10;BYDAY=1SU,-1SU",
     "970907 970928 971102 971130 980104 980125 980301 980329 980503 980531", "19970907T090000"),
    ("FREQ=MONTHLY;COUNT=6;BYDAY=-2MO", "970922 971020 971117 971222 980119 980216",
     "19970922T090000"),
    ("FREQ=MONTHLY;BYMONTHDAY=-3", "970928 971029 971128 971229 980129 980226",
     "19970928T090000"),
    ("FREQ=MONTHLY;COUNT=10;BYMONTHDAY=2,15",
     "970902 970915 971002 971015 971102 971115 971202 971215 980102 980115", FIRST),
    ("FREQ=MONTHLY;COUNT=10;BYMONTHDAY=1,-1",
     "970930 971001 971031 971101 971130 971201 971231 980101 980131 980201", "19970930T090000"),
    ("FREQ=MONTHLY;INTERVAL=18;COUNT=10;BYMONTHDAY=10,11,12,13,14,15", "970910-15 990310-13",
     "19970910T090000"),
    ("FREQ=MONTHLY;INTERVAL=2;BYDAY=TU",
     "970902 970909 970916 970923 970930 971104 971111 971118 971125 980106 980113 980120 980127 "
     "980303 980310 980317 980324 980331", FIRST),
    ("FREQ=YEARLY;COUNT=10;BYMONTH=6,7",
     "970610 970710 980610 980710 990610 990710 000610 000710 010610 010710", "19970610T090000"),
    ("FREQ=YEARLY;INTERVAL=2;COUNT=10;BYMONTH=1,2,3",
     "970310 990110 990210 990310 010110 010210 010310 030110 030210 030310", "19970310T090000"),
    ("FREQ=YEARLY;INTERVAL=3;COUNT=10;BYYEARDAY=1,100,200",
     "970101 970410 970719 000101 000409 000718 030101 030410 030719 060101", "19970101T090000"),
    ("FREQ=YEARLY;BYDAY=20MO", "970519 980518 990517", "19970519T090000"),
    ("FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO", "970512 980511 990517", "19970512T090000"),
    ("FREQ=YEARLY;BYMONTH=3;BYDAY=TH",
     "970313 970320 970327 980305 980312 980319 980326 990304 990311 990318 990325",
     "19970313T090000"),
    ("FREQ=YEARLY;BYDAY=TH;BYMONTH=6,7,8", SUMMERS, "19970605T090000"),
    ("FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13", THIRTEENTHS, FIRST),
    ("FREQ=MONTHLY;BYDAY=SA;BYMONTHDAY=7,8,9,10,11,12,13",
     "970913 971011 971108 971213 980110 980207 980307 980411 980509 980613", "19970913T090000"),
    ("FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8", "961105 001107 041102",
     "19961105T090000"),
    ("FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3", "970904 971007 971106",
     "19970904T090000"),
    ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2",
     "970929 971030 971127 971230 980129 980226 980330", "19970929T090000"),
    ("FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO", "970805 970810 970819 970824",
     "19970805T090000"),
    ("FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU", "970805 970817 970819 970831",
     "19970805T090000"),
    ("FREQ=MONTHLY;BYMONTHDAY=15,30;COUNT=5", "070115 070130 070215 070315 070330",
     "20070115T090000"),
]  # fmt: skip

# dateutil's manual, where it shows something else than the standard does.
MANUAL = [
    ("FREQ=DAILY;INTERVAL=2;COUNT=5", "970902 970904 970906 970908 970910", FIRST),
    ("FREQ=WEEKLY;INTERVAL=2;COUNT=6", "970902 970916 970930 971014 971028 971111", FIRST),
    ("FREQ=MONTHLY;COUNT=5;BYMONTHDAY=2,15", "970902 970915 971002 971015 971102", FIRST),
    ("FREQ=MONTHLY;COUNT=5;BYMONTHDAY=-1,1", "970930 971001 971031 971101 971130", FIRST),
    ("FREQ=MONTHLY;INTERVAL=2;COUNT=6;BYDAY=TU", "970902 970909 970916 970923 970930 971104",
     FIRST),
    ("FREQ=YEARLY;COUNT=4;BYMONTH=6,7", "970610 970710 980610 980710", "19970610T090000"),
    ("FREQ=YEARLY;COUNT=4;INTERVAL=3;BYYEARDAY=1,100,200", "970101 970410 970719 000101",
     "19970101T090000"),
    ("FREQ=WEEKLY;COUNT=3;BYWEEKNO=1;BYDAY=MO", "971229 990104 000103", FIRST),
    ("FREQ=WEEKLY;COUNT=3;BYWEEKNO=52;BYDAY=SU", "971228 981227 000102", FIRST),
    ("FREQ=WEEKLY;COUNT=3;BYWEEKNO=53;BYDAY=MO", "981228 041227 091228", FIRST),
    ("FREQ=YEARLY;COUNT=4;BYDAY=FR;BYMONTHDAY=13", "980213 980313 981113 990813", FIRST),
    ("FREQ=MONTHLY;COUNT=3;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2", "970929 971030 971127", FIRST),
    ("FREQ=MONTHLY;COUNT=6;BYMONTHDAY=-3", "970928 971029 971128 971229 980129 980226", FIRST),
]  # fmt: skip

# Several times a day: hours and minutes on 2 September, then on the 3rd.
TWENTIES = " ".join(f"{h:02}{m:02}" for h in range(9, 17) for m in (0, 20, 40))
CLOCKWORK = [
    # As corrected (erratum 3883): the standard's own text ends it at 17:00 UTC.
    ("FREQ=HOURLY;INTERVAL=3;UNTIL=19970902T210000Z", "0900 1200 1500"),
    ("FREQ=MINUTELY;INTERVAL=15;COUNT=6", "0900 0915 0930 0945 1000 1015"),
    ("FREQ=MINUTELY;INTERVAL=90;COUNT=4", "0900 1030 1200 1330"),
    ("FREQ=DAILY;BYHOUR=9,10,11,12,13,14,15,16;BYMINUTE=0,20,40;COUNT=48",
     f"{TWENTIES} {TWENTIES}"),
    ("FREQ=MINUTELY;INTERVAL=20;BYHOUR=9,10,11,12,13,14,15,16;COUNT=48", f"{TWENTIES} {TWENTIES}"),
]  # fmt: skip


def days(text):
    """The dates a result names."""
    for first, last in re.findall(r"(\d{6})(?:-(\d\d))?", text):
        day = datetime.strptime(first, "%y%m%d")  # noqa: DTZ007 - a day on the wall
        for i in range(int(last or day.day) - day.day + 1):
            yield day + timedelta(days=i)


def on_the_wall(rule, start, until, timezone=NEW_YORK):
    first = datetime.fromisoformat(start)
    after = first.replace(tzinfo=UTC) - timedelta(days=2)
    found = occurrences(rule, timezone, first, after, until.replace(tzinfo=UTC))
    return [to_local(occurrence.starts_at, zone(timezone)) for occurrence in found]


@pytest.mark.parametrize(("text", "expected", "start"), STANDARD + MANUAL)
@pytest.mark.parametrize("timezone", [NEW_YORK, "Asia/Ho_Chi_Minh"])
def test_the_examples_come_out_at_nine_on_the_wall(text, expected, start, timezone):
    if timezone != NEW_YORK and "UNTIL" in text:
        text = text.replace("T000000Z", "").replace("T140000Z", "")  # an instant there, a day here
        text = text.replace("UNTIL=19971224", "UNTIL=19971223")
        text = text.replace("UNTIL=19971007", "UNTIL=19971006")
    wanted = [day + timedelta(hours=9) for day in days(expected)]
    ends = "COUNT" in text or "UNTIL" in text
    until = wanted[-1] + timedelta(days=3660 if ends else 1)
    found = on_the_wall(Rule(rrule=RRule.parse(text)), start, until, timezone)
    assert (found if ends else found[: len(wanted)]) == wanted


@pytest.mark.parametrize(("text", "expected"), CLOCKWORK)
def test_what_repeats_within_a_day_comes_out(text, expected):
    found = on_the_wall(Rule(rrule=RRule.parse(text)), FIRST, datetime(1997, 9, 6))  # noqa: DTZ001
    assert [each.strftime("%H%M") for each in found] == expected.split()


def test_the_excluded_first_day_of_friday_the_thirteenth_stays_out():
    rule = rule_from_json(
        {
            "recurrence": {"rrule": "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13"},
            "exceptions": {"exdates": ["1997-09-02T09:00:00"]},
        },
        NEW_YORK,
    )
    found = on_the_wall(rule, FIRST, datetime(2000, 10, 14))  # noqa: DTZ001
    assert found == [day + timedelta(hours=9) for day in days(THIRTEENTHS)]


@pytest.mark.parametrize("frame", ["FREQ=MONTHLY", "FREQ=YEARLY", "FREQ=YEARLY;BYMONTH=3,5"])
def test_plain_and_numbered_days_together_are_both_kept(frame):
    start = "2026-01-01T17:00:00"
    plain, numbered = (
        on_the_wall(Rule(rrule=RRule.parse(f"{frame};BYDAY={day}")), start, datetime(2029, 1, 1))  # noqa: DTZ001
        for day in ("TU", "-1FR")
    )
    both = Rule(rrule=RRule.parse(f"{frame};BYDAY=TU,-1FR"))
    found = on_the_wall(both, start, datetime(2029, 1, 1))  # noqa: DTZ001
    assert found == sorted([*plain, *numbered])
    assert len(numbered) > 2
