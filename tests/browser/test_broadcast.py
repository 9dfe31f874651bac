"""The form of a new broadcast under scripts: clash and way out, lunar date, listening, draft."""

import pytest

from tests.browser.conftest import looked_at, until

pytestmark = pytest.mark.browser


@pytest.fixture
def form(own_site, open_as):
    # Right where the morning bulletin sounds.
    page = open_as(own_site, "erin", f"/broadcasts/new?clip={own_site.village.clips[5]}&time=05:30")
    page.locator("#summary .notice-bad").wait_for()
    return page


def test_a_clash_is_told_with_the_nearest_free_time(form):
    looked_at(form, "tao-lich-phat-trung-gio", form.locator(".step").last)
    form.get_by_role("button", name="Dùng giờ trống gần nhất").click()
    form.get_by_text("Không trùng giờ, không trái quy định.").wait_for()
    assert form.input_value("#time") != "05:30"


def test_the_free_time_is_taken_over_without_scripts_too(own_site, browser, browser_context_args):
    with browser.new_context(**browser_context_args, java_script_enabled=False) as context:
        context.add_cookies([own_site.cookie("erin")])
        page = context.new_page()
        page.goto(f"{own_site.url}/broadcasts/new?clip={own_site.village.clips[5]}&time=05:30")
        page.get_by_role("button", name="Xem trước").click()
        page.get_by_role("button", name="Dùng giờ trống gần nhất").click()
        assert "Không trùng giờ" in page.inner_text("main")
        assert page.input_value("#time") != "05:30"


def test_a_picked_date_is_read_back_with_its_lunar_day(form):
    form.fill("#date", "2026-12-09")
    form.locator("#day-echo", has_text="mùng một tháng 11 âm lịch").wait_for()


def test_the_programme_is_heard_before_it_is_sent(form):
    form.get_by_text("Nghe thử cả chương trình").click()
    form.locator("#summary audio").evaluate("each => each.play()")
    until(form, "document.querySelector('#summary audio').currentTime > 0.2")


def test_a_draft_says_so_and_can_be_dropped(own_site, open_as):
    page = open_as(own_site, "erin", "/broadcasts/new")
    page.fill("#title", "Đang viết dở")
    page.keyboard.press("Tab")
    page.goto(own_site.url + "/broadcasts/new")
    page.get_by_text("Đây là bản nháp").wait_for()
    page.get_by_role("button", name="Bỏ nháp").click()
    page.get_by_text("Đây là bản nháp").wait_for(state="hidden")
    assert page.input_value("#title") == ""


def test_seasons_and_pauses_are_folded_away_until_they_are_wanted(form):
    season = form.get_by_label("Phát lúc").first
    assert not season.is_visible()
    form.get_by_text("Hằng ngày").check()
    form.get_by_text("Tùy chọn thêm").click()
    season.fill("05:00")
    form.get_by_label("Vào ngày lễ của địa bàn").select_option("skip")
    said = "riêng từ 16/4 đến 15/10 phát lúc 05:00 (sáng); nghỉ ngày lễ"
    form.locator("#summary", has_text=said).wait_for()
    looked_at(form, "tao-lich-phat-tuy-chon", form.locator(".step").nth(2))


def test_a_village_that_is_tapped_takes_the_place_of_the_commune(form):
    commune = form.get_by_role("checkbox", name="Xã Tân Lập")
    village = form.get_by_role("checkbox", name="Thôn Hạ")
    assert commune.is_checked()
    village.check()
    assert not commune.is_checked()
    form.locator("#summary", has_text="tại Thôn Hạ (1 cụm loa)").wait_for()
    commune.check()
    assert not village.is_checked()
