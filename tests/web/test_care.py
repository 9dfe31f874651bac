"""A technician at a cluster: orders and answers, the card with directions, notes, list and map."""

import pytest
from sqlalchemy import select

from controller.database import reading, transaction
from controller.emergency import node_orders
from controller.models import Device, DeviceBinding, Node, NodeEvent, NodeOrder
from protocol.messages import Answer


@pytest.fixture
def cluster(village):
    return village.nodes["Hạ"]


def device_of(session, node_id):
    query = select(Device).join(DeviceBinding).where(DeviceBinding.node_id == node_id)
    return session.scalars(query).one()


def test_an_order_waits_and_its_answer_is_shown(visit, cluster, services, clock):
    client = visit("tom")
    answer = client.post(f"/nodes/{cluster}/orders", data={"verb": "self_test"})
    assert answer.location.endswith(f"/nodes/{cluster}#orders")
    assert "Đang chờ trả lời" in client.get(f"/nodes/{cluster}").text
    with transaction(services.engine) as session:
        order = session.scalars(select(NodeOrder)).one()
        said = Answer(order.id, order.verb, False, "unhealthy", "Thẻ nhớ hỏng")
        assert node_orders.answered(session, device_of(session, cluster).id, said, clock.now)
    page = client.get(f"/nodes/{cluster}").text
    assert "Không làm được" in page
    assert "Thẻ nhớ hỏng" in page


def test_what_a_device_could_not_read_is_shown_with_what_to_do(visit, cluster, services):
    with transaction(services.engine) as session:
        device = device_of(session, cluster)
        said = {"problems": ["not_understood"], "details": {"not_understood": "config: zones"}}
        device.status = {**(device.status or {}), **said}
    page = visit("tom").get(f"/nodes/{cluster}").text
    assert "config: zones" in page
    assert "hãy cập nhật phần mềm" in page


def test_a_mute_takes_local_time(visit, cluster, services):
    data = {"verb": "mute", "until": "2026-11-22T18:00"}
    visit("tom").post(f"/nodes/{cluster}/orders", data=data)
    with reading(services.engine) as session:
        order = session.scalars(select(NodeOrder)).one()
        assert order.args["until"].startswith("2026-11-22T11:00:00")


def test_a_test_play_is_dated_and_only_once_for_two_taps(visit, cluster, services):
    client = visit("tom")
    for _ in range(2):
        client.post(f"/nodes/{cluster}/orders", data={"verb": "play", "once": "tap"})
    with reading(services.engine) as session:
        (order,) = session.scalars(select(NodeOrder)).all()
        assert order.airing["origin"] == "test"


def test_the_card_and_the_coordinates_are_kept(visit, cluster, services):
    data = {"directions": "Sau đình", "key_phone": "0912 345 678", "place": "21.02, 105.85"}
    client = visit("tom")
    client.post(f"/nodes/{cluster}/card", data=data)
    page = client.get(f"/nodes/{cluster}").text
    assert "Sau đình" in page
    assert 'href="tel:0912345678"' in page
    with reading(services.engine) as session:
        assert session.get_one(Node, cluster).lat == 21.02


def test_coordinates_that_are_none_are_refused_with_an_example(visit, cluster):
    client = visit("tom")
    page = client.post(
        f"/nodes/{cluster}/card", data={"place": "gần chợ"}, follow_redirects=True
    ).text
    assert "21.0285, 105.8542" in page


def test_a_repair_is_written_down(visit, cluster):
    client = visit("tom")
    client.post(f"/nodes/{cluster}/notes", data={"text": "Thay nguồn 5 V"})
    page = client.get(f"/nodes/{cluster}").text
    assert "Thay nguồn 5 V" in page
    assert "Phạm Văn Tâm" in page


def test_the_list_begins_with_who_is_silent_longest(visit, services, village, clock):
    with transaction(services.engine) as session:
        silent = device_of(session, village.nodes["Trung"])
        silent.online, silent.last_seen_at = False, clock.now.replace(day=10)
    page = visit("tom").get("/nodes/?view=list").text
    assert page.index("Cụm Trung") < page.index("Cụm Bãi Sậy") < page.index("Cụm Đông")
    assert "<strong>12</strong>" in page


def test_the_map_has_a_pin_for_each_cluster_of_ones_own(visit):
    page = visit("tom").get("/nodes/?view=map").text
    assert page.count('class="pin ') == 8
    assert visit("charlie").get("/nodes/?view=map").text.count('class="pin ') == 0


def test_the_sheet_for_the_pole_leads_back_to_the_cluster(visit, cluster):
    page = visit("vera").get(f"/nodes/{cluster}/sheet").text
    assert "<svg" in page
    assert f"/nodes/{cluster}" in page


def test_the_story_says_what_befell_it_and_what_to_try(visit, village, services):
    page = visit("tom").get(f"/nodes/{village.nodes['Cầu Đá']}").text
    assert "Nguồn yếu" in page
    assert "Khởi động lại" in page
    with reading(services.engine) as session:
        assert len(session.scalars(select(NodeEvent)).all()) == 5


def test_each_amplifier_carries_the_places_ticked_for_it(visit, cluster, village, services):
    with transaction(services.engine) as session:
        device = device_of(session, cluster)
        device.status = {**device.status, "zones": ["main", "market"]}
    client = visit("tom")
    data = {"zone": ["main", "market"], "areas-market": [village.areas["commune"]]}
    client.post(f"/nodes/{cluster}/zones", data=data)
    page = client.get(f"/nodes/{cluster}").text
    assert "chỉ phát lịch của" in page
    data = {"zone": ["market"], "areas-market": [village.areas["far"]]}
    refused = client.post(f"/nodes/{cluster}/zones", data=data, follow_redirects=True).text
    assert "chỉ nhận lịch của những nơi" in refused
    with reading(services.engine) as session:
        chosen = [{"zone": "market", "areas": [village.areas["commune"]]}]
        assert session.get_one(Node, cluster).zones == chosen
    with transaction(services.engine) as session:
        device = device_of(session, cluster)
        device.status = {**device.status, "zones": ["main"]}
    assert "Vùng loa market không có trên thiết bị" in client.get(f"/nodes/{cluster}").text
