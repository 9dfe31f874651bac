"""My village: tonight, what was played, and what the Group noted."""

import re
from io import BytesIO

import openpyxl
from sqlalchemy import select

from controller.accounts.access import SYSTEM
from controller.area_changes import area_edits
from controller.database import reading, transaction
from controller.models import Feedback
from tests.web.village import NOW, airing_of


def test_a_village_head_sees_their_own_village(visit):
    page = visit("hoa").get("/village/").text
    assert "<h1>Thôn Hạ</h1>" in page
    assert "Chương trình chiều" in page
    assert "Đã phát xong" in page
    assert "Cụm Bãi Sậy" not in page


def test_the_group_and_its_next_visit_are_there(visit, services, village):
    group = {
        "name": "Tổ công nghệ số thôn Hạ",
        "phone": "0912 345 678",
        "next_visits": [{"at": "2026-11-25T19:00", "place": "Nhà văn hóa", "topic": "VNeID"}],
    }
    with transaction(services.engine) as session:
        area_edits.update(session, SYSTEM, village.areas["Hạ"], {"group": group}, NOW)
    page = visit("hoa").get("/village/").text
    assert "0912 345 678" in page
    assert "19:00 25/11/2026" in page


def test_what_people_asked_is_noted_after_an_airing(visit, services, village):
    airing = airing_of(services, village.schedules["noon"])
    data = {"airing_id": airing.id, "area_id": village.areas["Hạ"], "asked": "3", "note": "VNeID"}
    answer = visit("hoa").post("/village/feedback", data=data, follow_redirects=True)
    assert "Đã ghi. Cảm ơn bạn!" in answer.text
    with reading(services.engine) as session:
        assert session.scalar(select(Feedback.asked)) == 3
    assert "Số hộ hỏi thêm: 3. VNeID" in visit("hoa").get("/village/").text


def test_the_reports_add_the_notes_up_and_show_their_words(visit, services, village):
    airing = airing_of(services, village.schedules["noon"])
    data = {"airing_id": airing.id, "area_id": village.areas["Hạ"], "asked": "3"}
    hoa = visit("hoa")
    hoa.post("/village/feedback", data={**data, "installed": "2", "note": "loa <nhỏ>"})
    hoa.post("/village/feedback", data={**data, "asked": "4"})
    page = visit("vera").get("/reports/").text
    assert '<strong class="figure">7</strong> hộ hỏi thêm' in page
    row = re.search(r'<th scope="row">Thôn Hạ</th>.*?</tr>', page, re.DOTALL)[0]
    assert row.endswith("<td>7</td><td>2</td></tr>")
    assert "loa &lt;nhỏ&gt;" in page
    elsewhere = visit("vera").get(f"/reports/?area={village.areas['Trung']}").text
    assert '<strong class="figure">0</strong> hộ hỏi thêm' in elsewhere
    book = visit("vera").get("/reports/coverage.xlsx", buffered=True)
    rows = list(openpyxl.load_workbook(BytesIO(book.data)).active.values)
    assert rows[0][-2:] == ("Hộ hỏi thêm", "Hộ cài được ứng dụng")
    assert (7, 2) in [row[-2:] for row in rows]


def test_an_empty_note_is_refused_with_a_sentence(visit, services, village):
    airing = airing_of(services, village.schedules["noon"])
    data = {"airing_id": airing.id, "area_id": village.areas["Hạ"]}
    answer = visit("hoa").post("/village/feedback", data=data)
    assert answer.status_code == 422
    assert "notice-bad" in answer.text


def test_another_village_is_not_theirs(visit, village):
    assert visit("hoa").get(f"/village/?area={village.areas['Trung']}").status_code == 404
    assert visit("charlie").get(f"/village/?area={village.areas['Hạ']}").status_code == 404


def test_a_head_keeps_their_village_silent_and_lets_it_sound_again(visit, village):
    hoa, area = visit("hoa"), village.areas["Hạ"]
    data = {"area_id": area, "until": "2026-11-23T05:00"}
    page = hoa.post("/village/mute", data=data, follow_redirects=True).text
    assert "Đang tắt tiếng đến 05:00 ngày 23/11/2026" in page
    page = hoa.post("/village/mute", data={"area_id": area}, follow_redirects=True).text
    assert "Đang tắt tiếng" not in page
    wrong = hoa.post("/village/mute", data={"area_id": area, "until": "2026-11-21T05:00"})
    assert wrong.status_code == 422
    assert "Hãy chọn một lúc sắp tới" in wrong.text


def test_a_reported_fault_waits_for_the_technician_on_today(visit, village):
    node = village.nodes["Hạ"]
    data = {"area_id": village.areas["Hạ"], "node_id": node, "text": "Loa hú"}
    page = visit("hoa").post("/village/fault", data=data, follow_redirects=True).text
    assert "Đã báo kỹ thuật viên" in page
    tom = visit("tom")
    assert "Báo hỏng: Cụm Hạ" in tom.get("/").text
    assert "Loa hú" in tom.get(f"/nodes/{node}").text
    tom.post(f"/nodes/{node}/notes", data={"text": "Đã chỉnh loa"})
    assert "Báo hỏng" not in tom.get("/").text


def test_the_usual_ends_of_silence_take_one_tap(visit, village):
    page = visit("hoa").get("/village/").text
    ends = dict(re.findall(r'name="until" value="([^"]+)">([^<]+)<', page))
    assert ends == {
        "2026-11-22T13:11": "1 giờ, đến 13:11",
        "2026-11-23T00:00": "Đến hết hôm nay",
        "2026-11-23T05:00": "Đến 05:00 sáng mai",
    }
    data = {"area_id": village.areas["Hạ"], "until": "2026-11-23T00:00"}
    page = visit("hoa").post("/village/mute", data=data, follow_redirects=True).text
    assert "Đang tắt tiếng đến 00:00 ngày 23/11/2026" in page
