"""The weekly sheet: sessions by days, lunar dates, minutes; moving an airing and taking it back."""

import re

import pytest
from sqlalchemy import select

from controller.accounts.access import SYSTEM
from controller.area_changes import area_edits
from controller.database import reading, transaction
from controller.models import Airing
from tests.web.village import NOW, airing_of


@pytest.fixture
def evening(services, village):
    return airing_of(services, village.schedules["evening"])


def test_the_sheet_has_each_airing_in_its_session_and_day(visit):
    page = visit("bob").get("/week/?from=2026-11-23").text
    monday = re.search(r'data-day="2026-11-23" data-start="17:00".*?</td>', page, re.DOTALL)[0]
    assert "Chương trình chiều" in monday
    assert "17:00–17:04" in monday


def test_what_waits_for_approval_is_marked(visit):
    page = visit("vera").get("/week/?from=2026-11-23").text
    assert "Lịch tiêm phòng" in page
    assert "Chờ duyệt" in page


def test_the_lunar_date_stands_under_each_day(visit):
    page = visit("vera").get("/week/?from=2026-11-22").text
    assert "14/10" in page  # 22/11/2026 is the 14th of the tenth month


def test_minutes_used_stand_beside_those_allowed(visit, services, village):
    with transaction(services.engine) as session:
        policy = {"max_minutes_per_session": 45}
        area_edits.update(session, SYSTEM, village.areas["commune"], {"policy": policy}, NOW)
    assert "4/45 phút" in visit("bob").get("/week/?from=2026-11-23").text


def test_an_airing_is_moved_and_moved_back(visit, services, evening):
    client = visit("bob")
    moved = client.post(f"/week/move/{evening.id}", data={"date": "2026-11-24", "time": "17:30"})
    page = client.get(moved.location).text
    assert "Đã chuyển sang thứ 3 24/11 lúc 17:30." in page
    assert "Hoàn tác: đưa về 17:00" in page
    client.post(f"/week/move/{evening.id}", data={"date": "2026-11-22", "time": "17:00"})
    with reading(services.engine) as session:
        assert session.get(Airing, evening.id).starts_at == evening.starts_at


def test_a_move_onto_another_broadcast_is_refused_with_the_form(visit, evening):
    data = {"date": "2026-11-23", "time": "05:31"}
    answer = visit("bob").post(f"/week/move/{evening.id}", data=data)
    assert answer.status_code == 409
    assert "trùng giờ" in answer.text
    assert 'value="05:31"' in answer.text


def test_one_airing_is_left_out_and_the_others_stay(visit, services, village, evening):
    visit("bob").post(f"/week/leave-out/{evening.id}")
    with reading(services.engine) as session:
        query = select(Airing).where(Airing.schedule_id == village.schedules["evening"])
        cancelled = [a.id for a in session.scalars(query) if a.cancelled_at]
    assert cancelled == [evening.id]


def test_who_may_not_move_is_offered_no_move(visit):
    assert "Chuyển…" in visit("bob").get("/week/?from=2026-11-23").text
    assert "Chuyển…" not in visit("vera").get("/week/?from=2026-11-23").text


def test_an_outsider_sees_and_moves_nothing(visit, evening):
    client = visit("charlie")
    assert "Chương trình chiều" not in client.get("/week/?from=2026-11-23").text
    assert client.get(f"/week/move/{evening.id}").status_code == 404
    data = {"date": "2026-11-24", "time": "17:30"}
    assert client.post(f"/week/move/{evening.id}", data=data).status_code == 404
