"""Copying a week: shown first, created once, and only what is not there already."""

import pytest
from sqlalchemy import func, select

from controller.database import reading
from controller.models import Schedule

WEEKS = {"from": "2026-11-16", "to": "2026-11-29"}


def count(services):
    with reading(services.engine) as session:
        return session.scalar(select(func.count()).select_from(Schedule))


def test_the_preview_names_what_is_new_and_what_stands(visit, services):
    before = count(services)
    page = visit("erin").get("/week/copy/", query_string=WEEKS).text
    assert "Chủ nhật 29/11, 12:09" in page
    assert "Tạo 1 lịch phát này" in page
    assert page.count("đã có, giữ nguyên") == 3  # two mornings and the weekly evening
    assert count(services) == before


def test_a_second_copy_creates_nothing(visit, services):
    before = count(services)
    erin = visit("erin")
    assert erin.post("/week/copy/", data=WEEKS).status_code == 302
    assert count(services) == before + 1
    assert "Không còn gì để chép" in erin.get("/week/copy/", query_string=WEEKS).text
    erin.post("/week/copy/", data=WEEKS)
    assert count(services) == before + 1


def test_a_copy_keeps_clips_places_and_tune(visit, services, village):
    visit("erin").post("/week/copy/", data=WEEKS)
    with reading(services.engine) as session:
        query = select(Schedule).where(Schedule.starts_local == "2026-11-29T12:09:00")
        copied = session.scalars(query).one()
        assert copied.title == "An toàn trên mạng"
        assert copied.programme.tune == "lang_que"
        assert [item.clip_id for item in copied.programme.items] == [village.clips[5]]
        assert [area.area_id for area in copied.areas] == [village.areas["commune"]]


@pytest.mark.parametrize("to", ["2026-10-01", "2027-06-01"])
def test_a_week_too_far_off_is_refused_with_a_reason(visit, to):
    answer = visit("erin").get("/week/copy/", query_string={**WEEKS, "to": to})
    assert answer.status_code == 422
    assert "ba tuần tới" in answer.text
    assert visit("erin").post("/week/copy/", data={**WEEKS, "to": to}).status_code == 422


def test_an_outsider_copies_nothing(visit, services):
    before = count(services)
    charlie = visit("charlie")
    assert "An toàn trên mạng" not in charlie.get("/week/copy/", query_string=WEEKS).text
    charlie.post("/week/copy/", data=WEEKS)
    assert count(services) == before
