"""The rarer choices of a schedule on its form: seasons, sets of days, pauses, its own rule."""

import pytest
from sqlalchemy import select

from controller.accounts.access import SYSTEM
from controller.area_changes import area_edits
from controller.database import reading, transaction
from controller.models import Schedule
from controller.territory import areas
from tests.web.test_entering import fields
from tests.web.village import NOW
from web.repeat_words import in_words

BOATS = {"boats": {"name": "Tàu về bến", "lunar": {"days": [15]}, "dates": ["2026-12-05"]}}


@pytest.fixture
def boats(services, village):
    """The commune keeps a set of days."""
    with transaction(services.engine) as session:
        area = areas.get(session, SYSTEM, village.areas["commune"])
        policy = {**(area.policy or {}), "day_sets": BOATS}
        area_edits.update(session, SYSTEM, village.areas["commune"], {"policy": policy}, NOW)


def entered(village, **more):
    return {
        "title": "Tin cho ngư dân", "clips": [village.clips[5]], "area_ids": [village.areas["Hạ"]],
        "date": "2026-11-30", "time": "09:00", "repeat": "daily", "extras": "1", **more,
    }  # fmt: skip


def made(services, title="Tin cho ngư dân"):
    with reading(services.engine) as session:
        found = session.scalars(select(Schedule).where(Schedule.title == title)).one()
        return found.id, found.rule, [item.gap_s for item in found.programme.items]


def sent(client, values):
    form = fields(client.get("/broadcasts/new").text)
    answer = client.post("/broadcasts/new", data={**form, **values})
    assert answer.status_code == 302, answer.text
    return client.get(answer.location).text


def test_a_time_of_its_own_in_summer_and_in_winter(visit, services, village):
    erin = visit("erin")
    values = entered(village) | {"season-0-time": "08:00", "season-1-time": "09:30"}
    text = sent(erin, values)
    assert "riêng từ 16/4 đến 15/10 phát lúc 08:00 (sáng)" in text
    schedule_id, rule, _gaps = made(services)
    assert rule["seasons"] == [
        {"from": "04-16", "to": "10-15", "time": "08:00"},
        {"from": "10-16", "to": "04-15", "time": "09:30"},
    ]
    again = fields(erin.get(f"/broadcasts/new?edit={schedule_id}").text)
    assert again["season-1-time"] == ["09:30"]
    erin.post("/broadcasts/new", data={**again, "season-1-time": "09:45"})
    assert made(services)[1]["seasons"][1]["time"] == "09:45"


def test_usual_halves_of_the_year_without_a_time_mean_nothing(visit, services, village):
    sent(visit("erin"), entered(village))
    assert "seasons" not in made(services)[1]


def test_half_a_season_is_asked_for(visit, village):
    erin = visit("erin")
    form = fields(erin.get("/broadcasts/new").text) | entered(village)
    page = erin.post(
        "/broadcasts/new", data={**form, "season-0-from": "", "season-0-time": "08:00"}
    )
    assert page.status_code == 422
    assert "Mùa còn thiếu" in page.text
    page = erin.post(
        "/broadcasts/new", data={**form, "season-0-to": "hè", "season-0-time": "08:00"}
    )
    assert "ví dụ 16/4" in page.text


@pytest.mark.parametrize(
    ("choice", "words", "kept"),
    [
        ("on:boats", "chỉ vào ngày «Tàu về bến»", {"day_set": "boats"}),
        ("off:boats", "không phát vào ngày «Tàu về bến»", {"exceptions": {"not_on": "boats"}}),
    ],
)
def test_a_set_of_days_alone_or_left_out(visit, services, village, boats, choice, words, kept):
    erin = visit("erin")
    looked = erin.post("/broadcasts/check", data=entered(village, day_set=choice)).text
    assert words in looked
    text = sent(erin, entered(village, day_set=choice))
    assert words in text
    schedule_id, rule, _gaps = made(services)
    assert kept.items() <= rule.items()
    assert fields(erin.get(f"/broadcasts/new?edit={schedule_id}").text)["day_set"] == [choice]


def test_days_that_nobody_keeps_are_no_choice(visit, village):
    assert 'name="day_set"' not in visit("erin").get("/broadcasts/new").text


def test_the_pause_between_repeats_is_chosen_and_said(visit, services, village):
    erin = visit("erin")
    values = entered(village, gap="20") | {f"times-{village.clips[5]}": "2"}
    looked = erin.post("/broadcasts/check", data=values).text
    assert "Giữa các lần nghỉ 20 giây." in looked
    assert "gap=20" in looked  # what is listened to has it too
    sent(erin, values)
    assert made(services)[2] == [20]


def test_a_rule_without_a_form_is_kept_and_said_in_words(visit, services, village):
    erin = visit("erin")
    sent(erin, entered(village) | {f"times-{village.clips[5]}": "3"})
    schedule_id, _rule, _gaps = made(services)
    own = {"rrule": "FREQ=MONTHLY;BYDAY=1MO,-1FR;COUNT=10"}
    more = {"exdates": ["2026-12-07"], "on_holidays": "skip"}
    with transaction(services.engine) as session:
        schedule = session.get(Schedule, schedule_id)
        schedule.rule = {"recurrence": own, "exceptions": more}
        schedule.programme.items[0].times = 12
        schedule.programme.items[0].gap_s = 7.5
    page = erin.get(f"/broadcasts/new?edit={schedule_id}").text
    words = "thứ 2 đầu tiên, thứ 6 cuối cùng hằng tháng, tất cả 10 lượt"
    assert f"Giữ như đang có: {words}" in page
    form = fields(page)
    answer = erin.post("/broadcasts/new", data={**form, "title": "Đổi tên"})
    assert answer.status_code == 302, answer.text
    _id, rule, gaps = made(services, "Đổi tên")
    assert (rule["recurrence"], rule["exceptions"], gaps) == (own, more, [7.5])
    with reading(services.engine) as session:
        assert session.get(Schedule, schedule_id).programme.items[0].times == 12
    assert "nghỉ ngày lễ; trừ 07/12/2026" in erin.get(f"/schedules/{schedule_id}").text


def test_a_copy_keeps_a_rule_without_a_form_and_leaves_the_old_one(visit, services, village):
    erin = visit("erin")
    sent(erin, entered(village))
    schedule_id, _rule, _gaps = made(services)
    own = {"rrule": "FREQ=MONTHLY;BYDAY=2TU"}
    with transaction(services.engine) as session:
        session.get(Schedule, schedule_id).rule = {"recurrence": own}
    assert f"copy={schedule_id}" in erin.get(f"/schedules/{schedule_id}").text
    page = erin.get(f"/broadcasts/new?copy={schedule_id}").text
    assert "Giữ như đang có: thứ 3 lần thứ 2 hằng tháng" in page
    changed = {"title": "Bản chép", "time": "10:00"}
    answer = erin.post("/broadcasts/new", data={**fields(page), **changed})
    assert answer.status_code == 302, answer.text
    copy_id, rule, _gaps = made(services, "Bản chép")
    assert rule["recurrence"] == own
    assert copy_id != schedule_id
    assert made(services)[1]["recurrence"] == own
    assert visit("charlie").get(f"/broadcasts/new?copy={schedule_id}").status_code == 404


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("FREQ=DAILY;INTERVAL=2", "2 ngày một lần"),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=SA,TU", "thứ 3, thứ 7 (2 tuần một lần)"),
        ("FREQ=WEEKLY", "thứ 2 hằng tuần"),
        ("FREQ=MONTHLY;BYMONTHDAY=1,-1", "ngày 1, ngày cuối tháng hằng tháng"),
        ("FREQ=YEARLY;BYMONTH=9;BYMONTHDAY=2", "ngày 2/9 hằng năm"),
        ("FREQ=DAILY;BYMONTH=6,7;UNTIL=20270731", "hằng ngày (chỉ tháng 6, 7), đến 31/07/2027"),
        ("FREQ=HOURLY;INTERVAL=3", "3 giờ một lần"),
        ("FREQ=YEARLY;BYWEEKNO=20", "lặp lại theo quy tắc FREQ=YEARLY;BYWEEKNO=20"),
    ],
)
def test_rules_are_read_out(app, rule, words):
    with app.test_request_context(headers={"Accept-Language": "vi"}):
        text = in_words("2026-11-30T09:00", {"recurrence": {"rrule": rule}})
    assert f"09:00 (sáng), {words}, từ 30/11/2026" in text
