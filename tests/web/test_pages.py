"""Library, approvals, clusters, schedules, new broadcast and log: what each shows, and to whom."""

import io
import re

import openpyxl
import pytest
from sqlalchemy import select

from controller.database import reading, transaction
from controller.models import ClipVersion, DeviceBinding, Node, NodeReport, Playback, Schedule
from tests.web import village as scene
from tests.web.village import airing_of


def test_the_library_finds_without_accents(visit):
    page = visit("erin").get("/clips/?q=tien+dien").text
    assert "Thanh toán tiền điện bằng VNPT Money" in page
    assert "Bán hàng trên sàn Postmart" not in page


def test_a_broken_recording_is_refused_beside_the_field(visit):
    data = {"title": "Hỏng", "topic": "1", "language": "vi"}
    data["file"] = (io.BytesIO(b"khong phai am thanh" * 99), "hong.mp3")
    answer = visit("erin").post("/clips/new", data=data)
    assert answer.status_code == 422
    assert 'id="problem-file"' in answer.text
    assert 'value="Hỏng"' in answer.text  # what was typed is kept


def test_an_upload_without_a_file_says_so(visit):
    answer = visit("erin").post("/clips/new", data={"title": "A", "topic": "1", "language": "vi"})
    assert "Hãy chọn tệp âm thanh" in answer.text


def test_a_clip_can_be_heard_in_part(visit, village):
    wanted = {"Range": "bytes=0-99"}
    with visit("vera").get(f"/clips/{village.clips[4]}/sound", headers=wanted) as answer:
        assert answer.status_code == 206
        assert len(answer.data) == 100
        assert answer.data.startswith(b"OggS")


def test_an_approver_lets_a_version_air(visit, village, services):
    client = visit("bob")
    assert "Cài VNeID mức độ 2" in client.get("/approvals/").text
    client.post(f"/clips/{village.clips[4]}/approve", data={"back": "1"})
    with reading(services.engine) as session:
        query = select(ClipVersion.status).where(ClipVersion.clip_id == village.clips[4])
        assert set(session.scalars(query)) == {"approved"}
    assert "Cài VNeID mức độ 2" not in client.get("/approvals/").text


def test_a_returned_schedule_shows_its_reason(visit, village):
    address = f"/schedules/{village.schedules['pending']}"
    visit("bob").post(f"{address}/reject", data={"note": "Đổi sang 17:45"})
    page = visit("erin").get(address).text
    assert "Trả lại" in page
    assert "Đổi sang 17:45" in page


def test_a_schedule_is_paused_and_goes_on(visit, village, services):
    client, address = visit("erin"), f"/schedules/{village.schedules['evening']}"
    assert "Tạm dừng" in client.post(f"{address}/pause", follow_redirects=True).text
    with reading(services.engine) as session:
        assert session.get(Schedule, village.schedules["evening"]).paused_at is not None
    assert "Đã duyệt" in client.post(f"{address}/resume", follow_redirects=True).text


def test_a_deleted_schedule_is_gone(visit, village):
    client, address = visit("erin"), f"/schedules/{village.schedules['evening']}"
    client.post(f"{address}/delete")
    assert client.get(address).status_code == 404


def test_the_summary_is_one_sentence_in_the_glossary_s_words(visit, village):
    data = {
        "title": "Họp thôn",
        "clips": village.clips[6],
        "area_ids": village.areas["Hạ"],
        "date": "2026-11-24",
        "time": "19:00",
        "repeat": "weekly",
        "days": ["2", "5"],
    }
    answer = visit("erin").post("/broadcasts/check", data=data, headers={"HX-Request": "true"})
    assert (
        "Phát «Họp thôn» lúc 19:00 (tối), thứ 3, thứ 6 hằng tuần, từ 24/11/2026 (16/10 âm lịch), "
        "tại Thôn Hạ "
        "(1 cụm loa)" in answer.text
    )


def test_a_clash_is_told_before_saving_and_refused(visit, village):
    data = {
        "title": "Trùng",
        "clips": village.clips[6],
        "area_ids": village.areas["Hạ"],
        "date": "2026-11-23",
        "time": "17:01",
        "repeat": "once",
    }
    client = visit("erin")
    checked = client.post("/broadcasts/check", data=data, headers={"HX-Request": "true"})
    assert "trùng giờ với «Chương trình chiều»" in checked.text
    refused = client.post("/broadcasts/new", data=data)
    assert refused.status_code == 409
    assert 'value="Trùng"' in refused.text


def test_a_new_cluster_shows_its_code_once(visit, village, services):
    client = visit("tom")
    data = {"name": "Cụm Chợ", "code": "TL-99", "area_id": village.areas["Hạ"]}
    address = client.post("/nodes/new", data=data).location
    assert "Mã kích hoạt" in client.get(address).text
    assert 'class="code"' not in client.get(address).text
    with reading(services.engine) as session:
        assert session.scalar(select(Node.name).where(Node.code == "TL-99")) == "Cụm Chợ"


def test_a_taken_code_is_told_beside_the_field(visit, village):
    data = {"name": "Cụm Chợ", "code": "TL-01", "area_id": village.areas["Hạ"]}
    answer = visit("tom").post("/nodes/new", data=data)
    assert answer.status_code == 422
    assert 'id="problem-code"' in answer.text


def test_the_log_sets_planned_beside_played_with_every_reason(visit):
    page = visit("vera").get("/log/").text
    assert "05:30:00" in page
    assert "Không phát được" in page
    assert "Chưa nhận được báo cáo của cụm loa." in page
    assert "Cụm loa tắt vào giờ phát (mất điện" in page


def test_the_log_s_filters_stand_in_the_address(visit, village):
    page = visit("vera").get(f"/log/?outcome=missed&node={village.nodes['Bãi Sậy']}").text
    assert page.count('id="row-') == 1
    assert "outcome=missed" in page  # the exports keep the filters


def test_a_code_a_newer_node_sends_is_shown_as_it_is(visit, services):
    with transaction(services.engine) as session:
        session.scalars(select(Playback).where(Playback.reason != "")).first().reason = "sunspot"
    assert "sunspot" in visit("vera").get("/log/").text


def test_the_log_is_saved_as_csv_and_as_a_workbook(visit):
    client = visit("vera")
    csv = client.get("/log/log.csv?outcome=missed")
    assert csv.data.startswith(b"\xef\xbb\xbf")
    assert "Cụm Bãi Sậy" in csv.text
    assert len(csv.text.splitlines()) == 2
    book = openpyxl.load_workbook(io.BytesIO(client.get("/log/log.xlsx").data))
    assert book.active.max_row > 8


@pytest.mark.parametrize(
    "path",
    [
        "/clips/{clips[4]}",
        "/clips/{clips[4]}/sound",
        "/schedules/{schedules[morning]}",
        "/nodes/{nodes[Hạ]}",
        "/nodes/{nodes[Hạ]}/live",
        "/log/?area={areas[commune]}",
        "/broadcasts/new?clip={clips[4]}",
        "/clips/new?replaces={clips[4]}",
    ],
)
def test_an_outsider_does_not_even_learn_that_it_exists(visit, village, path):
    assert visit("charlie").get(path.format(**vars(village))).status_code == 404


@pytest.mark.parametrize(
    ("path", "verbs"),
    [
        ("/clips/{clips[4]}", ("approve", "reject", "withdraw")),
        ("/schedules/{schedules[morning]}", ("pause", "resume", "delete", "approve", "reject")),
        ("/nodes/{nodes[Hạ]}", ("claim-code",)),
    ],
)
def test_an_outsider_changes_nothing(visit, village, path, verbs):
    client = visit("charlie")
    for verb in verbs:
        assert client.post(f"{path.format(**vars(village))}/{verb}").status_code == 404


@pytest.mark.parametrize(
    ("who", "path"),
    [
        ("vera", "/broadcasts/new"),
        ("vera", "/clips/new"),
        ("erin", "/approvals/"),
        ("erin", "/nodes/new"),
        ("tom", "/broadcasts/new"),
    ],
)
def test_a_role_that_may_not_is_told_so(visit, who, path):
    answer = visit(who).get(path)
    assert answer.status_code == 403
    assert "Bạn chưa được giao việc này" in answer.text


def test_an_editor_approves_nothing(visit, village):
    answer = visit("erin").post(f"/clips/{village.clips[4]}/approve")
    assert answer.status_code == 403


@pytest.mark.parametrize("path", ["/", "/log/", "/clips/", "/nodes/", "/schedules/"])
def test_a_page_speaks_english(visit, path):
    page = visit("vera", language="en").get(path).text
    assert '<html lang="en">' in page
    assert "Nhật ký" not in page


def test_what_was_missed_is_played_again_by_one_tap(visit, services, village):
    client = visit("bob")
    assert "Phát bù cho nơi chưa nghe được" in client.get("/log/").text
    airing = airing_of(services, village.schedules["morning"], on="2026-11-22")
    answer = client.post(f"/log/catch-up/{airing.id}", follow_redirects=True)
    assert "Đã đặt lịch phát bù" in answer.text
    assert "Thôn Bãi Sậy" in answer.text


def test_a_typed_text_becomes_a_clip_to_listen_to(visit):
    data = {"title": "Mời họp", "topic": "6", "text": "Mời bà con họp lúc 19 giờ ngày 25/11."}
    answer = visit("erin").post("/clips/speak", data=data, follow_redirects=True)
    assert "Đã đọc thành tiếng." in answer.text
    assert "Mời bà con họp lúc" in answer.text
    assert "Chờ duyệt" in answer.text


def test_nothing_to_read_is_told_beside_the_field(visit):
    data = {"title": "Trống", "topic": "6", "text": " "}
    answer = visit("erin").post("/clips/speak", data=data)
    assert answer.status_code == 422
    assert 'id="problem-text"' in answer.text


def test_a_technician_turns_a_cluster_down(visit, village, services):
    node_id = village.nodes["Hạ"]
    data = {"name": "Cụm Hạ", "volume": "60", "area_id": village.areas["Hạ"]}
    answer = visit("tom").post(f"/nodes/{node_id}/edit", data=data, follow_redirects=True)
    assert "60 %" in answer.text
    assert visit("erin").post(f"/nodes/{node_id}/edit", data=data).status_code == 403
    assert visit("charlie").post(f"/nodes/{node_id}/edit", data=data).status_code == 404


def test_one_airing_on_one_cluster_is_told_step_by_step(visit, services, village):
    airing = airing_of(services, village.schedules["morning"], on="2026-11-22")
    address = f"/log/{airing.id}/{village.nodes['Cầu Đá']}"
    page = visit("tom").get(address).text
    assert "05:30:00,000" in page
    assert "Cụm loa tắt vào giờ phát (mất điện" in page
    assert visit("charlie").get(address).status_code == 404


def deaf_at(services, village, name="Cầu Đá"):
    """That cluster played this morning, and its microphone heard nothing; the others' did."""
    airing = airing_of(services, village.schedules["morning"], on="2026-11-22")
    with transaction(services.engine) as session:
        query = select(Playback).where(Playback.airing_id == airing.id)
        for row in session.scalars(query.where(Playback.outcome != "missed")):
            row.outcome, row.reason, row.played_ms = "played", "", 240_000
            deaf = row.node_id == village.nodes[name]
            row.heard_ms, row.heard_level_db = (0, -61.0) if deaf else (230_000, -24.5)
            row.heard_delay_ms = None if deaf else 18.0
    return airing


def test_what_played_and_was_not_heard_is_a_fault_in_plain_words(visit, services, village):
    airing = deaf_at(services, village)
    page = visit("vera").get("/log/").text
    assert page.count("Loa không vang") == 1
    assert "3:50" in page
    assert "không có micrô" in page  # the cluster that missed it told of none
    only = visit("vera").get("/log/?outcome=unheard").text
    assert only.count('id="row-') == 1
    story = visit("tom").get(f"/log/{airing.id}/{village.nodes['Hạ']}").text
    assert "micrô nghe được 3:50" in story
    assert "-24,5 dB" in story
    assert "18 ms" in story
    assert re.search(r">\d\d:\d\d:\d\d,\d{3}</td>", story)
    english = visit("tom", "en").get(f"/log/{airing.id}/{village.nodes['Hạ']}").text
    assert re.search(r">\d\d:\d\d:\d\d\.\d{3}</td>", english)


def test_the_exports_say_planned_played_and_heard(visit, services, village):
    deaf_at(services, village)
    csv = visit("vera").get("/log/log.csv?outcome=unheard").text.splitlines()
    assert len(csv) == 2
    assert (
        dict(zip(csv[0].split(","), csv[1].split(","), strict=True)).items()
        >= {
            "Đã phát (ms)": "240000",
            "Nghe được (ms)": "0",
            "Nghe": "loa không vang",
        }.items()
    )


def test_what_a_node_summed_up_is_told_above_the_log_and_in_its_story(visit, services, village):
    node_id = village.nodes["Hạ"]
    body = {"kind": "summary", "detail": '{"played": 40, "missed/powered_off": 3}'}
    body |= {"planned_at": "2026-11-18T00:00:00Z", "at": "2026-11-20T00:00:00Z"}
    with transaction(services.engine) as session:
        query = select(DeviceBinding.device_id).where(DeviceBinding.node_id == node_id)
        row = NodeReport(device_id=session.scalars(query).one(), store_epoch="e", seq=1)
        row.airing_id, row.received_at, row.body = "summary-1-43", scene.NOW, body
        session.add(row)
    for address in ("/log/", f"/nodes/{node_id}"):
        page = visit("tom").get(address).text
        assert "43 lượt phát từ 18/11/2026 đến 20/11/2026" in page
        assert "3 không phát được (mất điện hoặc máy dừng)" in page
    assert "43 lượt phát" not in visit("charlie").get("/log/").text


def test_the_clusters_page_says_who_waits_for_a_neighbour_and_how_long(visit, village, services):
    with transaction(services.engine) as session:
        node = session.get_one(Node, village.nodes["Cầu Đá"])
        node.stagger_slot = 2
    assert "chờ 4 giây" in visit("tom").get("/nodes/").text
