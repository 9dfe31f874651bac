"""Sixty clusters and one technician: who is down, since when, what to try, whom to call."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from controller.database import transaction
from controller.models import Device, DeviceBinding, Node
from tests.controller.factories import make_node


@pytest.mark.parametrize("typed", ["cau da", "CẦU ĐÁ", "tl-07", "le thi sau", "ba sau quan nuoc"])
def test_a_cluster_is_found_as_people_type_it(visit, typed):
    page = visit("tom").get("/nodes/", query_string={"q": typed}).text
    assert "Cụm Cầu Đá" in page
    assert "Cụm Hạ" not in page
    assert "Không có cụm loa nào như vậy" in visit("tom").get("/nodes/?q=khongco").text


def test_only_those_that_want_a_look_are_shown(visit):
    page = visit("tom").get("/nodes/?only=trouble").text
    assert "Cụm Bãi Sậy" in page
    assert "Cụm Cầu Đá" in page  # connected, with weak power
    assert "Cụm Hạ" not in page
    assert "7/8 đang kết nối" in page  # of all, not of those shown


def test_names_stand_in_vietnamese_order(visit, services, village):
    names = ("Ánh", "Ăng", "An", "Ân", "Đa", "Dung", "Ơn", "Ông", "Oanh", "thôn 10", "thôn 9")
    with transaction(services.engine) as session:
        for number, name in enumerate(names):
            make_node(session, village.areas["Hạ"], f"VN-{number}").name = f"Xếp {name}"
    page = visit("tom").get("/nodes/?q=xep").text
    order = ("An", "Ánh", "Ăng", "Ân", "Dung", "Đa", "Oanh", "Ông", "Ơn", "thôn 9", "thôn 10")
    places = [page.index(f">Xếp {name}<") for name in order]
    assert places == sorted(places)


def test_the_list_says_days_what_to_try_whom_to_call_and_the_last_repair(
    visit, services, village, clock
):
    with transaction(services.engine) as session:
        node = session.get_one(Node, village.nodes["Cầu Đá"])
        query = select(Device).join(DeviceBinding).where(DeviceBinding.node_id == node.id)
        device = session.scalars(query).one()
        device.online, device.last_seen_at = False, clock.now - timedelta(days=5)
    page = visit("tom").get("/nodes/?view=list").text
    row = page[page.index("Cụm Cầu Đá") :].split("</tr>")[0]
    for said in ("<strong>5</strong>", "Đến tại chỗ", "tel:0912345678", "Ổ cắm lỏng"):
        assert said in row
    assert "Cụm Cầu Đá" in visit("tom").get("/nodes/live?view=list&only=trouble").text


def test_the_list_is_filtered_by_days_down_and_silent_since(visit, services, village, clock):
    with transaction(services.engine) as session:
        for name, days in (("Cầu Đá", 5), ("Hạ", 40)):
            binding = DeviceBinding.node_id == village.nodes[name]
            device = session.scalars(select(Device).join(DeviceBinding).where(binding)).one()
            device.online, device.last_seen_at = False, clock.now - timedelta(days=days)
    tom = visit("tom")
    long_down = tom.get("/nodes/?view=list&days=30").text
    assert "Cụm Hạ" in long_down
    assert "Cụm Cầu Đá" not in long_down
    since = (clock.now - timedelta(days=10)).date().isoformat()
    lately = tom.get(f"/nodes/?view=list&since={since}").text
    assert "Cụm Cầu Đá" in lately
    assert "Cụm Hạ" not in lately
    assert "Cụm Hạ" in tom.get("/nodes/?view=list&days=abc&since=hôm-qua").text


def test_more_clusters_than_a_page_come_a_page_at_a_time(visit, services, village, monkeypatch):
    monkeypatch.setattr("web.fleet._A_PAGE", 5)
    tom = visit("tom")
    first = tom.get("/nodes/?view=list").text
    address = first.split('<p class="more"><a class="button" href="')[1].split('"')[0]
    second = tom.get(address.replace("&amp;", "&")).text
    shown = [page.count('<th scope="row">') for page in (first, second)]
    assert shown == [5, 3]
    assert "cursor=" in second.split('id="clusters"')[1].split(">")[0]  # live, the same page
    assert tom.get("/nodes/?view=list&cursor=abc").status_code == 422


def test_people_are_found_without_accents_and_stand_in_vietnamese_order(visit):
    alice = visit("alice")
    page = alice.get("/users/").text
    order = ("Đỗ Thị Hoa", "Hoàng Thị Vân", "Lê Văn Bách", "Trần Thị Én")
    places = [page.index(f">{name}<") for name in order]
    assert places == sorted(places)
    found = alice.get("/users/?q=do+thi").text
    assert "Đỗ Thị Hoa" in found
    assert ">Lê Văn Bách<" not in found
    assert "Phạm Văn Tâm" in alice.get("/users/?q=ky+thuat").text


def test_clips_stand_by_their_titles_where_asked(visit, services, village):
    page = visit("erin").get("/clips/?sort=title").text
    order = (
        "Bán hàng trên",
        "Cài VNeID",
        "Không cung cấp",
        "Lịch tiêm",
        "Nộp hồ sơ",
        "Thanh toán tiền",
    )
    places = [page.index(f">{title}") for title in order]
    assert places == sorted(places)
    assert visit("erin").get("/clips/?sort=title&cursor=x").status_code == 200
