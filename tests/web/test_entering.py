"""Changing a schedule on its form: filled as it stands, approved as a change, nothing lost."""

import re

import pytest
from sqlalchemy import select

from controller.accounts.access import SYSTEM
from controller.area_changes import area_edits
from controller.database import reading, transaction
from controller.models import Schedule
from tests.web.village import NOW


@pytest.fixture
def evening(services, village):
    """The evening's schedule leaves out holidays."""
    schedule_id = village.schedules["evening"]
    with transaction(services.engine) as session:
        schedule = session.get(Schedule, schedule_id)
        schedule.rule = {**schedule.rule, "exceptions": {"on_holidays": "skip"}}
    return schedule_id


def fields(page):
    """What the form would send as it stands."""
    form = page[page.index('<form method="post" action="/broadcasts/new"') :]
    found = {}
    for tag in re.findall(r"<input[^>]*>", form):
        values = dict(re.findall(r'(\w+)="([^"]*)"', tag))
        if values.get("type") in ("checkbox", "radio") and "checked" not in tag:
            continue
        if values.get("name"):
            found.setdefault(values["name"], []).append(values.get("value", ""))
    for name, options in re.findall(r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', form, re.S):
        chosen = re.findall(r'value="([^"]*)" selected', options)
        found[name] = chosen or re.findall(r'value="([^"]*)"', options)[:1]
    return found


def test_a_change_waits_beside_what_airs_and_then_takes_its_place(
    visit, services, village, evening
):
    with transaction(services.engine) as session:
        policy = {"approval": {"schedule": True, "author_may_approve": True}}
        area_edits.update(session, SYSTEM, village.areas["commune"], {"policy": policy}, NOW)
    erin = visit("erin")
    values = fields(erin.get(f"/broadcasts/new?edit={evening}").text)
    assert values["repeat"] == ["keep"]
    answer = erin.post("/broadcasts/new", data={**values, "time": "17:30", "title": "Chiều muộn"})
    assert answer.location == f"/schedules/{evening}"
    with reading(services.engine) as session:
        assert session.get(Schedule, evening).title == "Chương trình chiều"

    queue = visit("bob").get("/approvals/").text
    assert "Thay đổi chờ duyệt" in queue
    assert "Chiều muộn" in queue
    assert "17:30" in queue
    visit("bob").post(f"/schedules/{evening}/approve")
    with reading(services.engine) as session:
        schedule = session.get(Schedule, evening)
        assert schedule.title == "Chiều muộn"
        assert schedule.rule["time"] == "17:30:00"
        assert schedule.rule["recurrence"] == {"rrule": "FREQ=WEEKLY;BYDAY=MO,WE,FR,SU"}
        assert schedule.rule["exceptions"] == {"on_holidays": "skip"}
    assert "17:30" in visit("bob").get(f"/schedules/{evening}").text


def test_a_schedule_does_not_clash_with_itself(visit, evening):
    erin = visit("erin")
    values = fields(erin.get(f"/broadcasts/new?edit={evening}").text)
    page = erin.post("/broadcasts/check", data=values).text
    assert "Không trùng giờ" in page


def test_an_outsider_finds_nothing_to_change(visit, evening):
    assert visit("charlie").get(f"/broadcasts/new?edit={evening}").status_code == 404
    assert visit("vera").get(f"/broadcasts/new?edit={evening}").status_code == 403


def test_catching_up_holidays_and_lunar_days_are_entered_and_kept(visit, services, village):
    erin = visit("erin")
    values = fields(erin.get("/broadcasts/new").text)
    values |= {
        "title": "Tàu về bến", "clips": [village.clips[5]], "area_ids": [village.areas["Hạ"]],
        "date": "2026-11-30", "time": "09:00", "repeat": "lunar", "lunar": ["30"],
        "lunar_offset": "-2", "lunar_leap": "exclude", "holidays": "skip", "catch_up": "1",
    }  # fmt: skip
    answer = erin.post("/broadcasts/new", data=values)
    assert answer.status_code == 302, answer.text
    page = erin.get(answer.location).text
    assert "2 ngày trước ngày cuối tháng hằng tháng âm lịch (trừ tháng nhuận)" in page
    with reading(services.engine) as session:
        made = session.scalars(select(Schedule).where(Schedule.title == "Tàu về bến")).one()
        assert made.rule["exceptions"] == {"on_holidays": "skip", "catch_up": True}
        lunar = {"days": [30], "offset_days": -2, "leap": "exclude"}
        assert made.rule["recurrence"] == {"lunar": lunar}
    again = fields(erin.get(f"/broadcasts/new?edit={made.id}").text)
    assert (again["holidays"], again["catch_up"], again["repeat"]) == (["skip"], ["1"], ["keep"])
    erin.post("/broadcasts/new", data={**again, "holidays": "move"})
    with reading(services.engine) as session:
        rule = session.get(Schedule, made.id).rule
        assert rule["exceptions"] == {"on_holidays": "move", "catch_up": True}
        assert rule["recurrence"] == {"lunar": lunar}


def test_the_queue_says_a_single_days_lunar_date_once(visit, village):
    queue = visit("bob").get("/approvals/").text
    card = queue[queue.index("Lịch tiêm phòng</a>") :]
    when = card[card.index("<p><strong>") : card.index("</p>")]
    assert when.count("âm lịch") == 1


def test_a_village_ticked_without_scripts_is_not_the_whole_commune(visit, village, services):
    erin, commune = visit("erin"), village.areas["commune"]
    values = fields(erin.get(f"/broadcasts/new?clip={village.clips[5]}").text)
    assert values["area_ids"] == values["unasked"] == [commune]
    values |= {"area_ids": [commune, village.areas["Hạ"]], "date": "2026-11-24", "time": "11:00"}
    page = erin.post("/broadcasts/check", data=values).text
    assert "tại Thôn Hạ (1 cụm loa)" in page
    assert f'value="{commune}" checked' not in page
    answer = erin.post("/broadcasts/new", data=values)
    with reading(services.engine) as session:
        made = session.get_one(Schedule, answer.location.rpartition("/")[2])
        assert [each.area_id for each in made.areas] == [village.areas["Hạ"]]
