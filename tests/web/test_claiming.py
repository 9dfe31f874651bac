"""A new device from its label to its place: found by its digits, bound, replaced, told as bound."""

import pytest
from sqlalchemy import select

from controller.database import reading, transaction
from controller.fleet import enrolment
from controller.models import DeviceBinding, Playback
from protocol.claims import device_code
from protocol.keys import SigningKey
from protocol.messages import Claim
from tests.web.village import NOW


@pytest.fixture
def fresh(services):
    """A device out of its box that asks to be bound; its key."""
    key = SigningKey.generate().verify_key
    with transaction(services.engine) as session:
        assert enrolment.wait(session, key, Claim(key.hex, "", "Pi Zero 2", "1.0"), NOW)
    return key


def digits(key):
    return device_code(key).replace(" ", "")


def test_the_label_s_square_opens_the_page_with_the_device(visit, fresh, services):
    tom = visit("tom")
    label = tom.get(f"/devices/{fresh.device_id}/label").text
    address = f"{services.settings.public_url}/devices/?code={digits(fresh)}"
    assert device_code(fresh) in label
    assert "<svg" in label
    assert address in label
    page = tom.get(f"/devices/?code={digits(fresh)}").text
    assert device_code(fresh) in page
    assert "Pi Zero 2" in page
    assert device_code(fresh) in tom.get(f"/devices/?code={digits(fresh)[:6]}").text
    assert "Chưa thấy thiết bị có mã này" in tom.get("/devices/?code=000000000000").text


def test_who_is_not_signed_in_comes_back_to_it(visit, fresh):
    answer = visit().get(f"/devices/?code={digits(fresh)}")
    assert digits(fresh) in answer.location


def test_a_dead_device_is_replaced_and_the_place_keeps_its_history(visit, fresh, village, services):
    tom, node_id = visit("tom"), village.nodes["Bãi Sậy"]
    page = tom.get("/devices/").text
    assert page.index("Cụm Bãi Sậy") < page.index("Cụm Hạ")  # the silent one first
    data = {"node_id": node_id, "device_id": fresh.device_id}
    assert tom.post("/devices/bind", data=data).location.endswith(f"/nodes/{node_id}")
    with reading(services.engine) as session:
        query = select(DeviceBinding).where(DeviceBinding.node_id == node_id)
        former, now = session.scalars(query.order_by(DeviceBinding.from_at))
        assert (former.until_at, now.device_id) == (NOW, fresh.device_id)
        assert session.scalars(select(Playback).where(Playback.node_id == node_id)).all()
    assert "Cụm Bãi Sậy" in tom.get(f"/devices/?code={digits(fresh)}").text
    assert "đang phục vụ" in tom.get(f"/devices/?code={digits(fresh)}").text
    assert "đang phục vụ" not in visit("charlie").get(f"/devices/?code={digits(fresh)}").text


def test_who_may_not_operate_finds_nothing(visit, fresh):
    assert visit("erin").get(f"/devices/?code={digits(fresh)}").status_code == 403
    assert visit("erin").get(f"/devices/{fresh.device_id}/label").status_code == 403
