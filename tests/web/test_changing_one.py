"""This one, this and all after it, or all: chosen in plain words, with plain links and forms."""

import re

import pytest
from sqlalchemy import select

from controller.accounts.access import SYSTEM
from controller.area_changes import area_edits
from controller.database import reading, transaction
from controller.models import Airing, Schedule
from tests.web.test_entering import fields
from tests.web.village import NOW, airing_of


@pytest.fixture
def evening(services, village):
    return airing_of(services, village.schedules["evening"], "2026-11-25")


def test_the_schedule_leads_from_each_airing_to_the_choice(visit, village, evening):
    page = visit("bob").get(f"/schedules/{evening.schedule_id}").text
    assert f'href="/week/move/{evening.id}"' in page
    choice = visit("bob").get(f"/week/move/{evening.id}").text
    for words in ("Chỉ lượt này", "Lượt này và mọi lượt sau", "Cả lịch: mọi lượt sắp tới"):
        assert words in choice
    assert f"edit={evening.schedule_id}&amp;from={evening.id}" in choice


def test_this_and_all_after_it_change_and_the_others_stay(visit, services, evening):
    client = visit("bob")
    address = f"/broadcasts/new?edit={evening.schedule_id}&from={evening.id}"
    page = client.get(address).text
    assert "các lượt trước giữ nguyên" in page
    values = fields(page)
    assert values["date"] == ["2026-11-25"]
    values = {**values, "time": "17:30", "title": "Chiều muộn"}
    looked = client.post("/broadcasts/check", data=values).text
    assert "Không trùng giờ, không trái quy định." in looked
    answer = client.post("/broadcasts/new", data=values)
    assert answer.status_code == 302, answer.text
    new = re.search(r"/schedules/(\w+)", answer.location)[1]
    client.post(f"/schedules/{new}/approve")
    with reading(services.engine) as session:
        old = session.scalars(
            select(Airing).where(
                Airing.schedule_id == evening.schedule_id, Airing.cancelled_at.is_(None)
            )
        ).all()
        assert max(airing.starts_at for airing in old) < evening.starts_at
        ahead = select(Airing.starts_at).where(Airing.schedule_id == new)
        first = min(session.scalars(ahead))
        assert first.isoformat() == "2026-11-25T10:30:00+00:00"
        assert session.get(Schedule, new).title == "Chiều muộn"


def test_an_editor_is_told_who_changes_a_single_airing(visit, evening):
    page = visit("erin").get(f"/week/move/{evening.id}").text
    assert "là việc của người duyệt" in page
    assert "Lượt này và mọi lượt sau" in page


def test_an_airing_of_another_schedule_starts_no_change(visit, village, evening):
    other = village.schedules["morning"]
    assert visit("bob").get(f"/broadcasts/new?edit={other}&from={evening.id}").status_code == 404
    address = f"/broadcasts/new?edit={evening.schedule_id}&from={evening.id}"
    assert visit("charlie").get(address).status_code == 404


def test_what_the_rules_forbid_by_now_says_so_on_schedule_and_sheet(
    visit, services, village, evening
):
    with transaction(services.engine) as session:
        policy = {"permit": [{"from": "05:00", "to": "16:00"}], "source": "QĐ 7"}
        area_edits.update(session, SYSTEM, village.areas["commune"], {"policy": policy}, NOW)
        short = {"max_minutes_per_session": 1}
        area_edits.update(session, SYSTEM, village.areas["Hạ"], {"policy": short}, NOW)
    page = visit("vera").get(f"/schedules/{evening.schedule_id}").text
    assert "Trái quy định: không phát" in page
    assert "QĐ 7" in page
    assert "Trái quy định: không phát" in visit("vera").get("/week/?from=2026-11-23").text
    assert (
        "Có nơi không phát" in visit("vera").get(f"/schedules/{village.schedules['morning']}").text
    )
