"""Emergencies under a finger and a keyboard: real looks real, and what sounds is counted."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from controller.accounts.access import SYSTEM
from controller.area_changes import area_edits
from controller.database import transaction
from controller.emergency import emergencies
from controller.emergency.emergencies import EmergencyInput, Repeat
from controller.models import Airing, Clip, Playback
from tests.browser.conftest import looked_at, sign_in
from tests.web.village import NOW, PASSWORD

pytestmark = pytest.mark.browser


def begin(site, by="alice", drill=False):
    """Given by somebody else; its id."""
    village = site.village
    data = EmergencyInput(village.clips[5], [village.areas["commune"]], drill, Repeat(2, 300))
    with transaction(site.services.engine) as session:
        session.get_one(Clip, village.clips[5]).title = "Nước sông lên nhanh, đưa người lên cao"
        return emergencies.begin(session, village.actor(by), data, NOW).id


def sounds_at(site, emergency_id, *names):
    with transaction(site.services.engine) as session:
        query = select(Airing).where(Airing.emergency_id == emergency_id)
        airing = session.scalars(query.order_by(Airing.starts_at)).first()
        site.clock.now = airing.starts_at
        for name in names:
            session.add(
                Playback(
                    planned_day=airing.starts_at.date(),
                    airing_id=airing.id,
                    node_id=site.village.nodes[name],
                    planned_at=airing.starts_at,
                    started_at=airing.starts_at,
                )
            )


def test_real_and_drill_are_unmistakable(own_site, open_as):
    page = open_as(own_site, "bob", "/emergency/")
    page.get_by_role("radio", name="PHÁT THẬT").check()
    page.get_by_text("SẼ PHÁT NGAY tới 8 cụm loa, ngắt 1 lượt đang phát.").wait_for()
    assert page.locator(".ribbon-real").is_visible()
    assert not page.locator(".ribbon-drill").is_visible()
    looked_at(page, "khan-cap-that", page.locator(".step").last)
    page.get_by_role("radio", name="DIỄN TẬP").check()
    page.get_by_text("SẼ DIỄN TẬP NGAY tới 8 cụm loa").wait_for()
    assert not page.locator(".ribbon-real").is_visible()
    looked_at(page, "khan-cap-dien-tap", page.locator(".step").last)


def test_a_keyboard_sends_with_a_second_press(own_site, signed_up, page, watch):
    watch.over(page)
    sign_in(own_site, page, "bob")
    page.goto(own_site.url + "/emergency/")
    page.get_by_role("radio", name="Không cung cấp mã OTP").check()
    page.get_by_role("radio", name="DIỄN TẬP").check()
    page.fill("#password", PASSWORD)
    page.get_by_role("button", name="Giữ 2 giây để phát").focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Bấm lần nữa để phát").wait_for()
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="DIỄN TẬP: đang phát").wait_for()


def test_the_running_view_counts_what_sounds_and_offers_the_all_clear(own_site, open_as):
    emergency_id = begin(own_site)
    sounds_at(own_site, emergency_id, "Đông", "Đoài", "Trung")
    page = open_as(own_site, "bob", f"/emergency/{emergency_id}")
    page.get_by_text("3/8 cụm loa đang phát").wait_for()
    page.get_by_text("5 chưa báo về").wait_for()
    looked_at(page, "khan-cap-dang-phat")
    page.get_by_role("button", name="Hủy lệnh phát").click()
    page.get_by_role("link", name="Phát tin báo an hoặc đính chính").click()
    assert page.get_by_role("checkbox", name="Xã Tân Lập").is_checked()
    assert not page.get_by_role("radio", name="PHÁT THẬT").is_checked()


def test_a_second_person_confirms_by_holding(own_site, open_as):
    with transaction(own_site.services.engine) as session:
        commune = own_site.village.areas["commune"]
        area_edits.update(
            session, SYSTEM, commune, {"policy": {"approval": {"emergency_people": 2}}}, NOW
        )
    emergency_id = begin(own_site)
    page = open_as(own_site, "bob", "/")
    page.get_by_text("đang chờ người thứ hai xác nhận").wait_for()
    page.get_by_role("link", name="Xem và điều khiển").click()
    page.get_by_role("heading", name="PHÁT THẬT: chờ người thứ hai").wait_for()
    looked_at(page, "khan-cap-xac-nhan")
    button = page.get_by_role("button", name="Xác nhận: giữ 2 giây để phát")
    button.click()
    assert page.get_by_role("heading", name="PHÁT THẬT: chờ người thứ hai").is_visible()
    button.hover()
    page.mouse.down()
    page.get_by_role("heading", name="PHÁT THẬT: đang phát").wait_for()
    page.mouse.up()
    assert emergency_id in page.url


def test_a_button_that_comes_by_a_live_update_must_be_held_too(own_site, open_as):
    """The deputy's: it comes once nobody else has answered."""
    with transaction(own_site.services.engine) as session:
        rules = {"emergency_people": 2, "emergency_deputy": "vera"}
        commune = own_site.village.areas["commune"]
        area_edits.update(session, SYSTEM, commune, {"policy": {"approval": rules}}, NOW)
    emergency_id = begin(own_site)
    page = open_as(own_site, "vera", f"/emergency/{emergency_id}")
    page.get_by_role("heading", name="PHÁT THẬT: chờ người thứ hai").wait_for()
    button = page.get_by_role("button", name="Xác nhận: giữ 2 giây để phát")
    assert not button.is_visible()
    own_site.clock.now = NOW + timedelta(minutes=3)
    button.wait_for()
    button.click()
    assert page.get_by_role("heading", name="PHÁT THẬT: chờ người thứ hai").is_visible()
    button.hover()
    page.mouse.down()
    page.get_by_role("heading", name="PHÁT THẬT: đang phát").wait_for()
    page.mouse.up()
