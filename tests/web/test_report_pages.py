"""The week's logbook, the month's report and the workbook: figures from the log, lines to sign."""

from io import BytesIO

import openpyxl
from sqlalchemy import select

from controller.database import reading, transaction
from controller.models import Playback, User
from tests.web.village import airing_of


def test_the_logbook_has_a_line_an_airing_with_its_misses(visit):
    page = visit("bob").get("/reports/logbook").text
    assert "16/11" in page
    assert "Bản tin sáng của xã" in page
    assert ">6/8</td>" in page
    assert "Cụm loa tắt vào giờ phát" in page
    assert "ký, đóng dấu" in page


def test_another_week_is_empty_and_says_so(visit):
    assert (
        "Tuần này chưa có lượt phát nào"
        in visit("bob").get("/reports/logbook?week=2026-01-05").text
    )


def test_the_month_counts_and_names_places_without_a_topic(visit):
    page = visit("bob").get("/reports/month?month=2026-11").text
    assert "Báo cáo tháng 11/2026" in " ".join(page.split())
    assert "75 %" in page  # 12 of 16: what is on the air now counts when it is over
    assert "Thôn Bãi Sậy, Thôn Cầu Đá" in page


def test_without_a_month_it_is_the_last_whole_one(visit):
    assert "10/2026" in visit("bob").get("/reports/month").text


def test_the_workbook_has_a_row_a_place_and_topic(visit):
    answer = visit("bob").get("/reports/coverage.xlsx", buffered=True)
    rows = list(openpyxl.load_workbook(BytesIO(answer.data)).active.values)
    assert rows[0][:4] == ("Nơi", "Lĩnh vực", "Đã hẹn", "Đã phát")
    assert len(rows) == 1 + 8 * 6
    assert ("Thôn Hạ", "Dịch vụ công trực tuyến", 1, 1) in [row[:4] for row in rows]


def test_an_airing_s_path_is_told_on_both_clocks(visit, services, village):
    airing = airing_of(services, village.schedules["morning"], on="2026-11-22").id
    page = visit("tom").get(f"/log/{airing}/{village.nodes['Hạ']}").text
    for words in ("Giờ cụm loa", "Giờ máy chủ", "bật tăng âm", "máy chủ nhận và xác nhận báo cáo"):
        assert words in page
    assert "05:30:00,000" in page


def test_an_account_gets_another_role_and_a_further_place(visit, services, village):
    data = {"name": "Trần Thị Én", "role": "approver", "area_id": village.areas["Hạ"]}
    data["also"] = [village.areas["Đông"], village.areas["Trung"]]
    visit("alice").post(f"/users/{village.users['erin']}", data=data)
    with reading(services.engine) as session:
        erin = session.get_one(User, village.users["erin"])
        assert erin.role == "approver"
        assert erin.area_ids[0] == village.areas["Hạ"]
        assert set(erin.area_ids[1:]) == set(data["also"])
    assert visit("erin").get("/").status_code == 302  # signed out: the rights have changed


def test_nobody_changes_their_own_rights(visit, village):
    data = {"name": "An", "role": "viewer", "area_id": village.areas["commune"]}
    assert visit("alice").post(f"/users/{village.users['alice']}", data=data).status_code == 403


def test_the_logbook_gives_no_length_to_what_is_on_the_air(visit, services, village):
    morning = airing_of(services, village.schedules["morning"], on="2026-11-22").id
    with transaction(services.engine) as session:
        for row in session.scalars(select(Playback).where(Playback.airing_id == morning)):
            row.outcome = row.played_ms = None
    page = visit("bob").get("/reports/logbook").text
    assert ">Đang phát</td>" in page
    assert ">0:00</td>" not in page
